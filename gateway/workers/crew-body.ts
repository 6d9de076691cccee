import { ConfigError } from '../../config/problems.ts';
import type { GatewayConfig } from '../../config/types.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { after } from '../../core/time.ts';
import type { LifeBody } from '../life/gateway-life.ts';
import { AskError, type WorkerLink } from './ask.ts';
import { LIFE_ORDER, type LifeOrder } from './life-orders.ts';
import { RELOAD_ORDER, type ReloadOrder } from './reload-orders.ts';
import type { Supervisor } from './supervisor.ts';

/** While no calls are taken, how often workers are asked how many they have left. */
const LOOK_MS = 250;
/** To tell thousands of tunnels to end. */
const END_MS = 10_000;

type CrewLinks = Pick<Supervisor, 'workers' | 'onStarted' | 'onEnded' | 'holdWorkers' | 'onSessions' | 'reconfigure'>;

/** Of the supervisor itself. */
export interface CrewConfig {
  /** What workers are to have of a configuration that was read. */
  complete(config: GatewayConfig): GatewayConfig;
  /** Brings it into force in this process. */
  enforce(config: GatewayConfig, by: string): void;
}

/** A configuration, and who had it read. */
interface Latest {
  readonly config: GatewayConfig;
  readonly by: string;
}

const HOLDER = 'drain';

/** All workers, as the life of the gateway sees them. */
export class CrewBody implements LifeBody {
  private readonly links: CrewLinks;
  private readonly clock: Clock;
  private readonly config: CrewConfig;
  /** Since the start it was read again. */
  private latest: Latest | undefined;
  private lastId = 0;
  /** What each worker last said it has. */
  private readonly counts = new Map<number, number>();
  private readonly listeners: (() => void)[] = [];
  private refusing = false;
  /** They have been told to refuse calls, and not all have said what they have. */
  private uncertain = false;
  private cancelLook: (() => void) | undefined;

  constructor(links: CrewLinks, clock: Clock, config: CrewConfig) {
    this.links = links;
    this.clock = clock;
    this.config = config;
    links.onSessions((worker, sessions) => this.count(worker, sessions));
    // One that was on its way when the configuration changed has the one before; and while no calls are taken it takes none.
    links.onStarted(async (worker) => {
      if (this.latest !== undefined) await this.give(worker, this.latest);
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
    this.links.holdWorkers(true, HOLDER);
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
    this.links.holdWorkers(false, HOLDER);
    void this.all({ order: 'accept' });
  }

  async endTunnels(reason: 'shutdown' | 'administrative', detail: string): Promise<void> {
    await this.all({ order: 'end', reason, detail }, END_MS);
  }

  /** All or none: whoever finds something wrong keeps all workers from it. One that dies meanwhile starts with the new one. */
  async prepare(read: GatewayConfig, by: string): Promise<() => Promise<void>> {
    const config = this.config.complete(read);
    const id = this.nextId();
    const alive = this.links.workers.filter((worker) => worker.alive);
    const results = await Promise.allSettled(
      alive.map((worker) => worker.request(RELOAD_ORDER, { order: 'prepare', id, config, by })),
    );
    const refusals = results.flatMap((result, at) =>
      result.status === 'rejected' && alive[at]?.alive === true && !isGone(result.reason)
        ? sentenceOf(result.reason).split('\n')
        : [],
    );
    if (refusals.length > 0) {
      await this.tellAll(alive, { order: 'forget', id });
      throw new ConfigError([...new Set(refusals)].map((message) => ({ message })));
    }
    return async () => {
      const latest = { config, by };
      this.latest = latest;
      this.links.reconfigure(config);
      this.config.enforce(config, by);
      // One that came up while the others looked at it has nothing to bring into force yet.
      const now = this.links.workers.filter((worker) => worker.alive);
      const commits = now.map((worker) => this.commit(worker, id).catch(() => this.give(worker, latest)));
      await Promise.allSettled(commits);
    };
  }

  private async give(worker: WorkerLink, latest: Latest): Promise<void> {
    const id = this.nextId();
    await worker.request(RELOAD_ORDER, { order: 'prepare', id, ...latest });
    await this.commit(worker, id);
  }

  private commit(worker: WorkerLink, id: number): Promise<undefined> {
    return worker.request(RELOAD_ORDER, { order: 'commit', id });
  }

  private nextId(): number {
    this.lastId += 1;
    return this.lastId;
  }

  private async tellAll(workers: readonly WorkerLink[], order: ReloadOrder): Promise<void> {
    await Promise.all(workers.map((worker) => worker.request(RELOAD_ORDER, order).catch(() => undefined)));
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

/** It died before it answered; another may be there by now. */
const isGone = (cause: unknown): boolean => cause instanceof AskError && cause.code === 'GONE';

const sentenceOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
