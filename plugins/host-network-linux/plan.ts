import { formatIpv4 } from '../../core/bytes/ipv4-address.ts';
import { formatIpv6 } from '../../core/bytes/ipv6-address.ts';
import { cidr, type HostIpv6, type HostNetworkConfig, type Network } from './host-network-config.ts';
import type { Command } from './host-system.ts';
import { type RememberedSysctl, removeTable, renderIpv6Table, renderTable, tableName } from './nft-table.ts';
import {
  acceptRaPath,
  addressModePath,
  disableIpv6Path,
  ipv4ForwardPath,
  ipv6ForwardPath,
  isSysctlPath,
  proxyArpPath,
  type SysctlPath,
} from './sysctl.ts';

/** What the host looks like before we touch it. */
export interface HostFacts {
  /** Values of the sysctls we are about to change; a missing path cannot be changed. */
  readonly sysctls: ReadonlyMap<SysctlPath, string>;
  /** What other gateways in this network namespace changed, and the values from before the first of them. */
  readonly others: readonly RememberedSysctl[];
  /** Names of the host's interfaces; needed for IPv6 only. */
  readonly interfaces: readonly string[];
}

export type Step =
  | { readonly kind: 'run'; readonly command: Command }
  | { readonly kind: 'sysctl'; readonly path: SysctlPath; readonly value: string };

/**
 * One thing to take back. `sysctl` is restored only when no other gateway of the namespace still needs the change;
 * a step whose object is gone already is done.
 */
export type UndoStep = Step;

export interface Plan {
  readonly steps: readonly Step[];
  /** In the order to run them in. */
  readonly undo: readonly UndoStep[];
}

const ip = (...args: readonly string[]): Step => ({ kind: 'run', command: { program: 'ip', args } });
const nft = (input: string): Step => ({ kind: 'run', command: { program: 'nft', args: ['-f', '-'], input } });

/** The sysctls that `planUp` changes for IPv4, to be looked up first. */
export const sysctlsOf = (config: HostNetworkConfig): readonly SysctlPath[] => [
  ipv4ForwardPath,
  ...config.proxyArp.map(proxyArpPath),
];

/**
 * What to do to the host and how to take it back. Pure. The packet filter goes first: forwarding must not be on for a
 * moment without it.
 */
export const planUp = (config: HostNetworkConfig, facts: HostFacts): Plan => {
  const changes = sysctlsOf(config).map((path): SysctlChange => ({ path, value: '1' }));
  const changes6 = config.ipv6 === undefined ? [] : ipv6Changes(facts);
  const remembered = remember(changes, facts);
  const remembered6 = remember(changes6, facts);
  const device = config.interfaceName;
  const pools = [{ pool: config.pool, slice: config.slice }, ...(config.further ?? [])];
  const networks = uniqueNetworks([...pools.flatMap(({ pool, slice }) => slice ?? [pool]), ...config.routes]);
  // Whichever device it came from: another process may be about to start again, and its table with it.
  const inner = uniqueNetworks([...pools.map(({ pool }) => pool), ...config.routes]);
  const quietIpv6: Step = { kind: 'sysctl', path: disableIpv6Path(device), value: '1' };
  const table6 = renderIpv6Table(config);
  const steps: Step[] = [
    nft(renderTable(config, inner, [...remembered, ...remembered6]) + table6),
    // Or the kernel sends router solicitations to clients. Absent in a kernel without IPv6.
    ...(config.ipv6 === undefined && facts.sysctls.has(quietIpv6.path) ? [quietIpv6] : []),
    ...(config.ipv6 === undefined ? [] : ipv6Device(device)),
    ip('address', 'replace', `${formatIpv4(config.gatewayAddress)}/32`, 'dev', device),
    ip('link', 'set', 'dev', device, 'mtu', String(config.mtu), 'txqueuelen', String(config.queueLength), 'up'),
    ...networks.map((network) =>
      ip('route', 'replace', cidr(network), 'dev', device, 'src', formatIpv4(config.gatewayAddress)),
    ),
    ...(config.ipv6 === undefined ? [] : ipv6Steps(config.ipv6, device)),
    ...applied(changes, remembered),
    ...applied(changes6, remembered6),
  ];
  const undo: UndoStep[] = [
    // Forwarding first: what it did to router advertisements must not happen on the way back.
    ...remembered6.toReversed().map(restore),
    ...remembered.map(restore),
    ...networks.map((network) => ip('route', 'del', cidr(network), 'dev', device)),
    ip('address', 'del', `${formatIpv4(config.gatewayAddress)}/32`, 'dev', device),
    ...(config.ipv6 === undefined ? [] : ipv6Undo(config.ipv6, device)),
    nft(removeTable(tableName(device)) + (table6 === '' ? '' : removeTable(tableName(device), 'ip6'))),
  ];
  return { steps, undo };
};

interface SysctlChange {
  readonly path: SysctlPath;
  readonly value: string;
}

/**
 * A host that forwards takes no router advertisements unless told to by the value 2, and forgets the default routes
 * they made: what an interface learnt that way must not go away because of us.
 */
const ipv6Changes = (facts: HostFacts): readonly SysctlChange[] => {
  const listening = facts.interfaces.map(acceptRaPath).filter((path) => {
    const value = facts.others.find((other) => other.path === path)?.value ?? facts.sysctls.get(path);
    return value === '1' && isSysctlPath(path);
  });
  return [...listening.map((path) => ({ path, value: '2' })), { path: ipv6ForwardPath, value: '1' }];
};

/** Before the device is up: no address of its own making, no solicitations towards clients. */
const ipv6Device = (device: string): readonly Step[] => [
  { kind: 'sysctl', path: acceptRaPath(device), value: '0' },
  { kind: 'sysctl', path: addressModePath(device), value: '1' },
  { kind: 'sysctl', path: disableIpv6Path(device), value: '0' },
];

const ipv6Networks = ({ pool, slice = [pool] }: HostIpv6): readonly string[] => slice.map(({ text }) => text);

const ipv6Steps = (ipv6: HostIpv6, device: string): readonly Step[] => [
  ip('-6', 'address', 'replace', `${formatIpv6(ipv6.gatewayAddress)}/128`, 'dev', device, 'nodad'),
  ...ipv6Networks(ipv6).map((network) => ip('-6', 'route', 'replace', network, 'dev', device)),
];

const ipv6Undo = (ipv6: HostIpv6, device: string): readonly UndoStep[] => [
  ...ipv6Networks(ipv6).map((network) => ip('-6', 'route', 'del', network, 'dev', device)),
  ip('-6', 'address', 'del', `${formatIpv6(ipv6.gatewayAddress)}/128`, 'dev', device),
];

/** The value from before the first gateway, even when another one changed it already. */
const remember = (changes: readonly SysctlChange[], facts: HostFacts): readonly RememberedSysctl[] =>
  changes.flatMap(({ path }) => {
    const value = facts.others.find((other) => other.path === path)?.value ?? facts.sysctls.get(path);
    return value === undefined ? [] : [{ path, value }];
  });

const applied = (changes: readonly SysctlChange[], remembered: readonly RememberedSysctl[]): readonly Step[] =>
  changes
    .filter(({ path }) => remembered.some((one) => one.path === path))
    .map(({ path, value }): Step => ({ kind: 'sysctl', path, value }));

const restore = ({ path, value }: RememberedSysctl): Step => ({ kind: 'sysctl', path, value });

const uniqueNetworks = (networks: readonly Network[]): readonly Network[] => {
  const seen = new Map(networks.map((network) => [cidr(network), network]));
  return [...seen.values()];
};
