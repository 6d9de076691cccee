import { formatIpv4, type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { Session } from '../../core/datapath/session.ts';
import type { HostRoutes } from '../../core/ports/host-routes.ts';
import type { Log } from '../../core/ports/log.ts';
import type { InnerNetwork } from '../../core/ports/profile.ts';
import type { NetworkTable } from './network-table.ts';
import { RouteTurns } from './route-turns.ts';

export interface InnerNetworksDeps {
  readonly table: NetworkTable;
  /** Undefined: the operator sets up the routes. */
  readonly routes: () => HostRoutes | undefined;
  readonly log: Log;
  /** The pools, and the gateway's own address: no peer is to have them behind it. */
  readonly own: readonly InnerNetwork[];
}

/** RFC 2865 knows no bound; far more than a site needs. */
export const MOST_ROUTES = 16;

/** 10.0.0.0/8 is the largest that a site can have of its own (RFC 1918); two halves of everything are everything. */
const SHORTEST_PREFIX = 8;
/** "This" network, the loopback, the link's own addresses (RFC 3927), and multicast with what is above it. */
const UNROUTABLE: readonly InnerNetwork[] = [
  { network: ipv4(0), prefixLength: 8 },
  { network: ipv4(0x7f000000), prefixLength: 8 },
  { network: ipv4(0xa9fe0000), prefixLength: 16 },
  { network: ipv4(0xe0000000), prefixLength: 3 },
];

export const formatNetwork = ({ network, prefixLength }: InnerNetwork): string =>
  `${formatIpv4(network)}/${prefixLength}`;

const holds = ({ network, prefixLength }: InnerNetwork, address: Ipv4): boolean =>
  prefixLength === 0 || (network ^ address) >>> (32 - prefixLength) === 0;

const isNetwork = ({ network, prefixLength }: InnerNetwork): boolean =>
  Number.isInteger(prefixLength) &&
  prefixLength >= 0 &&
  prefixLength <= 32 &&
  network === ipv4(network) &&
  network % 2 ** (32 - prefixLength) === 0;

const overlap = (a: InnerNetwork, b: InnerNetwork): boolean => holds(a, b.network) || holds(b, a.network);

/** The networks behind peers that profiles name: each goes to one session, and the host is told of it. */
export class InnerNetworks {
  private readonly deps: InnerNetworksDeps;
  private readonly turns: RouteTurns;

  constructor(deps: InnerNetworksDeps) {
    this.deps = deps;
    this.turns = new RouteTurns(deps.log);
  }

  /** Why these cannot be routes of the session of this peer (its outer address), as a sentence; undefined when they can. */
  refusal(networks: readonly InnerNetwork[], peer: Ipv4): string | undefined {
    if (networks.length > MOST_ROUTES)
      return `the profile has ${networks.length} routes, and ${MOST_ROUTES} is the most`;
    for (const network of networks) {
      const text = formatNetwork(network);
      if (!isNetwork(network)) return `the route ${text} is no network`;
      if (network.prefixLength === 0) return `the route ${text} would take everything into the tunnel`;
      if (network.prefixLength < SHORTEST_PREFIX) return `the route ${text} would take too much into the tunnel`;
      if (UNROUTABLE.some((one) => overlap(one, network))) return `the route ${text} is no network that can be routed`;
      // The tunnel's own packets would go into the tunnel.
      if (holds(network, peer)) return `the route ${text} holds the peer's own address ${formatIpv4(peer)}`;
      const own = this.deps.own.find((one) => overlap(one, network));
      if (own !== undefined) return `the route ${text} overlaps ${formatNetwork(own)}, which is the gateway's own`;
    }
    return undefined;
  }

  /** Who has one of these already, and which. */
  taken(
    networks: readonly InnerNetwork[],
    session: Session,
  ): { readonly network: InnerNetwork; readonly by: Session } | undefined {
    for (const network of networks) {
      const by = this.deps.table.holder(network);
      if (by !== undefined && by !== session) return { network, by };
    }
    return undefined;
  }

  /** From when the session is up they lead to it. `failed` is told when the host does not take one of them. */
  claim(networks: readonly InnerNetwork[], session: Session, failed: (detail: string) => void): void {
    const routes = this.deps.routes();
    for (const network of networks) {
      this.deps.table.set(network, session);
      const text = formatNetwork(network);
      if (routes === undefined) {
        const fields = { session: session.id, network: text };
        this.deps.log.warn('route.not-set', 'A network is behind a peer: route it into the tunnel device.', fields);
      } else this.turns.add(text, () => routes.addNetwork(network), failed);
    }
  }

  /** As `claim`, in a process that takes over: the host has the routes already. */
  restore(networks: readonly InnerNetwork[], session: Session): void {
    for (const network of networks) this.deps.table.set(network, session);
  }

  release(networks: readonly InnerNetwork[], session: Session): void {
    const routes = this.deps.routes();
    for (const network of networks) {
      this.deps.table.remove(network, session);
      if (routes !== undefined) this.turns.remove(formatNetwork(network), () => routes.removeNetwork(network));
    }
  }
}
