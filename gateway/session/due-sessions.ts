import type { Session } from '../../core/datapath/session.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { type Instant, instant } from '../../core/time.ts';
import { DeadlineHeap } from './deadline-heap.ts';

/** When each session wants its turn: one heap behind one timer of the clock. */
export class DueSessions {
  private readonly clock: Clock;
  private readonly serve: (due: readonly Session[], now: Instant) => void;
  private readonly deadlines = new DeadlineHeap<Session>();
  private cancelTimer: (() => void) | undefined;
  private timerAt = Number.POSITIVE_INFINITY;
  private frozen = false;

  /** `serve` is given all that are due at a time; it sets their next deadlines. */
  constructor(clock: Clock, serve: (due: readonly Session[], now: Instant) => void) {
    this.clock = clock;
    this.serve = serve;
  }

  /** Undefined: it wants none. */
  set(session: Session, at: number | undefined): void {
    if (at === undefined) this.deadlines.remove(session);
    else this.deadlines.set(session, at);
    this.arm();
  }

  /** No later than `at`; an earlier deadline stays. */
  wake(session: Session, at: number): void {
    const current = this.deadlines.at(session);
    if (current === undefined || current > at) this.set(session, at);
  }

  /** The session is over. The timer stays: an early firing is harmless. */
  remove(session: Session): void {
    this.deadlines.remove(session);
  }

  /** No timer is served until `thaw`. */
  freeze(): void {
    this.frozen = true;
    this.cancelTimer?.();
    this.timerAt = Number.POSITIVE_INFINITY;
  }

  thaw(): void {
    this.frozen = false;
    this.arm();
  }

  stop(): void {
    this.cancelTimer?.();
  }

  /** One timer for the earliest deadline of all. */
  private arm(): void {
    if (this.frozen) return;
    const at = this.deadlines.earliest ?? Number.POSITIVE_INFINITY;
    // Only an earlier deadline needs a new timer.
    if (at >= this.timerAt) return;
    this.cancelTimer?.();
    this.timerAt = at;
    this.cancelTimer = this.clock.schedule(instant(at), () => this.onTimer());
  }

  private onTimer(): void {
    if (this.frozen) return;
    this.timerAt = Number.POSITIVE_INFINITY;
    const now = this.clock.now();
    // Taken out first: a session that is due again at once waits for the next turn of the event loop.
    const due: Session[] = [];
    for (let session = this.deadlines.takeDue(now); session !== undefined; session = this.deadlines.takeDue(now)) {
      due.push(session);
    }
    this.serve(due, now);
    this.arm();
  }
}
