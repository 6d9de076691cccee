import { after, type Instant } from '../time.ts';

/** Lets `limit` things through in every `intervalMs` and counts the rest. */
export class NoteBudget {
  private readonly limit: number;
  private readonly intervalMs: number;
  private windowEnd: Instant | undefined;
  private used = 0;
  private missed = 0;

  constructor(limit: number, intervalMs: number) {
    this.limit = limit;
    this.intervalMs = intervalMs;
  }

  /** Undefined: keep quiet. Otherwise how many were kept quiet since the last one that was let through. */
  take(now: Instant): number | undefined {
    if (this.windowEnd === undefined || now >= this.windowEnd) {
      this.windowEnd = after(now, this.intervalMs);
      this.used = 0;
    }
    if (this.used >= this.limit) {
      this.missed += 1;
      return undefined;
    }
    this.used += 1;
    const missed = this.missed;
    this.missed = 0;
    return missed;
  }
}
