import type { Socket } from 'node:net';
import type { SupervisorMessage, WorkerMessage } from '../../gateway/workers/messages.ts';
import type { ForkWorker, ProcessEvents, WorkerProcess } from '../../gateway/workers/worker-process.ts';

/** A worker process that does what a test says. */
export class FakeWorker implements WorkerProcess {
  readonly pid: number;
  readonly heard: SupervisorMessage[] = [];
  readonly sockets = new Map<number, Socket>();
  killed = false;
  ended = false;
  /** Sending to it fails from now on. */
  deaf = false;
  private readonly events: ProcessEvents;

  constructor(pid: number, events: ProcessEvents) {
    this.pid = pid;
    this.events = events;
  }

  get index(): number {
    const start = this.heard.find((message) => message.kind === 'start');
    return start?.kind === 'start' ? start.start.shard.index : -1;
  }

  send(message: SupervisorMessage, socket?: Socket, failed: () => void = () => undefined): void {
    if (this.ended || this.deaf) {
      queueMicrotask(failed);
      return;
    }
    this.heard.push(message);
    if (message.kind === 'connection' && socket !== undefined) this.sockets.set(message.connection, socket);
  }

  kill(): void {
    this.killed = true;
    this.end(null, 'SIGKILL');
  }

  says(message: WorkerMessage): void {
    this.events.message(message);
  }

  /** Anything at all. */
  utters(value: unknown): void {
    this.events.message(value);
  }

  end(code: number | null, signal: string | null = null): void {
    if (this.ended) return;
    this.ended = true;
    this.events.ended({ code, signal });
  }

  ready(): void {
    this.says({ kind: 'ready', tun: `pptp${this.index}`, stages: [] });
  }

  /** Kinds of what it heard, without pings. */
  get kinds(): readonly string[] {
    return this.heard.map(({ kind }) => kind).filter((kind) => kind !== 'ping');
  }
}

/** Starts fake workers; all that were started, in order. */
export class FakeWorkers {
  readonly all: FakeWorker[] = [];
  /** Done with each new one once it has heard its start. */
  onFork: (worker: FakeWorker) => void = () => undefined;

  /** What the host says instead of making a process. */
  full: string | undefined;

  readonly fork: ForkWorker = (events) => {
    if (this.full !== undefined) throw new Error(this.full);
    const worker = new FakeWorker(1000 + this.all.length, events);
    this.all.push(worker);
    queueMicrotask(() => this.onFork(worker));
    return worker;
  };

  /** The latest of an index. */
  of(index: number): FakeWorker {
    const found = this.all.findLast((worker) => worker.index === index);
    if (found === undefined) throw new Error(`no worker ${index} was started`);
    return found;
  }
}
