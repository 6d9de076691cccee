import type { Instant } from '../../core/time.ts';

const INTERVAL_MS = 10_000;

/** One line of a kind in ten seconds. */
export class WordBudget {
  private readonly now: () => Instant;
  private readonly seen = new Map<string, { since: Instant; more: number }>();

  /** `take` is asked with words of a small fixed set: each is remembered. */
  constructor(now: () => Instant) {
    this.now = now;
  }

  /** How many were left out since the last line; undefined: this one is left out, too. */
  take(word: string): number | undefined {
    const now = this.now();
    const last = this.seen.get(word);
    if (last !== undefined && now - last.since < INTERVAL_MS) {
      last.more += 1;
      return undefined;
    }
    this.seen.set(word, { since: now, more: 0 });
    return last?.more ?? 0;
  }
}
