import type { Clock } from '../../core/ports/clock.ts';
import { after, type Instant, instant } from '../../core/time.ts';

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  private current = instant(1_000);
  private readonly tasks = new Set<{ readonly when: Instant; readonly task: () => void }>();

  now(): Instant {
    return this.current;
  }

  schedule(when: Instant, task: () => void): () => void {
    const entry = { when, task };
    this.tasks.add(entry);
    return () => this.tasks.delete(entry);
  }

  /** Tasks that are still to run. */
  get scheduled(): number {
    return this.tasks.size;
  }

  /** Runs what falls due on the way, in order, also what those tasks schedule. */
  advance(milliseconds: number): void {
    const end = after(this.current, milliseconds);
    for (;;) {
      const due = [...this.tasks].filter((entry) => entry.when <= end).sort((a, b) => a.when - b.when)[0];
      if (due === undefined) break;
      this.tasks.delete(due);
      this.current = instant(Math.max(this.current, due.when));
      due.task();
    }
    this.current = end;
  }

  /** The process was busy for so long: what fell due meanwhile runs late, each task once. */
  lag(milliseconds: number): void {
    this.current = after(this.current, milliseconds);
    const due = [...this.tasks].filter(({ when }) => when <= this.current).sort((a, b) => a.when - b.when);
    for (const entry of due) if (this.tasks.delete(entry)) entry.task();
  }
}
