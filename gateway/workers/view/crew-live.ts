import type { Clock } from '../../../core/ports/clock.ts';
import { EventLoopWatch } from '../../../observability/metrics/event-loop.ts';
import type { ProcessUse, Stats } from '../../admin/api/stats.ts';
import { EventRing } from '../../admin/live/event-ring.ts';
import type { LiveSource, Look, LookAnswer, LookOrder, LookWish } from '../../admin/live/live-source.ts';
import { mergeStats } from '../../admin/live/merge-stats.ts';
import { mergePages, partQuery } from '../../admin/live/page.ts';
import type { LiveCounts } from '../../admin/live/stats-keeper.ts';
import { AdminError } from '../../admin/route.ts';
import { LOOK } from '../../admin/specs/look.ts';
import type { Life } from '../../life/life.ts';
import type { Crew } from './crew.ts';
import { isGood, type Part, partOf } from './view-route.ts';

export interface CrewLiveDeps {
  readonly crew: Crew;
  readonly clock: Clock;
  /** Of the supervisor: connections that it refuses never get to a worker. */
  readonly counts: LiveCounts;
  readonly life?: Life | undefined;
}

const SECOND_MS = 1000;
const LEAST_MS = 900;
const ASKER = 'supervisor';

/** Live data of all workers: each is asked once for all that readers want, and its answers become one. */
export class CrewLive implements LiveSource {
  readonly ring = new EventRing();
  private readonly deps: CrewLiveDeps;
  /** Of each worker, the id of its last event that is known here. */
  private readonly heard = new Map<number, number>();
  private loop: EventLoopWatch | undefined;
  private forgetLife: (() => void) | undefined;
  private cpu: { readonly at: number; readonly seconds: number; readonly share: number } | undefined;

  constructor(deps: CrewLiveDeps) {
    this.deps = deps;
  }

  start(): void {
    this.loop ??= new EventLoopWatch();
    this.forgetLife ??= this.deps.life?.onChange((data) => this.ring.add({ event: 'life', data }));
  }

  stop(): void {
    this.loop?.stop();
    this.loop = undefined;
    this.forgetLife?.();
    this.forgetLife = undefined;
  }

  async look(wish: LookWish): Promise<Look> {
    const { parts, missing } = await this.ask(wish);
    const absent = missing.length === 0 ? {} : { missing };
    return {
      pages: wish.queries.map((query, at) => {
        // Sessions of other workers do not fit.
        const asked = parts.filter(({ worker }) => query.worker === undefined || query.worker === worker);
        const pages = asked.flatMap(({ worker, body }) => {
          const page = body.pages[at];
          return page === undefined ? [] : [{ ...page, sessions: page.sessions.map((row) => ({ ...row, worker })) }];
        });
        return { ...mergePages(query, pages), ...absent };
      }),
      stats: wish.stats ? { ...this.statsOf(parts), ...absent } : undefined,
    };
  }

  private async ask(
    wish: LookWish,
  ): Promise<{ readonly parts: readonly Part<LookAnswer>[]; readonly missing: readonly number[] }> {
    const { crew } = this.deps;
    const queries = wish.queries.map(partQuery);
    const indexes = crew.links.workers.map(({ index }) => index);
    const replies = await Promise.all(
      indexes.map((index) => {
        const since = this.heard.get(index);
        const after = wish.events && since !== undefined ? { after: since } : {};
        const body: LookOrder = { queries, stats: wish.stats, ...after };
        return crew.one(index, { method: LOOK.method, path: LOOK.url, body, actor: ASKER });
      }),
    );
    const good = replies.filter((reply) => reply !== undefined).filter(isGood);
    if (good.length === 0) {
      throw new AdminError(503, 'NO_WORKER', 'No worker of the gateway answers: its log says why.');
    }
    const parts = good.map((reply) => partOf<LookAnswer>(reply));
    if (wish.events) this.hear(parts);
    return { parts, missing: indexes.filter((index) => !parts.some(({ worker }) => worker === index)) };
  }

  /** Each event once, though two looks may be under way. The life of the gateway is told of here, not by its workers. */
  private hear(parts: readonly Part<LookAnswer>[]): void {
    const news = parts.flatMap(({ worker, body }) => {
      const before = this.heard.get(worker);
      this.heard.set(worker, Math.max(before ?? 0, body.last));
      if (before === undefined) return [];
      return body.events.filter(({ id }) => id > before).map(({ event }) => ({ worker, event }));
    });
    const sessions = news.flatMap(({ worker, event }) => (event.event === 'life' ? [] : [{ worker, event }]));
    for (const { worker, event } of sessions.toSorted((a, b) => (a.event.data.at < b.event.data.at ? -1 : 1))) {
      if (event.event === 'session.up') this.ring.add({ event: event.event, data: { ...event.data, worker } });
      else if (event.event === 'session.down') this.ring.add({ event: event.event, data: { ...event.data, worker } });
      else this.ring.add({ event: event.event, data: { ...event.data, worker } });
    }
  }

  private statsOf(parts: readonly Part<LookAnswer>[]): Stats {
    const known = parts.flatMap(({ worker, body }) => (body.stats === null ? [] : [{ worker, body: body.stats }]));
    return mergeStats(known, {
      at: new Date().toISOString(),
      funnel: { phases: this.deps.counts.funnel.snapshot() },
      processes: [this.process()],
      waiting: 0,
      connections: 0,
    });
  }

  private process(): ProcessUse {
    const at = this.deps.clock.now();
    const { user, system } = process.cpuUsage();
    const seconds = (user + system) / 1e6;
    const before = this.cpu;
    if (before === undefined) this.cpu = { at, seconds, share: 0 };
    else if (at - before.at >= LEAST_MS) {
      this.cpu = { at, seconds, share: ((seconds - before.seconds) * SECOND_MS) / (at - before.at) };
    }
    return {
      pid: process.pid,
      uptimeSeconds: Math.round(process.uptime()),
      cpu: Math.round((this.cpu?.share ?? 0) * 1000) / 1000,
      residentOctets: process.memoryUsage.rss(),
      eventLoopMs: Math.round((this.loop?.read().delay.p99 ?? 0) * SECOND_MS * 10) / 10,
    };
  }
}
