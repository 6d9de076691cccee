import type { GatewayConfig, Ipv4Network } from '../../../config/types.ts';
import { formatIpv4, type Ipv4 } from '../../../core/bytes/ipv4-address.ts';
import { type Finding, reporter } from '../finding.ts';

export interface HostAddress {
  readonly interfaceName: string;
  readonly address: Ipv4;
}

export interface HostRoute {
  readonly interfaceName: string;
  readonly network: Ipv4;
  readonly prefixLength: number;
}

export interface PoolFacts {
  readonly addresses: readonly HostAddress[];
  /** IPv4 routes, the default routes included. */
  readonly routes: readonly HostRoute[];
}

const { ok, warn, fail } = reporter('pool');

interface Range {
  readonly from: number;
  readonly to: number;
}
const rangeOf = ({ network, prefixLength }: Pick<Ipv4Network, 'network' | 'prefixLength'>): Range => {
  const size = 2 ** (32 - prefixLength);
  const from = Math.floor(network / size) * size;
  return { from, to: from + size - 1 };
};
const contains = (outer: Range, inner: Range): boolean => outer.from <= inner.from && outer.to >= inner.to;
const overlaps = (a: Range, b: Range): boolean => a.from <= b.to && b.from <= a.to;
const spell = ({ network, prefixLength }: HostRoute): string => `${formatIpv4(network)}/${prefixLength}`;

/** Tunnel devices of a gateway that runs: its own address and routes are no conflict. */
const ownDevices = ({ addresses }: PoolFacts, { pool, tun }: GatewayConfig): ReadonlySet<string> => {
  const [before = '', after] = tun.name.split('%d');
  const isOurs = (name: string): boolean =>
    after === undefined ? name === tun.name : name.startsWith(before) && name.endsWith(after);
  return new Set(
    addresses
      .filter(({ address, interfaceName }) => address === pool.gatewayAddress && isOurs(interfaceName))
      .map(({ interfaceName }) => interfaceName),
  );
};

const checkNetwork = (
  what: string,
  network: Ipv4Network,
  facts: PoolFacts,
  config: GatewayConfig,
): Finding | undefined => {
  const range = rangeOf(network);
  const own = ownDevices(facts, config);
  const choose = what === 'pool' ? 'Choose another PPTP_POOL.' : 'Take it out of PPTP_ROUTES, or change that route.';
  const shared = (name: string): boolean => config.network.proxyArp.includes(name);
  const address = facts.addresses.find(
    (one) => !own.has(one.interfaceName) && overlaps(range, { from: one.address, to: one.address }),
  );
  if (address !== undefined && !shared(address.interfaceName)) {
    const who = `${formatIpv4(address.address)} of ${address.interfaceName}`;
    return fail(`The ${what} ${network.text} holds an address of this host, ${who}.`, choose);
  }
  const routes = facts.routes.filter(
    (one) => one.prefixLength > 0 && !own.has(one.interfaceName) && !shared(one.interfaceName),
  );
  const inner = routes.find((one) => contains(range, rangeOf(one)));
  if (inner !== undefined) {
    return fail(
      `The ${what} ${network.text} overlaps the route to ${spell(inner)} by ${inner.interfaceName}: what is there cannot be told from clients.`,
      choose,
    );
  }
  const wider = routes.find((one) => contains(rangeOf(one), range));
  if (wider === undefined) return undefined;
  return warn(
    `The ${what} ${network.text} is part of ${spell(wider)}, which this host reaches by ${wider.interfaceName}: hosts there with such addresses cannot be reached any more.`,
    what === 'pool'
      ? `${choose} If clients are to be part of that network, name ${wider.interfaceName} in PPTP_PROXY_ARP.`
      : choose,
  );
};

const checkSize = ({ calls, pool }: GatewayConfig): Finding | undefined => {
  const free = 2 ** (32 - pool.range.prefixLength) - 3;
  if (calls.max <= free) return undefined;
  return warn(
    `The pool ${pool.range.text} has ${free} client addresses, fewer than the ${calls.max} calls that are allowed.`,
    `Widen PPTP_POOL, or set PPTP_MAX_CALLS to ${free} or auto.`,
  );
};

/** Whether the networks that go into the tunnel device are in use already, and whether there are enough addresses. */
export const checkPool = (facts: PoolFacts, config: GatewayConfig): readonly Finding[] => {
  const { pool, calls, network } = config;
  const found = [
    checkNetwork('pool', pool.range, facts, config),
    ...network.routes.map((one) => checkNetwork('client network', one, facts, config)),
    checkSize(config),
  ].filter((one) => one !== undefined);
  if (found.length > 0) return found;
  return [ok(`The pool ${pool.range.text} overlaps nothing here and is enough for ${calls.max} calls.`)];
};
