import type { AccountingRecord, AccountingSink } from '../../core/ports/accounting.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { SessionEnding, SessionFacts, SessionUsage } from '../../core/ports/session-facts.ts';
import type { WallClock } from '../../core/ports/wall-clock.ts';
import { instant } from '../../core/time.ts';
import { DeadlineHeap } from './deadline-heap.ts';
import type { LiveSession } from './live-session.ts';

const SECOND_MS = 1000;

export interface AccountingDeps {
  /** They never throw. */
  readonly sinks: readonly AccountingSink[];
  readonly clock: Clock;
  readonly wallClock: WallClock;
  /** Between interim records where a profile says nothing; 0: none. Asked when a session comes up, or is changed. */
  readonly interimSeconds: () => number;
}

interface Running {
  /** As it was last told of: what an unfinished log-in has changed since is not the session's yet. */
  facts: SessionFacts;
  /** When its last record was made, in ms of the clock. */
  lastAt: number;
  /** Between interim records. */
  seconds: number;
}

/**
 * Makes the accounting records of all sessions: one heap of deadlines and one timer for all their interim records. A sink is
 * told of each session's start once and of its stop once, the last.
 */
export class AccountingHub {
  private readonly deps: AccountingDeps;
  private readonly running = new Map<LiveSession, Running>();
  private readonly due = new DeadlineHeap<LiveSession>();
  private cancelTimer: (() => void) | undefined;
  private timerAt = Number.POSITIVE_INFINITY;
  private frozen = false;

  constructor(deps: AccountingDeps) {
    this.deps = deps;
  }

  up(live: LiveSession, facts: SessionFacts): void {
    if (this.running.has(live)) return;
    this.running.set(live, { facts, lastAt: this.deps.clock.now(), seconds: this.intervalOf(facts) });
    const record = this.record(facts, live.usage(), live.seconds());
    for (const sink of this.deps.sinks) sink.start(record);
    this.arm(live);
  }

  /** In a process that takes over: the sinks know of its start. */
  restore(live: LiveSession, facts: SessionFacts, lastAt: number): void {
    this.running.set(live, { facts, lastAt, seconds: this.intervalOf(facts) });
    this.arm(live);
  }

  /** When the last record of it was made; undefined: there was none. */
  lastRecordAt(live: LiveSession): number | undefined {
    return this.running.get(live)?.lastAt;
  }

  changed(live: LiveSession, facts: SessionFacts): void {
    const running = this.running.get(live);
    if (running === undefined) return;
    running.facts = facts;
    if (running.seconds === this.intervalOf(facts)) return;
    running.seconds = this.intervalOf(facts);
    this.arm(live);
  }

  down(live: LiveSession, facts: SessionFacts, ending: SessionEnding, usage: SessionUsage, seconds: number): void {
    if (!this.running.delete(live)) return;
    this.due.remove(live);
    const record = this.record(facts, usage, seconds);
    for (const sink of this.deps.sinks) sink.stop(record, ending);
    if (this.running.size > 0) return;
    this.cancelTimer?.();
    this.timerAt = Number.POSITIVE_INFINITY;
  }

  private intervalOf({ profile }: SessionFacts): number {
    return profile.interimSeconds ?? this.deps.interimSeconds();
  }

  private record(facts: SessionFacts, usage: SessionUsage, seconds: number): AccountingRecord {
    return { facts, at: this.deps.wallClock.now(), seconds, usage };
  }

  /** The next interim record comes so long after the last record, and not in the past. */
  private arm(live: LiveSession): void {
    const running = this.running.get(live);
    if (running === undefined) return;
    if (running.seconds === 0) this.due.remove(live);
    else this.due.set(live, running.lastAt + running.seconds * SECOND_MS);
    this.schedule();
  }

  /** No record is made any more: another process makes them. */
  freeze(): void {
    this.frozen = true;
    this.cancelTimer?.();
    this.timerAt = Number.POSITIVE_INFINITY;
  }

  thaw(): void {
    this.frozen = false;
    this.schedule();
  }

  private schedule(): void {
    if (this.frozen) return;
    const at = this.due.earliest ?? Number.POSITIVE_INFINITY;
    // An early firing is harmless; only an earlier deadline needs a new timer.
    if (at >= this.timerAt) return;
    this.cancelTimer?.();
    this.timerAt = at;
    this.cancelTimer = this.deps.clock.schedule(instant(at), () => this.onTimer());
  }

  private onTimer(): void {
    this.timerAt = Number.POSITIVE_INFINITY;
    const now = this.deps.clock.now();
    const due: LiveSession[] = [];
    for (let live = this.due.takeDue(now); live !== undefined; live = this.due.takeDue(now)) due.push(live);
    for (const live of due) this.interim(live, now);
    this.schedule();
  }

  private interim(live: LiveSession, now: number): void {
    const running = this.running.get(live);
    // A sink may have ended it just now.
    if (running === undefined) return;
    running.lastAt = now;
    const record = this.record(running.facts, live.usage(), live.seconds());
    for (const sink of this.deps.sinks) {
      if (this.running.has(live)) sink.interim(record);
    }
    this.arm(live);
  }
}
