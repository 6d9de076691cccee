import { formatIpv4 } from '../../core/bytes/ipv4-address.ts';
import { cidr, type HostNetworkConfig, type Network } from './host-network-config.ts';
import type { Command } from './host-system.ts';
import { type RememberedSysctl, removeTable, renderTable, tableName } from './nft-table.ts';
import { disableIpv6Path, ipv4ForwardPath, proxyArpPath, type SysctlPath } from './sysctl.ts';

/** What the host looks like before we touch it. */
export interface HostFacts {
  /** Values of the sysctls we are about to change; a missing path cannot be changed. */
  readonly sysctls: ReadonlyMap<SysctlPath, string>;
  /** What other gateways in this network namespace changed, and the values from before the first of them. */
  readonly others: readonly RememberedSysctl[];
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

/** The sysctls that `planUp` changes, to be looked up first. */
export const sysctlsOf = (config: HostNetworkConfig): readonly SysctlPath[] => [
  ipv4ForwardPath,
  ...config.proxyArp.map(proxyArpPath),
];

/**
 * What to do to the host and how to take it back. Pure. The packet filter goes first: forwarding must not be on for a
 * moment without it.
 */
export const planUp = (config: HostNetworkConfig, facts: HostFacts): Plan => {
  const remembered = remember(config, facts);
  const device = config.interfaceName;
  const networks = uniqueNetworks([config.pool, ...config.routes]);
  const quietIpv6: Step = { kind: 'sysctl', path: disableIpv6Path(device), value: '1' };
  const steps: Step[] = [
    nft(renderTable(config, networks, remembered)),
    // Or the kernel sends router solicitations to clients. Absent in a kernel without IPv6.
    ...(facts.sysctls.has(quietIpv6.path) ? [quietIpv6] : []),
    ip('address', 'replace', `${formatIpv4(config.gatewayAddress)}/32`, 'dev', device),
    ip('link', 'set', 'dev', device, 'mtu', String(config.mtu), 'txqueuelen', String(config.queueLength), 'up'),
    ...networks.map((network) =>
      ip('route', 'replace', cidr(network), 'dev', device, 'src', formatIpv4(config.gatewayAddress)),
    ),
    ...remembered.map((sysctl): Step => ({ kind: 'sysctl', path: sysctl.path, value: '1' })),
  ];
  const undo: UndoStep[] = [
    ...remembered.map((sysctl): Step => ({ kind: 'sysctl', path: sysctl.path, value: sysctl.value })),
    ...networks.map((network) => ip('route', 'del', cidr(network), 'dev', device)),
    ip('address', 'del', `${formatIpv4(config.gatewayAddress)}/32`, 'dev', device),
    nft(removeTable(tableName(device))),
  ];
  return { steps, undo };
};

/** The value from before the first gateway, even when another one changed it already. */
const remember = (config: HostNetworkConfig, facts: HostFacts): readonly RememberedSysctl[] =>
  sysctlsOf(config).flatMap((path) => {
    const value = facts.others.find((other) => other.path === path)?.value ?? facts.sysctls.get(path);
    return value === undefined ? [] : [{ path, value }];
  });

const uniqueNetworks = (networks: readonly Network[]): readonly Network[] => {
  const seen = new Map(networks.map((network) => [cidr(network), network]));
  return [...seen.values()];
};
