import type { Instant } from '../time.ts';

/** Fragments of one datagram come close together; and more of them at a time than these nobody sends. */
const MOST = 8;
const KEPT_MS = 15_000;

interface Passed {
  readonly key: string;
  readonly until: number;
}

/**
 * Of which datagrams of a session the first fragment was let through: only that one shows the ports, and later ones may
 * follow it, but none may go before or without it (RFC 4301 section 7.3). Bounded; the oldest is forgotten first.
 */
export class PassedDatagrams {
  private passed: readonly Passed[] = [];

  /** The first fragment of the datagram `key` passes. */
  note(key: string, now: Instant): void {
    const others = this.passed.filter((one) => one.key !== key && one.until > now);
    this.passed = [...others.slice(1 - MOST), { key, until: now + KEPT_MS }];
  }

  /** Whether a later fragment of `key` may follow. */
  has(key: string, now: Instant): boolean {
    return this.passed.some((one) => one.key === key && one.until > now);
  }
}
