import type { Clock } from '../../../core/ports/clock.ts';
import { after } from '../../../core/time.ts';
import type { WorkerNumbers } from '../../../observability/metrics/readings.ts';
import {
  lastingPart,
  type MetricsSnapshot,
  mergeSnapshots,
  NO_METRICS,
} from '../../../observability/metrics/snapshot.ts';
import type { WorkerLink, WorkerLinks } from '../ask.ts';
import { METRICS } from './metrics-ask.ts';

/** So much of what a worker counted may be lost with it. */
export const REFRESH_MS = 10_000;
/** A page is not held up longer than this by a worker that does not answer. */
const PATIENCE_MS = 1500;
const SUPERVISOR = 'supervisor';

/**
 * The metrics of all processes as those of one. It remembers what workers said last: what they counted still counts when they
 * are gone, so that no sum ever falls.
 */
export class MetricsView {
  private readonly links: WorkerLinks;
  private readonly clock: Clock;
  private readonly heard = new Map<number, MetricsSnapshot>();
  /** Of each index, processes that were there before. */
  private readonly lives: number[];
  private past = NO_METRICS;
  private underWay: Promise<void> | undefined;

  constructor(links: WorkerLinks, clock: Clock) {
    this.links = links;
    this.clock = clock;
    this.lives = links.workers.map(() => 0);
    links.onEnded(({ index }) => this.bury(index));
  }

  /** Asks workers from time to time, until the result is called. */
  keep(): () => void {
    let cancel: (() => void) | undefined;
    const next = (): void => {
      cancel = this.clock.schedule(after(this.clock.now(), REFRESH_MS), () => {
        void this.refresh().then(() => {
          if (cancel !== undefined) next();
        });
      });
    };
    next();
    return () => {
      cancel?.();
      cancel = undefined;
    };
  }

  /** For the supervisor's own metrics. */
  numbers(): WorkerNumbers {
    return {
      alive: this.links.workers.filter(({ alive }) => alive).length,
      // Who has ended is started again.
      restarts: [...this.lives],
    };
  }

  /** What a page shows, with what the supervisor knows of itself. */
  async gather(own: MetricsSnapshot): Promise<MetricsSnapshot> {
    await this.refresh();
    return mergeSnapshots([
      { worker: SUPERVISOR, snapshot: own },
      { worker: SUPERVISOR, snapshot: this.past },
      ...[...this.heard]
        .toSorted(([a], [b]) => a - b)
        .map(([worker, snapshot]) => ({ worker: String(worker), snapshot })),
    ]);
  }

  /** Readers that come together share one round of questions. */
  private refresh(): Promise<void> {
    this.underWay ??= Promise.all(this.links.workers.map((worker) => this.hear(worker))).then(() => {
      this.underWay = undefined;
    });
    return this.underWay;
  }

  private async hear(worker: WorkerLink): Promise<void> {
    if (!worker.alive) return;
    const { index } = worker;
    const life = this.lives[index];
    try {
      const snapshot = await worker.request(METRICS, undefined, PATIENCE_MS);
      if (this.lives[index] === life) this.heard.set(index, snapshot);
    } catch {
      // What it said last is shown.
    }
  }

  private bury(index: number): void {
    this.lives[index] = (this.lives[index] ?? 0) + 1;
    const last = this.heard.get(index);
    this.heard.delete(index);
    if (last === undefined) return;
    this.past = mergeSnapshots([
      { worker: SUPERVISOR, snapshot: this.past },
      { worker: SUPERVISOR, snapshot: lastingPart(last) },
    ]);
  }
}
