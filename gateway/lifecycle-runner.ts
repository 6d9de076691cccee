import type { Lifecycle } from '../core/ports/lifecycle.ts';
import type { Log } from '../core/ports/log.ts';

/**
 * Starts parts in order and stops them in reverse. A part that fails to start stops those before it; a part that fails
 * or dawdles while stopping is logged and does not keep the others from stopping. Who is told to stop while starting
 * starts nothing more; every `stop` ends when everything has stopped.
 */
export class LifecycleRunner {
  private readonly parts: readonly Lifecycle[];
  private readonly log: Log;
  private readonly stopDeadlineMs: number;
  private readonly abort = new AbortController();
  private readonly started: Lifecycle[] = [];
  private starting: Promise<void> = Promise.resolve();
  private stopping: Promise<void> | undefined;

  constructor(parts: readonly Lifecycle[], log: Log, stopDeadlineMs = 10_000) {
    this.parts = parts;
    this.log = log;
    this.stopDeadlineMs = stopDeadlineMs;
  }

  async start(): Promise<void> {
    const starting = this.startAll();
    this.starting = starting.catch(() => undefined);
    try {
      await starting;
    } catch (cause) {
      await this.stop();
      throw cause;
    }
  }

  stop(): Promise<void> {
    this.stopping ??= this.stopAll();
    return this.stopping;
  }

  private async startAll(): Promise<void> {
    for (const part of this.parts) {
      if (this.abort.signal.aborted) return;
      // Listed before it starts: stopping must clean up after a start that failed half-way.
      this.started.push(part);
      await part.start(this.abort.signal);
    }
  }

  private async stopAll(): Promise<void> {
    this.abort.abort();
    await this.attempt('the start', () => this.starting);
    for (const part of this.started.toReversed()) await this.attempt(part.name, () => part.stop());
  }

  private async attempt(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await this.withDeadline(work());
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.log.error('stop.failed', `${name} did not stop cleanly: ${reason}`);
    }
  }

  private async withDeadline(work: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`not stopped after ${this.stopDeadlineMs} ms`)), this.stopDeadlineMs);
    });
    try {
      await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
