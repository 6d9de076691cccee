import { formatIpv4 } from '../../../core/bytes/ipv4-address.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import { sessionId } from '../../../core/ports/ids.ts';
import type { SessionEnding } from '../../../core/ports/session-facts.ts';
import { after } from '../../../core/time.ts';
import { EventLoopWatch } from '../../../observability/metrics/event-loop.ts';
import type { Gateway } from '../../bootstrap.ts';
import type { Life } from '../../life/life.ts';
import type { LiveTunnel } from '../../session/live-tunnel.ts';
import type { TunnelEnding } from '../../session/tunnel-view.ts';
import type { StatsHistory } from '../api/stats.ts';
import { EventRing } from './event-ring.ts';
import type { LiveSource, Look, LookAnswer, LookOrder, LookWish } from './live-source.ts';
import type { Now, Rates } from './session-json.ts';
import { SessionLooks } from './session-looks.ts';
import { HISTORY_STEP_MS, type LiveCounts, StatsKeeper } from './stats-keeper.ts';

export interface LocalLiveDeps {
  readonly gateway: Gateway;
  readonly clock: Clock;
  readonly counts: LiveCounts;
  readonly ranges: ReadonlyMap<string, string>;
  readonly life?: Life | undefined;
}

const SECOND_MS = 1000;

/** Live data of this process. Between `start` and `stop` it keeps the history; all else is looked up when somebody asks. */
export class LocalLive implements LiveSource {
  readonly ring = new EventRing();
  private readonly deps: LocalLiveDeps;
  private readonly sessions: SessionLooks;
  private readonly keeper: StatsKeeper;
  private loop: EventLoopWatch | undefined;
  private cancel: (() => void) | undefined;
  private forgetLife: (() => void) | undefined;

  constructor(deps: LocalLiveDeps) {
    this.deps = deps;
    const { gateway, counts, ranges } = deps;
    this.sessions = new SessionLooks(() => gateway.live.all());
    this.keeper = new StatsKeeper({
      gateway,
      counts,
      ranges,
      eventLoopMs: () => (this.loop?.read().delay.p99 ?? 0) * SECOND_MS,
    });
    gateway.onTunnelEnd((ending) => this.ended(ending));
    gateway.live.onUp((tunnel) => this.up(tunnel));
  }

  start(): void {
    if (this.cancel !== undefined) return;
    this.loop = new EventLoopWatch();
    this.forgetLife = this.deps.life?.onChange((data) => this.ring.add({ event: 'life', data }));
    this.step();
  }

  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.loop?.stop();
    this.loop = undefined;
    this.forgetLife?.();
  }

  now(): Now {
    return { at: this.deps.clock.now(), wall: Date.now() };
  }

  look({ queries, stats }: Pick<LookWish, 'queries' | 'stats'>): Promise<Look> {
    const now = this.now();
    return Promise.resolve({
      pages: queries.length === 0 ? [] : this.sessions.pages(queries, now),
      stats: stats ? this.keeper.stats(now) : undefined,
    });
  }

  async answer({ queries, stats, after: since }: LookOrder): Promise<LookAnswer> {
    const look = await this.look({ queries, stats });
    const events = since === undefined ? [] : this.ring.since(since);
    return { pages: look.pages, stats: look.stats ?? null, events, last: this.ring.last };
  }

  history(): StatsHistory {
    return this.keeper.history();
  }

  rates(tunnel: LiveTunnel): Rates {
    return this.sessions.rates(tunnel);
  }

  /** Ends sessions in order; resolves with the ids of those that were there, when their calls are over. */
  async disconnect(ids: readonly string[], ending: SessionEnding): Promise<readonly string[]> {
    const ended = await Promise.all(ids.map((id) => this.deps.gateway.live.disconnect(sessionId(id), ending)));
    return ids.filter((_, at) => ended[at] === true);
  }

  private step(): void {
    const now = this.now();
    this.keeper.step(now);
    this.sessions.rest(now.at);
    const rest = HISTORY_STEP_MS - (now.wall % HISTORY_STEP_MS);
    // A timer may be early: no point twice.
    const wait = rest < HISTORY_STEP_MS / 2 ? rest + HISTORY_STEP_MS : rest;
    this.cancel = this.deps.clock.schedule(after(now.at, wait), () => this.step());
  }

  private up(tunnel: LiveTunnel): void {
    const { session, encryption, openedAt } = tunnel;
    const address = session.address === undefined ? null : formatIpv4(session.address);
    const data = { ...this.session(tunnel), address, encryption, seconds: this.secondsOf(openedAt) };
    this.ring.add({ event: 'session.up', data });
  }

  private ended({ view, reason, detail, failure }: TunnelEnding): void {
    this.sessions.forget(view.session);
    const common = { ...this.session(view), seconds: this.secondsOf(view.openedAt) };
    if (view.upAt === undefined) {
      const data = { ...common, error: failure?.error ?? reason, detail: failure?.message ?? detail };
      this.ring.add({ event: 'session.failed', data });
      return;
    }
    const { receivedOctets: octetsIn = 0, sentOctets: octetsOut = 0 } = view.gre ?? {};
    this.ring.add({ event: 'session.down', data: { ...common, reason, detail, octetsIn, octetsOut } });
  }

  private session({ session, peerName, traceId }: Pick<TunnelEnding['view'], 'session' | 'peerName' | 'traceId'>) {
    const at = new Date().toISOString();
    return { at, id: session.id, user: session.identity ?? null, peer: peerName, traceId };
  }

  private secondsOf(openedAt: number): number {
    return Math.round(this.deps.clock.now() - openedAt) / SECOND_MS;
  }
}
