import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
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

export const formatNetwork = ({ network, prefixLength }: InnerNetwork): string =>
  `${formatIpv4(network)}/${prefixLength}`;

const holds = ({ network, prefixLength }: InnerNetwork, address: Ipv4): boolean =>
  prefixLength === 0 || (network ^ address) >>> (32 - prefixLength) === 0;

const overlap = (a: InnerNetwork, b: InnerNetwork): boolean => holds(a, b.network) || holds(b, a.network);

/** The networks behind peers that profiles name: each goes to one session, and the host is told of it. */
export class InnerNetworks {
  private readonly deps: InnerNetworksDeps;
  private readonly turns: RouteTurns;

  constructor(deps: InnerNetworksDeps) {
    this.deps = deps;
    this.turns = new RouteTurns(deps.log);
  }

  /** Why these cannot be routes of a session, as a sentence; undefined when they can. */
  refusal(networks: readonly InnerNetwork[]): string | undefined {
    if (networks.length > MOST_ROUTES)
      return `the profile has ${networks.length} routes, and ${MOST_ROUTES} is the most`;
    for (const network of networks) {
      const text = formatNetwork(network);
      if (network.prefixLength === 0) return `the route ${text} would take everything into the tunnel`;
      if (network.network % 2 ** (32 - network.prefixLength) !== 0) return `the route ${text} is no network`;
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

  release(networks: readonly InnerNetwork[], session: Session): void {
    const routes = this.deps.routes();
    for (const network of networks) {
      this.deps.table.remove(network, session);
      if (routes !== undefined) this.turns.remove(formatNetwork(network), () => routes.removeNetwork(network));
    }
  }
}
