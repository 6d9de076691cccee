import type { GreSnapshot } from '../core/datapath/gre-channel.ts';
import type { AddressPool } from '../core/ports/addresses.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Telemetry } from '../core/ports/telemetry.ts';
import type { GatewayNumbers, GreNumbers, PoolNumbers } from '../observability/metrics/gateway-numbers.ts';
import type { Outbox } from './session/outbox.ts';
import type { PrefixPool } from './session/prefix-pool.ts';
import type { TunnelEnding, TunnelView } from './session/tunnel-view.ts';

/** Where the numbers come from. */
export interface NumberSources {
  readonly clock: Pick<Clock, 'now'>;
  readonly telemetry: Pick<Telemetry, 'measure'>;
  readonly outboxes: readonly Outbox[];
  readonly addresses: AddressPool;
  readonly prefixes: PrefixPool | undefined;
  tunnels(): readonly TunnelView[];
  controlConnections(): number;
  setups(): GatewayNumbers['setups'];
  tunName(): string;
}

/** What only grows, of tunnels that are gone. */
interface Past {
  reordered: number;
  lost: number;
  windowTimeOuts: number;
}

/** The gateway's numbers, for metrics. Nothing is done for them but when somebody asks, and when a tunnel ends. */
export class NumberKeeper {
  private readonly sources: NumberSources;
  private readonly past: Past = { reordered: 0, lost: 0, windowTimeOuts: 0 };

  constructor(sources: NumberSources) {
    this.sources = sources;
  }

  /** The tunnel is no longer one of `tunnels()`. */
  ended({ view, reason }: TunnelEnding): void {
    const { clock, telemetry } = this.sources;
    telemetry.measure('pptp.tunnel.duration', (clock.now() - view.openedAt) / 1000, { reason });
    if (view.gre === undefined) return;
    this.past.reordered += view.gre.reordered;
    this.past.lost += view.gre.lost;
    this.past.windowTimeOuts += view.gre.window?.timeOuts ?? 0;
  }

  read(): GatewayNumbers {
    const { sources } = this;
    const tunnels = sources.tunnels();
    const up = tunnels.filter((tunnel) => tunnel.upAt !== undefined).length;
    return {
      settingUp: tunnels.length - up,
      up,
      controlConnections: sources.controlConnections(),
      setups: sources.setups(),
      gre: this.gre(tunnels),
      queues: sources.outboxes.map(({ name, waiting, peak, capacity }) => ({
        queue: name,
        packets: waiting,
        peak,
        limit: capacity,
      })),
      pools: this.pools(),
      tun: sources.tunName(),
    };
  }

  private gre(tunnels: readonly TunnelView[]): GreNumbers {
    const live = tunnels.flatMap(({ gre }) => (gre === undefined ? [] : [gre]));
    const sum = (of: (gre: GreSnapshot) => number): number => live.reduce((total, gre) => total + of(gre), 0);
    return {
      reordered: this.past.reordered + sum((gre) => gre.reordered),
      lost: this.past.lost + sum((gre) => gre.lost),
      windowTimeOuts: this.past.windowTimeOuts + sum((gre) => gre.window?.timeOuts ?? 0),
      windowSize: sum((gre) => gre.window?.size ?? 0),
      inFlight: sum((gre) => gre.window?.inFlight ?? 0),
      held: sum((gre) => gre.held),
      waiting: sum((gre) => gre.window?.waiting ?? 0),
    };
  }

  private pools(): readonly PoolNumbers[] {
    const { addresses, prefixes } = this.sources;
    const pools: PoolNumbers[] = [];
    if (addresses.size !== undefined && addresses.inUse !== undefined) {
      pools.push({ family: 'ipv4', used: addresses.inUse, size: addresses.size });
    }
    if (prefixes !== undefined) pools.push({ family: 'ipv6', used: prefixes.inUse, size: prefixes.size });
    return pools;
  }
}
