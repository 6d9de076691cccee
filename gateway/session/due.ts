import { DeadlineHeap } from '../../core/machine/deadline-heap.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { type Instant, instant } from '../../core/time.ts';

/** When each of many wants its turn: one heap of deadlines behind one timer of the clock. */
export class Due<K> {
  private readonly clock: Clock;
  private readonly serve: (due: readonly K[], now: Instant) => void;
  private readonly deadlines = new DeadlineHeap<K>();
  private cancelTimer: (() => void) | undefined;
  private timerAt = Number.POSITIVE_INFINITY;
  private frozen = false;

  /** `serve` is given all that are due at a time; it sets their next deadlines. */
  constructor(clock: Clock, serve: (due: readonly K[], now: Instant) => void) {
    this.clock = clock;
    this.serve = serve;
  }

  /** Undefined: it wants none. */
  set(key: K, at: number | undefined): void {
    if (at === undefined) {
      this.remove(key);
      return;
    }
    this.deadlines.set(key, at);
    this.arm();
  }

  /** No later than `at`; an earlier deadline stays. */
  wake(key: K, at: number): void {
    const current = this.deadlines.at(key);
    if (current === undefined || current > at) this.set(key, at);
  }

  remove(key: K): void {
    this.deadlines.remove(key);
    if (this.deadlines.size === 0) this.stop();
  }

  /** No timer is served until `thaw`. */
  freeze(): void {
    this.frozen = true;
    this.stop();
  }

  thaw(): void {
    this.frozen = false;
    this.arm();
  }

  /** No timer is left; the next `set` makes another one. */
  stop(): void {
    this.cancelTimer?.();
    this.timerAt = Number.POSITIVE_INFINITY;
  }

  private arm(): void {
    if (this.frozen) return;
    const at = this.deadlines.earliest ?? Number.POSITIVE_INFINITY;
    // An early firing is harmless; only an earlier deadline needs a new timer.
    if (at >= this.timerAt) return;
    this.cancelTimer?.();
    this.timerAt = at;
    this.cancelTimer = this.clock.schedule(instant(at), () => this.onTimer());
  }

  private onTimer(): void {
    if (this.frozen) return;
    this.timerAt = Number.POSITIVE_INFINITY;
    const now = this.clock.now();
    // Taken out first: one that is due again at once waits for the next turn of the event loop.
    const due: K[] = [];
    for (let key = this.deadlines.takeDue(now); key !== undefined; key = this.deadlines.takeDue(now)) due.push(key);
    this.serve(due, now);
    this.arm();
  }
}
