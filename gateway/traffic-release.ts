import { type Observable, Subject } from 'rxjs';
import { PacketBatch } from '../core/datapath/packet-batch.ts';
import type { Session } from '../core/datapath/session.ts';
import type { TrafficGateStage, TrafficWaits } from '../core/datapath/stages/traffic-gate.stage.ts';
import type { Clock } from '../core/ports/clock.ts';
import { after, type Instant, instant } from '../core/time.ts';

const BATCH = 128;
/** A timer takes a millisecond; and with very many sessions at their limit each round looks at all of them. */
const LEAST_WAIT_MS = 1;
const SESSIONS_PER_MS = 500;

/**
 * Lets packets go that waited for the rate of their session, in one direction: one timer for all sessions, armed only
 * while something waits.
 */
export class TrafficRelease implements TrafficWaits {
  readonly released$: Observable<PacketBatch>;
  private readonly subject = new Subject<PacketBatch>();
  private readonly clock: Clock;
  private readonly sessions = new Set<Session>();
  private readonly batch = new PacketBatch(BATCH);
  private stage: TrafficGateStage | undefined;
  private cancel: (() => void) | undefined;
  private timerAt = Number.POSITIVE_INFINITY;
  /** No round before this, however soon something is due. */
  private notBefore = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.clock = clock;
    this.released$ = this.subject.asObservable();
  }

  attach(stage: TrafficGateStage): void {
    this.stage = stage;
  }

  wait(session: Session, at: Instant): void {
    this.sessions.add(session);
    this.arm(at);
  }

  forget(session: Session): void {
    if (!this.sessions.delete(session) || this.sessions.size > 0) return;
    this.cancel?.();
    this.cancel = undefined;
    this.timerAt = Number.POSITIVE_INFINITY;
  }

  /** The session has another rate: what waits may go sooner. */
  changed(session: Session): void {
    if (this.sessions.has(session)) this.arm(this.clock.now());
  }

  private arm(due: number): void {
    const at = Math.max(due, this.notBefore);
    if (at >= this.timerAt) return;
    this.cancel?.();
    this.timerAt = at;
    this.cancel = this.clock.schedule(instant(at), () => this.onTimer());
  }

  private onTimer(): void {
    this.cancel = undefined;
    this.timerAt = Number.POSITIVE_INFINITY;
    const { stage } = this;
    if (stage === undefined) return;
    const now = this.clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const session of this.sessions) {
      while (!stage.releaseDue(session, now, this.batch)) this.flush(now);
      const due = stage.dueAt(session, now);
      if (due === undefined) this.sessions.delete(session);
      else next = Math.min(next, due);
    }
    this.flush(now);
    this.notBefore = after(now, LEAST_WAIT_MS + this.sessions.size / SESSIONS_PER_MS);
    if (next !== Number.POSITIVE_INFINITY) this.arm(next);
  }

  private flush(now: Instant): void {
    if (this.batch.count === 0) return;
    this.batch.now = now;
    this.subject.next(this.batch);
    this.batch.clear();
  }
}
