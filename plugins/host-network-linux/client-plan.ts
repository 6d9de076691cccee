import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { cidr, type Network } from './host-network-config.ts';
import type { Plan, Step } from './plan.ts';
import type { SysctlPath } from './sysctl.ts';

/** The client's side of one tunnel. */
export interface ClientTunnel {
  readonly interfaceName: string;
  /** What IPCP gave: our inner address and the server's. */
  readonly address: Ipv4;
  readonly peer: Ipv4;
  /** Outer address of the server. */
  readonly server: Ipv4;
  readonly mtu: number;
  readonly queueLength: number;
  /** Networks to route into the tunnel; 0.0.0.0/0 is everything. */
  readonly routes: readonly Network[];
}

/** How packets to the server go today. */
export interface WayToServer {
  readonly device: string;
  /** Undefined: the server is a neighbour. */
  readonly via: string | undefined;
  /** A route to this very address is there already; it stays as it is. */
  readonly pinned: boolean;
}

/**
 * A default route in two halves: they win over the host's own by their length and leave it in place, so that it is back
 * the moment the tunnel device is gone.
 */
const HALVES = ['0.0.0.0/1', '128.0.0.0/1'];

const ip = (...args: readonly string[]): Step => ({ kind: 'run', command: { program: 'ip', args } });

const covers = ({ network, prefixLength }: Network, address: Ipv4): boolean =>
  prefixLength === 0 || (network ^ address) >>> (32 - prefixLength) === 0;

/** Whether the tunnel's own packets would be routed into the tunnel. */
export const coversServer = ({ routes, server }: ClientTunnel): boolean =>
  routes.some((route) => covers(route, server));

/** What to do and how to take it back. Pure. The way to the server comes first: it must not go through the tunnel. */
export const planClient = (
  tunnel: ClientTunnel,
  way: WayToServer | undefined,
  quietIpv6: SysctlPath | undefined,
): Plan => {
  const { interfaceName: device, address, peer, server, mtu, queueLength } = tunnel;
  const toServer =
    way === undefined || way.pinned || !coversServer(tunnel)
      ? []
      : [`${formatIpv4(server)}/32`, ...(way.via === undefined ? [] : ['via', way.via]), 'dev', way.device];
  // A server that gives its outer address as the inner one, too, must not be routed into the tunnel.
  const own =
    peer === server || peer === 0 ? [`${formatIpv4(address)}/32`] : [formatIpv4(address), 'peer', formatIpv4(peer)];
  const networks = [...new Set(tunnel.routes.flatMap((route) => (route.prefixLength === 0 ? HALVES : [cidr(route)])))];
  const quiet: readonly Step[] = quietIpv6 === undefined ? [] : [{ kind: 'sysctl', path: quietIpv6, value: '1' }];
  return {
    steps: [
      ...(toServer.length === 0 ? [] : [ip('route', 'replace', ...toServer)]),
      ...quiet,
      ip('address', 'replace', ...own, 'dev', device),
      ip('link', 'set', 'dev', device, 'mtu', String(mtu), 'txqueuelen', String(queueLength), 'up'),
      // Before a route of the host's own to the same network, not in its place: that one has to be there afterwards.
      ...networks.map((network) => ip('route', 'prepend', network, 'dev', device, 'src', formatIpv4(address))),
    ],
    undo: [
      ...networks.map((network) => ip('route', 'del', network, 'dev', device)),
      ip('address', 'del', ...own, 'dev', device),
      ...(toServer.length === 0 ? [] : [ip('route', 'del', ...toServer)]),
    ],
  };
};

/** Reads `ip -j route get`: the way a packet takes now. Undefined when there is none, or it is no such text. */
export const parseWay = (json: string): WayToServer | undefined => {
  const first = firstRoute(json);
  const device = first === undefined ? undefined : textOf(first, 'dev');
  if (first === undefined || device === undefined) return undefined;
  // An address of this host has a route of its own that nothing can go before.
  return { device, via: textOf(first, 'gateway'), pinned: textOf(first, 'type') === 'local' };
};

/** Reads `ip -j route show ADDRESS/32`: whether there is any. */
export const hasRoute = (json: string): boolean => firstRoute(json) !== undefined;

const firstRoute = (json: string): object | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  const first: unknown = Array.isArray(value) ? value[0] : undefined;
  return typeof first === 'object' && first !== null ? first : undefined;
};

const textOf = (value: object, name: string): string | undefined => {
  const field: unknown = Reflect.get(value, name);
  return typeof field === 'string' ? field : undefined;
};
