import type { AccountingRecord, AccountingSink } from '../../core/ports/accounting.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { SessionEnding, SessionFacts, SessionUsage } from '../../core/ports/session-facts.ts';
import type { WallClock } from '../../core/ports/wall-clock.ts';
import { Due } from './due.ts';
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
 * Makes the accounting records of all sessions: one timer for all their interim records. A sink is
 * told of each session's start once and of its stop once, the last.
 */
export class AccountingHub {
  private readonly deps: AccountingDeps;
  private readonly running = new Map<LiveSession, Running>();
  private readonly due: Due<LiveSession>;

  constructor(deps: AccountingDeps) {
    this.deps = deps;
    this.due = new Due(deps.clock, (due, now) => {
      for (const live of due) this.interim(live, now);
    });
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
    this.due.set(live, running.seconds === 0 ? undefined : running.lastAt + running.seconds * SECOND_MS);
  }

  /** No record is made any more: another process makes them. */
  freeze(): void {
    this.due.freeze();
  }

  thaw(): void {
    this.due.thaw();
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
