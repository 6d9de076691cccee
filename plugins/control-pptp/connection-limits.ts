import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { after, type Instant } from '../../core/time.ts';
import type { RefusedConnection } from './connection-refusals.ts';
import type { ConnectionRules } from './connection-rules.ts';
import { KnownSources } from './known-sources.ts';
import { Unproven } from './unproven.ts';

/**
 * Connections that one source may make in a minute beyond those it may have at once, where nobody says more. A client needs
 * one a call, and all those behind one NAT may come back together; who comes and goes without end costs log lines and
 * sessions.
 */
const SPARE_CONNECTIONS_A_MINUTE = 60;
const MINUTE_MS = 60_000;

export type ConnectionObstacle = Extract<
  RefusedConnection,
  | 'denied'
  | 'rate-per-source'
  | 'limit'
  | 'limit-per-source'
  | 'limit-unauthenticated'
  | 'limit-unauthenticated-per-source'
>;

/** Ends a connection that has to make room; it is forgotten already. */
export type Evict<T> = (connection: T, forSource: Ipv4) => void;

/**
 * Who may connect, and how many: in all, from one source at once, from one source in a minute, and of those whose user has
 * not proven itself. The last ones make room for others where there is none, strangers first; those that have are never
 * touched.
 */
export class ConnectionLimits<T> {
  private readonly rules: ConnectionRules;
  private readonly clock: Pick<Clock, 'now'>;
  private readonly evict: Evict<T>;
  private readonly unproven = new Unproven<T>();
  private readonly known = new KnownSources();
  private readonly sources = new Map<T, Ipv4>();
  private readonly bySource = new Map<Ipv4, number>();
  /** Connections taken in this minute, by source. Bounded by the number of TCP handshakes of a minute. */
  private readonly recentBySource = new Map<Ipv4, number>();
  private minuteEnd: Instant | undefined;

  constructor(rules: ConnectionRules, clock: Pick<Clock, 'now'>, evict: Evict<T>) {
    this.rules = rules;
    this.clock = clock;
    this.evict = evict;
  }

  get unprovenCount(): number {
    return this.unproven.size;
  }

  /** A user has logged in from there before. */
  knows(peer: Ipv4): boolean {
    return this.known.has(peer);
  }

  /** Why a connection from there may not be taken now. Others may have been ended so that it may. */
  obstacle(peer: Ipv4): ConnectionObstacle | undefined {
    if (!this.rules.access.admits(peer)) return 'denied';
    if (this.comesTooOften(peer)) return 'rate-per-source';
    const own = this.limitOfSource(peer);
    if (own !== undefined) {
      this.end(this.unproven.lateOneOf(peer, this.clock.now()), peer);
      const still = this.limitOfSource(peer);
      if (still !== undefined) return still;
    }
    if (this.limitOfAll() === undefined) return undefined;
    this.end(this.unproven.victimFor(peer, this.clock.now(), this.knows(peer)), peer);
    return this.limitOfAll();
  }

  taken(peer: Ipv4, connection: T): void {
    addTo(this.recentBySource, peer, 1);
    this.inherited(peer, connection);
  }

  /** It was taken by the process before this one: no new connection of its source. */
  inherited(peer: Ipv4, connection: T): void {
    this.sources.set(connection, peer);
    addTo(this.bySource, peer, 1);
    this.unproven.add(connection, peer, this.clock.now(), this.knows(peer));
  }

  /** It waits for its set-up to begin. */
  waits(connection: T): void {
    this.unproven.waits(connection);
  }

  goesOn(connection: T): void {
    this.unproven.goesOn(connection, this.clock.now());
  }

  /** Its user has proven itself; it counts so until it is gone. */
  proven(connection: T): void {
    this.unproven.remove(connection);
    const peer = this.sources.get(connection);
    if (peer !== undefined) this.known.add(peer);
  }

  /** To say so again does no harm. */
  gone(connection: T): void {
    const peer = this.sources.get(connection);
    if (peer === undefined) return;
    this.sources.delete(connection);
    this.unproven.remove(connection);
    addTo(this.bySource, peer, -1);
  }

  private limitOfSource(peer: Ipv4): ConnectionObstacle | undefined {
    const { maxConnectionsPerSource, maxUnprovenPerSource = maxConnectionsPerSource } = this.rules.limits;
    if ((this.bySource.get(peer) ?? 0) >= maxConnectionsPerSource) return 'limit-per-source';
    return this.unproven.countOf(peer) >= maxUnprovenPerSource ? 'limit-unauthenticated-per-source' : undefined;
  }

  private limitOfAll(): ConnectionObstacle | undefined {
    const { maxConnections, maxUnproven = maxConnections } = this.rules.limits;
    if (this.sources.size >= maxConnections) return 'limit';
    return this.unproven.size >= maxUnproven ? 'limit-unauthenticated' : undefined;
  }

  private end(victim: T | undefined, forSource: Ipv4): void {
    if (victim === undefined) return;
    this.gone(victim);
    this.evict(victim, forSource);
  }

  private comesTooOften(peer: Ipv4): boolean {
    const now = this.clock.now();
    if (this.minuteEnd === undefined || now >= this.minuteEnd) {
      this.minuteEnd = after(now, MINUTE_MS);
      this.recentBySource.clear();
    }
    const { maxConnectionsPerSource, connectRatePerSource } = this.rules.limits;
    const most = connectRatePerSource ?? maxConnectionsPerSource + SPARE_CONNECTIONS_A_MINUTE;
    return (this.recentBySource.get(peer) ?? 0) >= most;
  }
}

/** Counters that reach zero take no room. */
export const addTo = (counts: Map<Ipv4, number>, source: Ipv4, by: 1 | -1): void => {
  const count = (counts.get(source) ?? 0) + by;
  if (count > 0) counts.set(source, count);
  else counts.delete(source);
};
