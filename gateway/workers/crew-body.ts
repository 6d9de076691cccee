import type { Clock } from '../../core/ports/clock.ts';
import { after } from '../../core/time.ts';
import type { LifeBody } from '../life/gateway-life.ts';
import type { WorkerLink } from './ask.ts';
import { LIFE_ORDER, type LifeOrder } from './life-orders.ts';
import type { Supervisor } from './supervisor.ts';

/** While no calls are taken, how often workers are asked how many they have left. */
const LOOK_MS = 250;
/** To tell thousands of tunnels to end. */
const END_MS = 10_000;

type CrewLinks = Pick<Supervisor, 'workers' | 'onStarted' | 'onEnded' | 'holdWorkers' | 'onSessions'>;

/** All workers, as the life of the gateway sees them. */
export class CrewBody implements LifeBody {
  private readonly links: CrewLinks;
  private readonly clock: Clock;
  /** What each worker last said it has. */
  private readonly counts = new Map<number, number>();
  private readonly listeners: (() => void)[] = [];
  private refusing = false;
  /** They have been told to refuse calls, and not all have said what they have. */
  private uncertain = false;
  private cancelLook: (() => void) | undefined;

  constructor(links: CrewLinks, clock: Clock) {
    this.links = links;
    this.clock = clock;
    links.onSessions((worker, sessions) => this.count(worker, sessions));
    // One that starts while no calls are taken takes none.
    links.onStarted(async (worker) => {
      if (this.refusing) await worker.request(LIFE_ORDER, { order: 'refuse' });
    });
    links.onEnded(({ index }) => this.count(index, 0));
  }

  sessions(): number {
    let sum = 0;
    for (const count of this.counts.values()) sum += count;
    return sum;
  }

  isEmpty(): boolean {
    return !this.uncertain && this.sessions() === 0;
  }

  isWell(): boolean {
    return this.links.workers.some(({ alive }) => alive);
  }

  onFewer(listener: () => void): void {
    this.listeners.push(listener);
  }

  refuseCalls(): void {
    this.refusing = true;
    this.links.holdWorkers(true);
    this.uncertain = true;
    void this.all({ order: 'refuse' }).then(() => {
      this.uncertain = false;
      this.tellListeners();
    });
    this.look();
  }

  acceptCalls(): void {
    this.refusing = false;
    this.cancelLook?.();
    this.cancelLook = undefined;
    this.links.holdWorkers(false);
    void this.all({ order: 'accept' });
  }

  async endTunnels(reason: 'shutdown' | 'administrative', detail: string): Promise<void> {
    await this.all({ order: 'end', reason, detail }, END_MS);
  }

  /** A worker that does not answer is dying, and then it has none. */
  private async all(order: LifeOrder, timeoutMs?: number): Promise<void> {
    const alive = this.links.workers.filter((worker) => worker.alive);
    await Promise.all(alive.map((worker) => this.tell(worker, order, timeoutMs)));
  }

  private async tell(worker: WorkerLink, order: LifeOrder, timeoutMs?: number): Promise<void> {
    const sessions = await worker.request(LIFE_ORDER, order, timeoutMs).catch(() => undefined);
    if (sessions !== undefined && worker.alive) this.count(worker.index, sessions);
  }

  private count(worker: number, sessions: number): void {
    const before = this.counts.get(worker) ?? 0;
    this.counts.set(worker, sessions);
    if (sessions < before) this.tellListeners();
  }

  private tellListeners(): void {
    for (const listener of this.listeners) listener();
  }

  private look(): void {
    if (this.cancelLook !== undefined) return;
    this.cancelLook = this.clock.schedule(after(this.clock.now(), LOOK_MS), () => {
      void this.all({ order: 'look' }).then(() => {
        this.cancelLook = undefined;
        if (this.refusing) this.look();
      });
    });
  }
}
