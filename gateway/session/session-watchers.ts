import type { SessionEnding, SessionFacts, SessionUsage } from '../../core/ports/session-facts.ts';
import type { SessionListener } from '../../core/ports/session-listener.ts';
import type { AccountingHub } from './accounting-hub.ts';
import type { LiveSession } from './live-session.ts';

/** A listener that never throws. */
export type SafeListener = Required<SessionListener>;

/**
 * Tells listeners and accounting what becomes of sessions, each piece of news to all of them before the next: one that acts
 * on what it hears, and so makes news, is told of that afterwards.
 */
export class SessionWatchers {
  private readonly listeners: readonly SafeListener[];
  private readonly accounting: AccountingHub | undefined;
  private readonly news: (() => void)[] = [];
  private telling = false;

  constructor(listeners: readonly SafeListener[], accounting: AccountingHub | undefined) {
    this.listeners = listeners;
    this.accounting = accounting;
  }

  up(live: LiveSession, facts: SessionFacts): void {
    this.tell(() => {
      this.accounting?.up(live, facts);
      for (const one of this.listeners) one.up(facts, live.session);
    });
  }

  /** In a process that takes over: who was told of it before is not told again. */
  restore(live: LiveSession, facts: SessionFacts, lastRecordAt: number): void {
    this.accounting?.restore(live, facts, lastRecordAt);
    for (const one of this.listeners) one.restored(facts, live.session);
  }

  freeze(): void {
    this.accounting?.freeze();
  }

  thaw(): void {
    this.accounting?.thaw();
  }

  lastRecordAt(live: LiveSession): number | undefined {
    return this.accounting?.lastRecordAt(live);
  }

  changed(live: LiveSession, facts: SessionFacts): void {
    this.tell(() => {
      this.accounting?.changed(live, facts);
      for (const one of this.listeners) one.changed(facts, live.session);
    });
  }

  down(live: LiveSession, facts: SessionFacts, ending: SessionEnding, usage: SessionUsage): void {
    const seconds = live.seconds();
    this.tell(() => {
      this.accounting?.down(live, facts, ending, usage, seconds);
      for (const one of this.listeners) one.down(facts, ending, usage, live.session);
    });
  }

  private tell(piece: () => void): void {
    this.news.push(piece);
    if (this.telling) return;
    this.telling = true;
    try {
      for (let next = this.news.shift(); next !== undefined; next = this.news.shift()) next();
    } finally {
      this.telling = false;
    }
  }
}
