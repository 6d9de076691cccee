import { cidr, type HostNetworkConfig, type Network, ownDevices } from './host-network-config.ts';
import { isSysctlPath, type SysctlPath } from './sysctl.ts';

/** A sysctl and the value it had before any gateway of this network namespace changed it. */
export interface RememberedSysctl {
  readonly path: SysctlPath;
  readonly value: string;
}

const PREFIX = 'pptp_gateway_';
/** Holds no packets: its rules' comments say what we changed, so that gateways that share a namespace see each other. */
export const MEMORY_CHAIN = 'remembered';

/** One table per tunnel device, so that gateways in one namespace do not meet. Letters nft does not take become hex. */
export const tableName = (device: string): string =>
  PREFIX + device.replace(/[^A-Za-z0-9_.-]/g, (c) => `_x${c.charCodeAt(0).toString(16)}`);

/** Deletes the table whether or not it is there (deleting what is missing is an error, adding what is there is not). */
export const removeTable = (table: string, family: 'ip' | 'ip6' = 'ip'): string =>
  `add table ${family} ${table}\ndelete table ${family} ${table}\n`;

const REMOVAL = new RegExp(`^((add|delete) table ip6? ${PREFIX}[A-Za-z0-9_.-]+\n)+$`);

/** Whether it is made of `removeTable`, and does nothing else. */
export const isRemoval = (text: string): boolean => REMOVAL.test(text);

const set = (items: readonly string[]): string => `{ ${items.join(', ')} }`;
const quoted = (device: string): string => `"${device.replaceAll('"', '')}"`;

/** One transaction that replaces our table whole. */
export const renderTable = (
  config: HostNetworkConfig,
  networks: readonly Network[],
  remembered: readonly RememberedSysctl[],
): string => {
  const table = tableName(config.interfaceName);
  const comments = remembered.map((sysctl) => `    continue comment "${sysctl.path}=${sysctl.value}"`);
  return [
    removeTable(table).trimEnd(),
    `table ip ${table} {`,
    `  chain ${MEMORY_CHAIN} {`,
    ...comments,
    '  }',
    // ICMP protocol unreachable (type 3, code 2) about GRE: kernels send it when a raw socket's buffer is full, and
    // real clients end the call at once. Octet 17 of the ICMP message is the protocol of the packet it is about.
    '  chain output {',
    '    type filter hook output priority filter; policy accept;',
    '    icmp type destination-unreachable icmp code 2 @th,136,8 47 counter drop',
    '  }',
    ...natChain(config, networks),
    ...guardChain(config),
    '}',
    '',
  ].join('\n');
};

const anyOf = (devices: readonly string[]): string => {
  const [first = '', ...others] = devices.map(quoted);
  return others.length === 0 ? first : set([first, ...others]);
};

const natChain = (config: HostNetworkConfig, networks: readonly Network[]): readonly string[] => {
  const { nat } = config;
  if (nat.mode === 'off') return [];
  const out =
    nat.mode === 'all'
      ? `oifname != ${anyOf(ownDevices(config))}`
      : `oifname ${set(nat.interfaces.map((name) => quoted(name)))}`;
  return [
    '  chain postrouting {',
    '    type nat hook postrouting priority srcnat; policy accept;',
    `    ip saddr ${set(networks.map(cidr))} ${out} counter masquerade`,
    '  }',
  ];
};

/**
 * Behind NAT nobody but the intranet and other clients may open connections to clients: a neighbour on the outer
 * network that sets a route to the pool through us is refused (R11).
 */
const guardChain = (config: HostNetworkConfig): readonly string[] => {
  const { nat, interfaceName } = config;
  if (nat.mode !== 'on') return [];
  const inside = set([...ownDevices(config), ...nat.interfaces].map(quoted));
  return [
    '  chain forward {',
    '    type filter hook forward priority filter; policy accept;',
    `    oifname ${quoted(interfaceName)} iifname != ${inside} ct state new counter drop`,
    '  }',
  ];
};

/** The same guard for IPv6, where there is no NAT at all; empty when nothing is to be guarded. */
export const renderIpv6Table = (config: HostNetworkConfig): string => {
  const guard = config.ipv6 === undefined ? [] : guardChain(config);
  const table = tableName(config.interfaceName);
  return guard.length === 0 ? '' : [`${removeTable(table, 'ip6')}table ip6 ${table} {`, ...guard, '}', ''].join('\n');
};

/** Names of gateways' tables in the output of `nft -j list tables`. Anything unexpected is no table of ours. */
export const gatewayTables = (json: string): readonly string[] =>
  objects(json)
    .map((object) => Reflect.get(object, 'table'))
    .flatMap((table) => (isObject(table) ? [Reflect.get(table, 'name')] : []))
    .filter((name): name is string => typeof name === 'string' && name.startsWith(PREFIX));

/** What a table remembers, from the output of `nft -j list chain`. */
export const rememberedSysctls = (json: string): readonly RememberedSysctl[] =>
  objects(json)
    .map((object) => Reflect.get(object, 'rule'))
    .flatMap((rule) => (isObject(rule) ? [Reflect.get(rule, 'comment')] : []))
    .flatMap((comment) => (typeof comment === 'string' ? parseComment(comment) : []));

const parseComment = (comment: string): readonly RememberedSysctl[] => {
  const [path = '', value = ''] = comment.split('=');
  return isSysctlPath(path) && /^\d$/.test(value) ? [{ path, value }] : [];
};

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const objects = (json: string): readonly object[] => {
  try {
    const parsed: unknown = JSON.parse(json);
    const list: unknown = isObject(parsed) ? Reflect.get(parsed, 'nftables') : undefined;
    return Array.isArray(list) ? list.filter(isObject) : [];
  } catch {
    return [];
  }
};
