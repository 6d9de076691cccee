import type { Socket } from 'node:net';
import type { GatewayConfig } from '../../config/types.ts';
import { ERROR_CODES, GatewayError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log, LogFields } from '../../core/ports/log.ts';
import { after, type Instant } from '../../core/time.ts';
import type { ConnectionStanding } from '../../plugins/control-pptp/index.ts';
import type { WorkerHeritage } from '../upgrade/crew-messages.ts';
import { type Ask, AskError, type WorkerLink } from './ask.ts';
import type { OwnDescriptor } from './descriptor-pipe.ts';
import { parseWorkerMessage, type SupervisorMessage, type WorkerMessage, type WorkerStart } from './messages.ts';
import { type Answerers, Requests } from './requests.ts';
import { RestartDelay } from './restart-delay.ts';
import { type ForkWorker, INHERITED_AT, type ProcessEnd, type WorkerProcess } from './worker-process.ts';

export interface SlotDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly fork: ForkWorker;
  readonly answerers: Answerers;
}

/** What a slot tells the supervisor. */
export interface SlotEvents {
  /** It has started, first or again; connections may come when this has resolved. */
  started(slot: WorkerSlot): Promise<void>;
  /** It may have connections from now on. */
  up(slot: WorkerSlot): void;
  taken(slot: WorkerSlot, connection: number): void;
  standing(slot: WorkerSlot, connection: number, standing: ConnectionStanding): void;
  closed(slot: WorkerSlot, connection: number): void;
  /** Calls that it has, as it says itself. */
  sessions(slot: WorkerSlot, count: number): void;
  /** The process is gone, with all it had. */
  ended(slot: WorkerSlot): void;
  /** Of a worker that is handed over, or takes over. */
  moved(slot: WorkerSlot, body: unknown, handle: unknown): void;
  /** Connections that it has, for the log. */
  connectionsOf(slot: WorkerSlot): number;
}

/** From the start of the process to `ready`, in ms; the host's network is set up in this time. */
const START_MS = 60_000;
export const PING_MS = 2500;
/** Pings without an answer that show that it hangs: 10 s. Counted, so that a supervisor that slept blames nobody. */
const MOST_UNANSWERED = 4;
/** To clear its calls and take back what it did to the host, in ms. */
const STOP_MS = 20_000;
/** To close what another process has by now. */
const LEAVE_MS = 3_000;

type Phase =
  /** No process; a start may be due. */
  | 'down'
  | 'starting'
  | 'up'
  /** It cannot be reached or has been killed; its end is near. */
  | 'dying'
  | 'stopping';

/** One worker through all of its lives: keeps a process there, and knows whether it is well. */
export class WorkerSlot implements WorkerLink {
  readonly index: number;
  private readonly deps: SlotDeps;
  private readonly events: SlotEvents;
  private start: WorkerStart;
  private readonly log: Log;
  private readonly requests: Requests;
  private readonly delay = new RestartDelay();
  private phase: Phase = 'down';
  private process: WorkerProcess | undefined;
  private upAt: Instant | undefined;
  private starts = 0;
  /** What the worker itself said of its end. */
  private farewell: { readonly code: string; readonly message: string } | undefined;
  private unanswered = 0;
  private pings = 0;
  private cancelTimer: () => void = () => undefined;
  /** Of the first start. */
  private first: { resolve(): void; reject(cause: unknown): void } | undefined;
  /** It has been up once; from then on its end is repaired instead of being the end of the start. */
  private settled = false;
  private stopping = false;
  /** Who wants that it is not started again. */
  private readonly holders = new Set<string>();
  /** How long its next life waits for the end of that. */
  private heldBackMs: number | undefined;
  private whenStopped: (() => void) | undefined;

  constructor(deps: SlotDeps, start: Omit<WorkerStart, 'restarts'>, events: SlotEvents) {
    this.deps = deps;
    this.events = events;
    this.start = { ...start, restarts: 0 };
    this.index = start.shard.index;
    this.log = deps.log.child({ worker: this.index });
    this.requests = new Requests(deps.clock, (message) => this.send(message));
  }

  /** It can be asked. */
  get alive(): boolean {
    return this.phase === 'up' || (this.phase === 'starting' && this.upAt !== undefined);
  }

  /** Connections may be handed to it. */
  get takes(): boolean {
    return this.phase === 'up';
  }

  /** Of its process, for the log; undefined while there is none. */
  get pid(): number | undefined {
    return this.process?.pid;
  }

  request<Body, Answer>(ask: Ask<Body, Answer>, body: Body, timeoutMs?: number): Promise<Answer> {
    if (this.alive) return this.requests.request(ask, body, timeoutMs);
    return Promise.reject(new AskError('GONE', `worker ${this.index} is not there`));
  }

  /** How often it was started again. */
  get restarts(): number {
    return Math.max(0, this.starts - 1);
  }

  /** Rejects with the worker's own error, or WORKER_FAILED; then there is no process. */
  begin(heritage?: WorkerHeritage): Promise<void> {
    this.starts = heritage?.restarts ?? 0;
    return new Promise((resolve, reject) => {
      this.first = { resolve, reject };
      this.launch(heritage);
    });
  }

  /** To a worker that takes over. `sent` runs when the socket is its own, or cannot be. */
  move(body: unknown, socket?: Socket, sent: () => void = () => undefined): void {
    this.process?.send(
      { kind: 'moved', body },
      socket,
      () => {
        this.lost('it cannot be reached');
        sent();
      },
      sent,
    );
  }

  /** One that takes over serves from now on, and its end is not the end of the gateway. */
  serves(): void {
    this.settled = true;
    this.upAt = this.deps.clock.now();
    this.timer(START_MS, () => this.lost(`it was not ready within ${START_MS / 1000} s`));
  }

  /** Those that it has sent, which are the caller's from now on. Throws what the system says. */
  descriptors(): readonly OwnDescriptor[] {
    return this.process?.descriptors?.() ?? [];
  }

  /** What it starts with from now on. */
  reconfigure(config: GatewayConfig): void {
    this.start = { ...this.start, config };
  }

  /** While somebody holds it, it is not started again. */
  hold(held: boolean, by: string): void {
    if (held) this.holders.add(by);
    else this.holders.delete(by);
    const { heldBackMs } = this;
    if (this.holders.size > 0 || heldBackMs === undefined) return;
    this.heldBackMs = undefined;
    this.timer(heldBackMs, () => this.launch());
  }

  /** `failed` runs when the socket cannot reach the worker, unless its end is told instead. */
  hand(connection: number, socket: Socket, failed: () => void, isKnown: boolean): void {
    this.process?.send({ kind: 'connection', connection, isKnown }, socket, () => {
      this.lost('it cannot be reached');
      failed();
    });
  }

  /** Has a connection that it was given end. */
  evict(connection: number): void {
    this.send({ kind: 'evict', connection });
  }

  /** Clears its calls and ends it; resolves when the process is gone, which takes 20 s at most. */
  stop(): Promise<void> {
    return this.finish('stop', STOP_MS);
  }

  /** Another process goes on with what it has; resolves when the process is gone, which takes 3 s at most. */
  leave(): Promise<void> {
    return this.finish('leave', LEAVE_MS);
  }

  private finish(kind: 'stop' | 'leave', patienceMs: number): Promise<void> {
    this.stopping = true;
    this.cancelTimer();
    if (this.process === undefined) return Promise.resolve();
    const stopped = new Promise<void>((resolve) => {
      this.whenStopped = resolve;
    });
    this.phase = 'stopping';
    this.send({ kind });
    this.timer(patienceMs, () => {
      this.log.error('worker.stuck', 'the worker has not stopped in time and is killed', { pid: this.pid });
      this.kill();
    });
    return stopped;
  }

  /** Ends its process at once; a stop, or a new life, follows. */
  kill(): void {
    this.process?.kill();
  }

  private launch(heritage?: WorkerHeritage): void {
    this.phase = 'starting';
    this.upAt = undefined;
    this.farewell = undefined;
    this.starts += 1;
    const life = this.fork(heritage);
    if (life === undefined) return;
    this.process = life;
    this.send({ kind: 'start', start: { ...this.start, restarts: this.restarts, ...inheritedBy(heritage) } });
    this.timer(START_MS, () => this.lost(`it has not started within ${START_MS / 1000} s`));
  }

  /** Undefined: the host has no room for a process now, and the next attempt is due or the start has failed. */
  private fork(heritage: WorkerHeritage | undefined): WorkerProcess | undefined {
    try {
      const life = this.deps.fork(
        {
          message: (value, handle) => {
            if (this.process === life) this.receive(value, handle);
          },
          ended: (end) => {
            // A process that never was says so before `fork` has returned.
            queueMicrotask(() => {
              if (this.process === life) this.over(end);
            });
          },
        },
        heritage && [heritage.tun.fd, heritage.gre.fd],
      );
      return life;
    } catch (cause) {
      this.over({ code: null, signal: null, error: cause instanceof Error ? cause.message : String(cause) });
      return undefined;
    }
  }

  private receive(value: unknown, handle: unknown): void {
    const message = parseWorkerMessage(value);
    if (message === undefined) this.log.warn('worker.garbage', 'a worker sent something that is no message');
    else this.handle(message, handle);
  }

  private handle(message: WorkerMessage, handle: unknown): void {
    switch (message.kind) {
      case 'ready':
        if (this.phase === 'starting') this.ready(message.tun, message.stages);
        return;
      case 'failed':
        this.farewell = message;
        return;
      case 'broken':
        this.farewell = { code: 'WORKER_FAILED', message: `${message.device} failed for good: ${message.message}` };
        return;
      case 'taken':
        this.events.taken(this, message.connection);
        return;
      case 'standing':
        this.events.standing(this, message.connection, message.standing);
        return;
      case 'ended':
        this.events.closed(this, message.connection);
        return;
      case 'pong':
        this.unanswered = Math.min(this.unanswered, Math.max(0, this.pings - message.id));
        this.events.sessions(this, message.sessions);
        return;
      case 'moved':
        // It has a whole start before it, and then waits for others.
        if (this.phase === 'starting')
          this.timer(START_MS, () => this.lost(`it was not ready within ${START_MS / 1000} s`));
        this.events.moved(this, message.body, handle);
        return;
      case 'request':
        void this.deps.answerers.answer(message, this.index).then((response) => this.send(response));
        return;
      case 'response':
        this.requests.take(message);
        return;
      default:
        message satisfies never;
    }
  }

  private ready(tun: string, stages: readonly string[]): void {
    const life = this.process;
    this.upAt = this.deps.clock.now();
    // What it has to be told before its first connection.
    this.events.started(this).then(
      () => {
        if (this.process === life && this.phase === 'starting') this.up(tun, stages);
      },
      (cause: unknown) => {
        if (this.process !== life) return;
        this.lost(cause instanceof Error ? cause.message : String(cause));
      },
    );
  }

  private up(tun: string, stages: readonly string[]): void {
    this.phase = 'up';
    this.settled = true;
    this.unanswered = 0;
    this.log.info('worker.ready', 'the worker takes calls', { pid: this.pid, tun, stages, restarts: this.starts - 1 });
    this.timer(PING_MS, () => this.ping());
    this.first?.resolve();
    this.first = undefined;
    this.events.up(this);
  }

  private ping(): void {
    if (this.unanswered >= MOST_UNANSWERED) {
      this.lost(`it has not answered for ${(MOST_UNANSWERED * PING_MS) / 1000} s`);
      return;
    }
    this.unanswered += 1;
    this.pings += 1;
    this.send({ kind: 'ping', id: this.pings });
    this.timer(PING_MS, () => this.ping());
  }

  /** It is of no use any more; kills it. */
  private lost(why: string): void {
    if (this.phase === 'stopping' || this.phase === 'dying') return;
    this.phase = 'dying';
    this.cancelTimer();
    this.farewell ??= { code: 'WORKER_FAILED', message: why };
    this.kill();
  }

  private over(end: ProcessEnd): void {
    const pid = this.pid;
    const lifeMs = this.upAt === undefined ? 0 : this.deps.clock.now() - this.upAt;
    const connections = this.events.connectionsOf(this);
    if (end.error !== undefined) {
      this.farewell = { code: 'WORKER_FAILED', message: `its process could not be started: ${end.error}` };
    }
    this.cancelTimer();
    this.process = undefined;
    this.phase = 'down';
    this.requests.fail();
    this.events.ended(this);
    if (this.stopping) this.whenStopped?.();
    else if (this.settled) {
      this.again(end, lifeMs, { pid, connections });
      return;
    }
    this.first?.reject(this.failure(end));
    this.first = undefined;
  }

  private again({ code, signal }: ProcessEnd, lifeMs: number, facts: LogFields): void {
    const restartInMs = this.delay.after(lifeMs);
    const why = this.farewell === undefined ? '' : `: ${this.farewell.message}`;
    const when = restartInMs === 0 ? 'at once' : `in ${restartInMs / 1000} s`;
    const held = this.holders.size > 0;
    const then = held ? 'no calls are taken, so it is not started again' : `it is started again ${when}`;
    this.log.error('worker.died', `worker ${this.index} ended and lost its tunnels${why}; ${then}`, {
      ...facts,
      code,
      signal,
      restartInMs,
    });
    if (held) this.heldBackMs = restartInMs;
    else this.timer(restartInMs, () => this.launch());
  }

  private failure({ code, signal }: ProcessEnd): GatewayError {
    const { farewell } = this;
    const known = ERROR_CODES.find((one) => one === farewell?.code);
    if (farewell !== undefined && known !== undefined && known !== 'WORKER_FAILED') {
      return new GatewayError(known, farewell.message);
    }
    const how = signal === null ? `with exit code ${code ?? 'unknown'}` : `by ${signal}`;
    const why = farewell === undefined ? '' : ` (${farewell.message})`;
    return new GatewayError(
      'WORKER_FAILED',
      `worker ${this.index} ended ${how} while it was starting${why}: look at the lines above, or start with PPTP_WORKERS=1.`,
    );
  }

  private send(message: SupervisorMessage): void {
    this.process?.send(message);
  }

  private timer(afterMs: number, task: () => void): void {
    this.cancelTimer();
    this.cancelTimer = this.deps.clock.schedule(after(this.deps.clock.now(), afterMs), task);
  }
}

/** As the worker finds it: descriptors by their place in what it inherits. */
const inheritedBy = (heritage: WorkerHeritage | undefined): Pick<WorkerStart, 'inherits'> =>
  heritage === undefined
    ? {}
    : {
        inherits: {
          ...heritage,
          tun: { ...heritage.tun, fd: INHERITED_AT },
          gre: { ...heritage.gre, fd: INHERITED_AT + 1 },
        },
      };
