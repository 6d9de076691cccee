import type { JsonObject } from '../../core/json/read.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import { ExecFault, type ExecFaultCode } from './fault.ts';
import type { ExecOptions } from './options.ts';
import { Pool } from './pool.ts';

/** The program has judged nothing. */
const UNANSWERED: ReadonlySet<ExecFaultCode> = new Set(['EXEC_CANCELLED', 'EXEC_DOWN', 'EXEC_TIMEOUT']);

/** A pool of processes that may become others: those of before end when they have answered, and get no more questions. */
export class LivePool {
  private readonly clock: Clock;
  private readonly log: Log;
  private now: Pool;
  private readonly ending = new Set<Promise<void>>();
  private started = false;

  constructor(options: ExecOptions, clock: Clock, log: Log) {
    this.clock = clock;
    this.log = log;
    this.now = new Pool(options, clock, log);
  }

  /** Process ids of those that get questions. */
  get pids(): readonly number[] {
    return this.now.pids;
  }

  start(): void {
    this.started = true;
    this.now.start();
  }

  /** Processes by these options from now on. */
  replace(options: ExecOptions): void {
    const before = this.now;
    this.now = new Pool(options, this.clock, this.log);
    if (this.started) this.now.start();
    const end = before.stop().finally(() => this.ending.delete(end));
    this.ending.add(end);
  }

  async stop(): Promise<void> {
    await Promise.all([this.now.stop(), ...this.ending]);
  }

  /** As that of a pool; what the processes of before have not answered, those that are there now are asked. */
  async ask(question: JsonObject, signal: CancelSignal): Promise<unknown> {
    for (;;) {
      const asked = this.now;
      try {
        return await asked.ask(question, signal);
      } catch (cause) {
        const isUnanswered = cause instanceof ExecFault && UNANSWERED.has(cause.code);
        if (!isUnanswered || signal.aborted || asked === this.now) throw cause;
      }
    }
  }
}
