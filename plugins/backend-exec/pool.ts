import type { JsonObject } from '../../core/json/read.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import { after } from '../../core/time.ts';
import { ExecFault } from './fault.ts';
import type { ExecOptions } from './options.ts';
import { Said } from './said.ts';
import { Worker } from './worker.ts';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** Who has lived for so long may die once without a pause. */
const LONG_LIFE_MS = 60_000;
/** At the end: for answers that are on their way, and for programs to end by themselves. */
const GRACE_MS = 2_000;

/** One place of the pool: its process, or the pause before the next one. */
interface Place {
  worker: Worker | undefined;
  bornAt: number;
  deaths: number;
  cancelStart: (() => void) | undefined;
}

interface Waiting {
  take(worker: Worker): void;
  refuse(fault: ExecFault): void;
}

/** Keeps so many processes of the program, and gives each question to the one with the most room. */
export class Pool {
  private readonly options: ExecOptions;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly said: Said;
  private readonly places: Place[] = [];
  private readonly waiting = new Set<Waiting>();
  private open = false;
  private stopped: Promise<void> | undefined;
  private changed = (): void => undefined;

  constructor(options: ExecOptions, clock: Clock, log: Log) {
    this.options = options;
    this.clock = clock;
    this.log = log;
    this.said = new Said(log, () => clock.now());
  }

  /** Does nothing when it was stopped already. */
  start(): void {
    if (this.stopped !== undefined) return;
    this.open = true;
    for (let n = 0; n < this.options.processes; n += 1) {
      const place: Place = { worker: undefined, bornAt: 0, deaths: 0, cancelStart: undefined };
      this.places.push(place);
      this.spawn(place);
    }
  }

  /** Process ids, for tests and logs. */
  get pids(): readonly number[] {
    return this.places.flatMap(({ worker }) => worker?.pid ?? []);
  }

  stop(): Promise<void> {
    this.stopped ??= this.shutDown();
    return this.stopped;
  }

  private async shutDown(): Promise<void> {
    this.open = false;
    for (const one of [...this.waiting]) one.refuse(stopped());
    for (const { cancelStart, worker } of this.places) {
      cancelStart?.();
      worker?.close();
    }
    await this.allEnded();
    for (const { worker } of this.places) worker?.kill('the gateway stops');
    await this.allEnded();
    this.places.length = 0;
  }

  /** The answer of a process, without its id. Rejects with an `ExecFault`. */
  async ask(question: JsonObject, signal: CancelSignal): Promise<unknown> {
    try {
      return await this.once(question, signal);
    } catch (cause) {
      // It may have died of another question; asking changes nothing, so another process may be asked the same.
      if (!(cause instanceof ExecFault) || cause.code !== 'EXEC_DOWN') throw cause;
      return await this.once(question, signal);
    }
  }

  private once(question: JsonObject, signal: CancelSignal): Promise<unknown> {
    if (signal.aborted) return Promise.reject(cancelled());
    if (!this.open) return Promise.reject(stopped());
    const worker = this.roomiest();
    if (worker === undefined && this.waiting.size >= this.options.queue) {
      return Promise.reject(new ExecFault('EXEC_BUSY', 'too many questions wait for the program'));
    }
    const answer = worker === undefined ? this.wait(question, signal) : worker.ask(question);
    // What a process was asked it stays asked, for its time: nobody else is given that room meanwhile.
    return new Promise((resolve, reject) => {
      answer.then(resolve, reject);
      signal.addEventListener('abort', () => reject(cancelled()));
    });
  }

  private wait(question: JsonObject, signal: CancelSignal): Promise<unknown> {
    const { clock, options } = this;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.waiting.delete(one);
        forget();
      };
      const one: Waiting = {
        take: (worker) => {
          leave();
          resolve(worker.ask(question));
        },
        refuse: (fault) => {
          leave();
          reject(fault);
        },
      };
      const late = (): void => one.refuse(new ExecFault('EXEC_TIMEOUT', 'no process of the program was free in time'));
      const forget = clock.schedule(after(clock.now(), options.timeoutSeconds * 1000), late);
      signal.addEventListener('abort', () => one.refuse(cancelled()));
      this.waiting.add(one);
    });
  }

  private serveWaiting(): void {
    for (const one of [...this.waiting]) {
      const worker = this.roomiest();
      if (worker === undefined) return;
      one.take(worker);
    }
  }

  private spawn(place: Place): void {
    place.cancelStart = undefined;
    place.bornAt = this.clock.now();
    const worker = new Worker(this.options, this.clock, {
      free: () => this.serveWaiting(),
      ended: (why) => this.ended(place, why),
      said: (octets) => listen(octets),
    });
    const listen = this.said.of(worker.pid);
    place.worker = worker;
    this.serveWaiting();
  }

  private ended(place: Place, why: string): void {
    const pid = place.worker?.pid;
    place.worker = undefined;
    this.changed();
    if (!this.open) return;
    const now = this.clock.now();
    if (now - place.bornAt >= LONG_LIFE_MS) place.deaths = 0;
    const pause = place.deaths === 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (place.deaths - 1), LONGEST_PAUSE_MS);
    place.deaths += 1;
    this.log.warn('exec.ended', `A process of the authentication program is gone: ${why}.`, { pid, againInMs: pause });
    place.cancelStart = this.clock.schedule(after(now, pause), () => this.spawn(place));
  }

  /** Resolves when no process is left, or after a while. */
  private allEnded(): Promise<void> {
    return new Promise((resolve) => {
      const { clock } = this;
      const forget = clock.schedule(after(clock.now(), GRACE_MS), resolve);
      this.changed = () => {
        if (this.places.some(({ worker }) => worker !== undefined)) return;
        forget();
        resolve();
      };
      this.changed();
    });
  }

  private roomiest(): Worker | undefined {
    let best: Worker | undefined;
    for (const { worker } of this.places) {
      if (worker !== undefined && worker.room > (best?.room ?? 0)) best = worker;
    }
    return best;
  }
}

const stopped = (): ExecFault => new ExecFault('EXEC_CANCELLED', 'the gateway stops');
const cancelled = (): ExecFault => new ExecFault('EXEC_CANCELLED', 'nobody wants the answer any more');
