import type { Clock } from '../../core/ports/clock.ts';
import { after, type Instant, instant } from '../../core/time.ts';

interface Task {
  readonly when: Instant;
  readonly run: () => void;
}

/** More tasks than this at one instant mean that something schedules itself without end. */
const MOST_AT_ONCE = 100_000;

/**
 * Virtual time for whole gateways: `advance` runs what falls due, in order, and lets every promise that a task resolved
 * run to its end before the next task.
 */
export class FakeClock implements Clock {
  private current: Instant;
  /** Sorted by time, then by the order of scheduling. */
  private readonly tasks: Task[] = [];

  constructor(start = 1_000) {
    this.current = instant(start);
  }

  now(): Instant {
    return this.current;
  }

  schedule(when: Instant, run: () => void): () => void {
    const task = { when, run };
    let at = this.tasks.length;
    while (at > 0 && (this.tasks[at - 1]?.when ?? 0) > when) at -= 1;
    this.tasks.splice(at, 0, task);
    return () => {
      const index = this.tasks.indexOf(task);
      if (index >= 0) this.tasks.splice(index, 1);
    };
  }

  /** For in-memory devices and pipes: what they deliver arrives in a turn of its own. */
  readonly defer = (run: () => void): void => {
    this.schedule(this.current, run);
  };

  /** Tasks that are still to run. */
  get pending(): number {
    return this.tasks.length;
  }

  async advance(milliseconds: number): Promise<void> {
    const end = after(this.current, milliseconds);
    await promisesSettle();
    let atOnce = 0;
    for (let task = this.tasks[0]; task !== undefined && task.when <= end; task = this.tasks[0]) {
      this.tasks.shift();
      atOnce = task.when > this.current ? 0 : atOnce + 1;
      if (atOnce > MOST_AT_ONCE) throw new Error(`the clock stands still at ${this.current} ms`);
      this.current = instant(Math.max(this.current, task.when));
      task.run();
      await promisesSettle();
    }
    this.current = end;
  }
}

/** The event loop comes to its next phase only when no promise has anything left to do. */
const promisesSettle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
