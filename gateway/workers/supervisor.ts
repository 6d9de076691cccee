import type { GatewayConfig } from '../../config/types.ts';
import { type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import {
  CONTROL_PPTP_DEFAULTS,
  type ConnectionRules,
  type ConnectionSource,
} from '../../plugins/control-pptp/index.ts';
import { connectionRules, edgeRules } from '../edge.ts';
import type { WorkerHeritage } from '../upgrade/crew-messages.ts';
import type { Ask, WorkerLink, WorkerLinks } from './ask.ts';
import { ConnectionDesk } from './connection-desk.ts';
import { DIALLED_SERVER } from './dialled-server.ts';
import { Answerers } from './requests.ts';
import { shards } from './shard.ts';
import type { ForkWorker } from './worker-process.ts';
import { type SlotEvents, WorkerSlot } from './worker-slot.ts';

export interface SupervisorDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly telemetry: Telemetry;
  readonly fork: ForkWorker;
  /** Where control connections come in; their sockets are not read. */
  readonly source: ConnectionSource;
  /** Of connections; those of the configuration when they are not given. */
  readonly rules?: ConnectionRules;
}

/** Keeps the workers of a gateway there, and gives each its share of the control connections. */
export class Supervisor implements WorkerLinks {
  readonly workers: readonly WorkerSlot[];
  private readonly deps: SupervisorDeps;
  private readonly desk: ConnectionDesk;
  private readonly answerers = new Answerers();
  private readonly startedListeners: ((worker: WorkerLink) => void | Promise<void>)[] = [];
  private readonly endedListeners: ((worker: WorkerLink) => void)[] = [];
  private readonly sessionsListeners: ((worker: number, sessions: number) => void)[] = [];
  private readonly rules: ConnectionRules;
  private readonly abort = new AbortController();
  private stopping: Promise<void> | undefined;
  private listens = false;
  private movedListener: (worker: WorkerSlot, body: unknown, handle: unknown) => void = () => undefined;
  /** Of workers that take over. */
  private begun: readonly Promise<void>[] | undefined;

  constructor(deps: SupervisorDeps, config: GatewayConfig, version: string) {
    this.deps = deps;
    this.rules = deps.rules ?? connectionRules(config);
    const { answerers } = this;
    const events: SlotEvents = {
      started: (slot) => this.started(slot),
      up: () => this.desk.up(),
      taken: ({ index }, connection) => this.desk.taken(index, connection),
      standing: ({ index }, connection, standing) => this.desk.standing(index, connection, standing),
      closed: ({ index }, connection) => this.desk.closed(index, connection),
      ended: (slot) => this.ended(slot),
      moved: (slot, body, handle) => this.movedListener(slot, body, handle),
      sessions: ({ index }, count) => {
        for (const listener of this.sessionsListeners) listener(index, count);
      },
      connectionsOf: ({ index }) => this.desk.connectionsOf(index),
    };
    this.workers = shards(config.workers).map(
      (shard) => new WorkerSlot({ ...deps, answerers }, { shard, config, version }, events),
    );
    this.desk = new ConnectionDesk(
      deps,
      {
        rules: this.rules,
        refusalLogIntervalMs: CONTROL_PPTP_DEFAULTS.refusalLogIntervalMs,
      },
      this.workers,
    );
    this.answer(DIALLED_SERVER, (address) => this.desk.dials(ipv4(address)));
  }

  /** Control connections that are open. */
  get connectionCount(): number {
    return this.desk.size;
  }

  answer<Body, Answer>(ask: Ask<Body, Answer>, answerer: (body: Body, from: number) => Answer | Promise<Answer>): void {
    this.answerers.set(ask, answerer);
  }

  onStarted(listener: (worker: WorkerLink) => void | Promise<void>): void {
    this.startedListeners.push(listener);
  }

  onEnded(listener: (worker: WorkerLink) => void): void {
    this.endedListeners.push(listener);
  }

  /** `listener` is told every few seconds how many calls a worker has. */
  onSessions(listener: (worker: number, sessions: number) => void): void {
    this.sessionsListeners.push(listener);
  }

  /** What workers start with from now on, and who may connect. */
  reconfigure(config: GatewayConfig): void {
    this.rules.update(edgeRules(config));
    for (const worker of this.workers) worker.reconfigure(config);
  }

  /** While held, a worker that dies is not started again; those that have died are when nobody holds them any more. */
  holdWorkers(held: boolean, by: string): void {
    for (const worker of this.workers) worker.hold(held, by);
  }

  /** While held, whoever connects waits. */
  holdConnections(held: boolean): void {
    this.desk.hold(held);
  }

  /** Who hears what workers say that are handed over, or take over. */
  onMoved(listener: (worker: WorkerSlot, body: unknown, handle: unknown) => void): void {
    this.movedListener = listener;
  }

  /** Starts workers that take over, by index. Each result is as that of a worker's `begin`; `start` waits for them. */
  inherit(heritage: readonly WorkerHeritage[]): readonly Promise<void>[] {
    this.begun = this.workers.map((worker, index) => worker.begin(heritage[index]));
    for (const one of this.begun) one.catch(() => undefined);
    return this.begun;
  }

  /** A connection that a worker has from the one before it; returns its number. */
  adopt(worker: number, peer: Ipv4): number {
    return this.desk.adopt(worker, peer);
  }

  /** Before `start`: connections may come, and wait for their worker. Rejects as `start`. */
  async listen(): Promise<void> {
    this.listens = true;
    await this.deps.source.start(this.desk, this.abort.signal);
  }

  /** Another process goes on with all workers have; resolves when they are gone, in 3 s at most. */
  async leave(): Promise<void> {
    this.stopping ??= this.giveUp();
    await this.stopping;
  }

  /** Resolves when all workers are up and connections are taken. Rejects with the first error, all workers ended. */
  async start(): Promise<void> {
    try {
      await Promise.all(this.begun ?? this.workers.map((worker) => worker.begin()));
      if (this.abort.signal.aborted) return;
      if (!this.listens) await this.listen();
    } catch (cause) {
      await this.stop();
      throw cause;
    }
    const bound = this.deps.source.listening;
    if (bound !== undefined) {
      this.deps.log.info('control.listening', `Listening for PPTP on ${bound.address} port ${bound.port}.`, bound);
    }
  }

  /** Takes no more connections, and has all workers clear their calls and end; resolves when they have, in 20 s at most. */
  stop(): Promise<void> {
    this.stopping ??= this.endAll();
    return this.stopping;
  }

  /** Ends all workers at once. */
  kill(): void {
    for (const worker of this.workers) worker.kill();
  }

  private async giveUp(): Promise<void> {
    this.abort.abort();
    void this.deps.source.stop();
    this.desk.stop();
    await Promise.all(this.workers.map((worker) => worker.leave()));
  }

  private async endAll(): Promise<void> {
    this.abort.abort();
    // Its end is not waited for: it counts the sockets that workers have.
    if (this.listens) void this.deps.source.stop();
    this.desk.stop();
    await Promise.all(this.workers.map((worker) => worker.stop()));
  }

  private async started(slot: WorkerSlot): Promise<void> {
    for (const listener of this.startedListeners) await listener(slot);
  }

  private ended(slot: WorkerSlot): void {
    this.desk.gone(slot.index);
    for (const listener of this.endedListeners) listener(slot);
  }
}
