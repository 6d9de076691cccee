import type { Lifecycle } from '../core/ports/lifecycle.ts';
import type { Log } from '../core/ports/log.ts';

/**
 * Starts parts in order and stops them in reverse. A part that fails to start stops those before it; a part that fails
 * or dawdles while stopping is logged and does not keep the others from stopping.
 */
export class LifecycleRunner {
  private readonly parts: readonly Lifecycle[];
  private readonly log: Log;
  private readonly stopDeadlineMs: number;
  private readonly abort = new AbortController();
  private started: Lifecycle[] = [];

  constructor(parts: readonly Lifecycle[], log: Log, stopDeadlineMs = 10_000) {
    this.parts = parts;
    this.log = log;
    this.stopDeadlineMs = stopDeadlineMs;
  }

  async start(): Promise<void> {
    for (const part of this.parts) {
      // Listed before it starts: stop() must clean up after a start that failed half-way.
      this.started.push(part);
      try {
        await part.start(this.abort.signal);
      } catch (cause) {
        await this.stop();
        throw cause;
      }
    }
  }

  async stop(): Promise<void> {
    this.abort.abort();
    const parts = this.started.reverse();
    this.started = [];
    for (const part of parts) {
      try {
        await this.withDeadline(part);
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        this.log.error('stop.failed', `${part.name} did not stop cleanly: ${reason}`);
      }
    }
  }

  private async withDeadline(part: Lifecycle): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`not stopped after ${this.stopDeadlineMs} ms`)), this.stopDeadlineMs);
    });
    try {
      await Promise.race([part.stop(), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
