import type { Log } from './log.ts';

const INTERVAL_MS = 10_000;

/** Warnings of the packet path: one line per event in ten seconds, with the number of occurrences since the last one. */
export class BoundedLog {
  private readonly log: Log;
  private readonly now: () => number;
  private readonly seen = new Map<string, { since: number; more: number }>();

  /** `events` must come from a small fixed set: each is remembered. */
  constructor(log: Log, now: () => number) {
    this.log = log;
    this.now = now;
  }

  warn(event: string, message: string, fields: Readonly<Record<string, unknown>>): void {
    const now = this.now();
    const last = this.seen.get(event);
    if (last !== undefined && now - last.since < INTERVAL_MS) {
      last.more += 1;
      return;
    }
    this.seen.set(event, { since: now, more: 0 });
    this.log.warn(event, message, { ...fields, repeated: last?.more ?? 0 });
  }
}
