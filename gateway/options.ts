import type { GatewayConfig } from '../config/types.ts';
import type { GreWindowOptions } from '../core/datapath/gre-window.ts';
import { MPPE_OVERHEAD } from '../core/wire/mppe-header.ts';
import type { GatewayOptions } from './bootstrap.ts';
import { gatewayIpv6 } from './session/prefix-pool.ts';
import { type Shard, WHOLE } from './workers/shard.ts';
import { addressSlice, prefixSlice } from './workers/slices.ts';

const MILLISECONDS = 1000;
/** pptpd and Windows use it too: no tunnel device needs a deeper queue at the rates of one gateway. */
export const TUN_QUEUE_LENGTH = 1000;

/** The configuration as the container's modules want it, of a whole gateway or of one worker. */
export function gatewayOptions(config: GatewayConfig, shard: Shard = WHOLE): GatewayOptions {
  const { gre, ppp, mppe, pool } = config;
  const shared = shard.count > 1;
  return {
    stateDir: config.stateDir,
    dataPath: {
      gre: {
        window: gre.reorderWindow,
        timeoutMs: gre.reorderTimeoutMs,
        ackDelayMs: gre.ackDelayMs,
        ...(gre.window === 'on' ? { sendWindow: sendWindow(gre) } : {}),
      },
      checkPeerAddress: gre.checkPeerAddress,
      mtu: {
        overhead: mppe.policy === 'disabled' && mppe.mppc === 'off' ? 0 : MPPE_OVERHEAD,
        source: pool.gatewayAddress,
        source6: pool.ipv6 === undefined ? undefined : gatewayIpv6(pool.ipv6),
      },
      clampToMtu: config.network.mssClamp ? config.tun.mtu : undefined,
      tunnelMtu: config.tun.mtu,
      clearAllowed: mppe.policy !== 'required',
      role: 'server',
      limits: config.traffic.limits === 'on',
      filters: config.filters,
    },
    session: {
      driver: {
        dns: pool.dns,
        wins: pool.wins,
        silenceMs: gre.silenceSeconds * MILLISECONDS,
        limits: { idleMs: ppp.idleTimeout * MILLISECONDS, sessionMs: ppp.sessionTimeout * MILLISECONDS },
        ...(shared ? { worker: shard.index } : {}),
      },
      ...(pool.ipv6 === undefined
        ? {}
        : {
            ipv6: {
              network: pool.ipv6,
              dns: pool.ipv6Dns,
              mtu: config.tun.mtu,
              ...(shared ? { slice: prefixSlice(pool.ipv6, shard) } : {}),
            },
          }),
      pool: {
        network: pool.range.network,
        prefix: pool.range.prefixLength,
        gatewayAddress: pool.gatewayAddress,
        ...(shared ? { slice: addressSlice(pool.range, shard) } : {}),
      },
      namedPools: pool.named.map(({ name, network }) => ({
        name,
        range: {
          network: network.network,
          prefix: network.prefixLength,
          gatewayAddress: pool.gatewayAddress,
          ...(shared ? { slice: addressSlice(network, shard) } : {}),
        },
      })),
      ...(shared ? { callIds: { modulus: shard.count, residue: shard.index } } : {}),
      interimSeconds: config.accounting.interim,
      pluginTimeoutMs: config.pluginTimeout * MILLISECONDS,
      callIdQuarantineMs: config.calls.idQuarantine * MILLISECONDS,
      authMethods: config.auth.methods,
      link: {
        role: 'server',
        mru: ppp.mru,
        ipv6: pool.ipv6 !== undefined,
        localName: config.hostName,
        encryption: mppe.policy,
        mppeStrengths: mppe.strengths.toSorted((a, b) => b - a),
        statefulMppe: mppe.stateful,
        mppc: mppe.mppc,
        restartMs: ppp.restartTimer * MILLISECONDS,
        maxConfigure: ppp.maxConfigure,
        maxTerminate: ppp.maxTerminate,
        maxFailure: ppp.maxFailure,
        echoIntervalMs: ppp.echoInterval * MILLISECONDS,
        echoFailures: ppp.echoFailures,
        authTimeoutMs: ppp.authTimeout * MILLISECONDS,
        setupTimeoutMs: config.edge.setupTimeout * MILLISECONDS,
      },
    },
  };
}

/** Longer than the lone acknowledgments of Windows and of this gateway wait (100 ms), and a path of some 100 ms. */
const MIN_ACK_TIMEOUT_MS = 250;

const sendWindow = (gre: GatewayConfig['gre']): GreWindowOptions => ({
  minTimeoutMs: Math.min(MIN_ACK_TIMEOUT_MS, gre.windowMaxTimeoutMs),
  maxTimeoutMs: gre.windowMaxTimeoutMs,
  queueLimit: gre.windowQueue,
});
