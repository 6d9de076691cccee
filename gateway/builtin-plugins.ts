import type { GatewayConfig } from '../config/types.ts';
import { workerTunName } from '../config/workers.ts';
import { parseIpv4 } from '../core/bytes/ipv4-address.ts';
import type { StartCollisions } from '../core/machine/pptp-collision.ts';
import type { InheritedDevice } from '../core/ports/handover.ts';
import { chapMd5Plugin } from '../plugins/auth-chap-md5/index.ts';
import { eapPlugin } from '../plugins/auth-eap/index.ts';
import { eapTlsPlugin } from '../plugins/auth-eap-tls/index.ts';
import { msChapV1Plugin } from '../plugins/auth-ms-chap-v1/index.ts';
import { msChapV2Plugin } from '../plugins/auth-ms-chap-v2/index.ts';
import { papPlugin } from '../plugins/auth-pap/index.ts';
import { userFilePlugin } from '../plugins/backend-user-file/index.ts';
import {
  type ConnectionRules,
  type ConnectionSource,
  controlPptpPlugin,
  type LiveControlOptions,
} from '../plugins/control-pptp/index.ts';
import { type HostNetworkOptions, hostNetworkPlugin } from '../plugins/host-network-linux/index.ts';
import { linuxTunPlugin } from '../plugins/io-tun-linux/index.ts';
import { mppeNativePlugin } from '../plugins/mppe-native/index.ts';
import { connectionRules } from './edge.ts';
import { greDriver } from './gre-driver.ts';
import { TUN_QUEUE_LENGTH } from './options.ts';
import { builtIn, type LoadedPlugin, withOptions } from './plugin-loader.ts';
import { privilegesPlugin } from './privileges/plugin.ts';
import { gatewayIpv6 } from './session/prefix-pool.ts';
import { type Shard, shards, WHOLE } from './workers/shard.ts';
import { addressBlocks, addressSlice, prefixBlocks, prefixSlice } from './workers/slices.ts';

const MILLISECONDS = 1000;

/** What is different in one worker of several. */
export interface WorkerPlugins {
  readonly shard: Shard;
  /** Hands over the connections that the supervisor has accepted. */
  readonly source: ConnectionSource;
  /** Of the whole gateway. */
  readonly config: GatewayConfig;
}

/** What a process gets from the one that it takes over from. */
export interface Inheritance {
  readonly pid: number;
  readonly tun: InheritedDevice;
  readonly gre: InheritedDevice;
}

/** The plug-ins every gateway has, with their part of the configuration. `rules` may change while it runs. */
export function builtinPlugins(
  config: GatewayConfig,
  defaultInterface: () => string | undefined,
  collisions?: StartCollisions,
  worker?: WorkerPlugins,
  rules: ConnectionRules = connectionRules(config),
  inheritance?: Inheritance,
): readonly LoadedPlugin[] {
  const { listen, calls, gre } = config;
  const address = parseIpv4(listen.address);
  const shard = worker?.shard ?? WHOLE;
  const plugins = [
    withOptions(linuxTunPlugin, {
      interfaceName: tunName(config, shard),
      offloads: config.tun.offloads,
      inherited: inheritance?.tun,
    }),
    greDriver(gre.driver, address, undefined, shard, inheritance?.gre),
    withOptions(mppeNativePlugin, { kernel: config.mppe.kernel }),
    ...(config.network.manage
      ? [
          withOptions(hostNetworkPlugin, {
            ...hostNetwork(config, defaultInterface, shard),
            predecessor: inheritance?.pid,
          }),
        ]
      : []),
    withOptions(msChapV2Plugin, { maxAttempts: config.auth.maxAttempts }),
    withOptions(msChapV1Plugin, { maxAttempts: config.auth.maxAttempts }),
    withOptions(chapMd5Plugin, undefined),
    withOptions(papPlugin, undefined),
    withOptions(eapPlugin, {
      methods: config.auth.methods.includes('eap') ? config.eap.methods : [],
      maxAttempts: config.auth.maxAttempts,
      relay: config.auth.methods.includes('eap') ? config.eap.relay : 'off',
    }),
    ...eapTls(config),
    ...(config.users.source === 'file' ? [withOptions(userFilePlugin, { file: config.users.file })] : []),
    withOptions(controlPptpPlugin, {
      address: listen.address,
      port: listen.port,
      ...rules.limits,
      rules,
      maxCalls: calls.max,
      ...controlOptions(config),
      collisions,
      source: worker?.source,
      inherits: inheritance !== undefined,
    }),
    // The last: what the others start with, only root may do.
    ...(config.edge.runAs === undefined ? [] : [withOptions(privilegesPlugin, { config: worker?.config ?? config })]),
  ];
  return plugins.map(builtIn);
}

/** What of the control connection may be another while it runs. */
export const controlOptions = (config: GatewayConfig): Omit<LiveControlOptions, 'ruleSet'> => {
  const { hostName, vendor, calls, control, edge, gre, setups } = config;
  return {
    idleMs: edge.idleTimeout * MILLISECONDS,
    setups: {
      atOnce: setups.atOnce,
      waiting: setups.queue,
      // Its control connection would be taken for dead otherwise, without a word.
      waitMs: Math.min(setups.wait, 0.9 * control.establishTimeout) * MILLISECONDS,
    },
    control: {
      hostName,
      vendorName: vendor,
      maxCalls: calls.maxPerConnection,
      acceptIncomingCalls: calls.acceptIncoming,
      incomingCallsHint: 'set PPTP_ACCEPT_INCOMING_CALLS=true to take calls that a PAC announces',
      receiveWindow: gre.receiveWindow,
      startTimeoutMs: control.establishTimeout * MILLISECONDS,
      echoIntervalMs: control.echoInterval * MILLISECONDS,
      echoTimeoutMs: control.echoTimeout * MILLISECONDS,
      stopTimeoutMs: control.stopTimeout * MILLISECONDS,
    },
  };
};

/** Reads certificates at start, so it is there only where it is used. */
function eapTls({ auth, eap }: GatewayConfig): readonly LoadedPlugin[] {
  if (!auth.methods.includes('eap') || !eap.methods.includes('tls')) return [];
  return [
    withOptions(eapTlsPlugin, {
      cert: eap.tlsCert,
      key: eap.tlsKey,
      ca: eap.tlsCa,
      ...(eap.tlsCrl === 'none' ? {} : { crl: eap.tlsCrl }),
      minVersion: `TLSv${eap.tlsMinVersion}`,
      maxVersion: `TLSv${eap.tlsMaxVersion}`,
      ...(eap.tlsServerName === 'none' ? {} : { serverName: eap.tlsServerName }),
    }),
  ];
}

function tunName({ tun }: GatewayConfig, { index, count }: Shard): string {
  return count > 1 ? workerTunName(tun.name, index) : tun.name;
}

function hostNetwork(
  config: GatewayConfig,
  defaultInterface: () => string | undefined,
  shard: Shard,
): HostNetworkOptions {
  const { network, pool, tun } = config;
  const { ipv6 } = pool;
  const shared = shard.count > 1;
  return {
    stateDirectory: config.stateDir,
    gatewayAddress: pool.gatewayAddress,
    pool: pool.range,
    ...(shared ? { slice: addressBlocks(addressSlice(pool.range, shard)) } : {}),
    further: pool.named.map(({ network: one }) => ({
      pool: one,
      ...(shared ? { slice: addressBlocks(addressSlice(one, shard)) } : {}),
    })),
    siblings: shared ? shards(shard.count).map(({ index }) => workerTunName(tun.name, index)) : [],
    // What is routed there only a plug-in knows, and a network has one way.
    routes: shard.index === 0 ? network.routes : [],
    mtu: tun.mtu,
    queueLength: TUN_QUEUE_LENGTH,
    nat: nat(config, defaultInterface),
    proxyArp: network.proxyArp,
    ...(ipv6 === undefined
      ? {}
      : {
          ipv6: {
            gatewayAddress: gatewayIpv6(ipv6),
            pool: ipv6,
            ...(shared ? { slice: prefixBlocks(ipv6, prefixSlice(ipv6, shard)) } : {}),
          },
        }),
  };
}

function nat({ network, dial }: GatewayConfig, defaultInterface: () => string | undefined): HostNetworkOptions['nat'] {
  const wanted = network.nat === 'on' || (network.nat === 'auto' && network.proxyArp.length === 0);
  if (!wanted) return { mode: 'off' };
  if (network.natInterfaces.length > 0) return { mode: 'on', interfaces: network.natInterfaces };
  const intranet = network.intranetInterface ?? defaultInterface();
  if (intranet === undefined) return { mode: 'all' };
  // The other site takes from us only what comes from the address that it gave.
  return { mode: 'on', interfaces: dial.server === undefined ? [intranet] : [intranet, dial.tun] };
}
