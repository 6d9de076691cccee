import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { after, type Instant } from '../../core/time.ts';
import type { ControlPptpOptions } from './options.ts';

/**
 * Connections that one source may make in a minute beyond those it may have at once. A client needs one a call, and all
 * those behind one NAT may come back together; who comes and goes without end costs log lines and sessions.
 */
const SPARE_CONNECTIONS_A_MINUTE = 60;
const MINUTE_MS = 60_000;

/** How many control connections there may be: in all, from one source at once, and from one source in a minute. */
export class ConnectionLimits {
  private readonly options: Pick<ControlPptpOptions, 'maxConnections' | 'maxConnectionsPerSource'>;
  private readonly clock: Pick<Clock, 'now'>;
  private total = 0;
  private readonly bySource = new Map<Ipv4, number>();
  /** Connections taken in this minute, by source. Bounded by the number of TCP handshakes of a minute. */
  private readonly recentBySource = new Map<Ipv4, number>();
  private minuteEnd: Instant | undefined;

  constructor(
    options: Pick<ControlPptpOptions, 'maxConnections' | 'maxConnectionsPerSource'>,
    clock: Pick<Clock, 'now'>,
  ) {
    this.options = options;
    this.clock = clock;
  }

  /** Why a connection from there may not be taken now. */
  obstacle(peer: Ipv4): 'limit' | 'limit-per-source' | 'rate-per-source' | undefined {
    if (this.total >= this.options.maxConnections) return 'limit';
    if ((this.bySource.get(peer) ?? 0) >= this.options.maxConnectionsPerSource) return 'limit-per-source';
    return this.comesTooOften(peer) ? 'rate-per-source' : undefined;
  }

  taken(peer: Ipv4): void {
    this.total += 1;
    addTo(this.recentBySource, peer, 1);
    addTo(this.bySource, peer, 1);
  }

  gone(peer: Ipv4): void {
    this.total -= 1;
    addTo(this.bySource, peer, -1);
  }

  private comesTooOften(peer: Ipv4): boolean {
    const now = this.clock.now();
    if (this.minuteEnd === undefined || now >= this.minuteEnd) {
      this.minuteEnd = after(now, MINUTE_MS);
      this.recentBySource.clear();
    }
    return (this.recentBySource.get(peer) ?? 0) >= this.options.maxConnectionsPerSource + SPARE_CONNECTIONS_A_MINUTE;
  }
}

/** Counters that reach zero take no room. */
export const addTo = (counts: Map<Ipv4, number>, source: Ipv4, by: 1 | -1): void => {
  const count = (counts.get(source) ?? 0) + by;
  if (count > 0) counts.set(source, count);
  else counts.delete(source);
};
