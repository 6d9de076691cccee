import type { GatewayConfig } from '../config/types.ts';
import type { GatewayOptions } from './bootstrap.ts';

const MILLISECONDS = 1000;
/** pptpd and Windows use it too: no tunnel device needs a deeper queue at the rates of one gateway. */
export const TUN_QUEUE_LENGTH = 1000;

/** The configuration as the container's modules want it. */
export function gatewayOptions(config: GatewayConfig): GatewayOptions {
  const { gre, ppp, mppe, pool } = config;
  return {
    dataPath: {
      gre: { window: gre.reorderWindow, timeoutMs: gre.reorderTimeoutMs, ackDelayMs: gre.ackDelayMs },
      checkPeerAddress: gre.checkPeerAddress,
      clampToMtu: config.network.mssClamp ? config.tun.mtu : undefined,
      clearAllowed: mppe.policy !== 'required',
    },
    session: {
      driver: { dns: pool.dns, wins: pool.wins, silenceMs: gre.silenceSeconds * MILLISECONDS },
      pool: {
        network: pool.range.network,
        prefix: pool.range.prefixLength,
        gatewayAddress: pool.gatewayAddress,
      },
      callIdQuarantineMs: config.calls.idQuarantine * MILLISECONDS,
      authMethods: config.auth.methods,
      link: {
        role: 'server',
        mru: ppp.mru,
        localName: config.hostName,
        encryption: mppe.policy,
        mppeStrengths: mppe.strengths.toSorted((a, b) => b - a),
        restartMs: ppp.restartTimer * MILLISECONDS,
        maxConfigure: ppp.maxConfigure,
        maxTerminate: ppp.maxTerminate,
        maxFailure: ppp.maxFailure,
        echoIntervalMs: ppp.echoInterval * MILLISECONDS,
        echoFailures: ppp.echoFailures,
        authTimeoutMs: ppp.authTimeout * MILLISECONDS,
      },
    },
  };
}
