import type { RateLimit } from '../ports/profile.ts';
import { after, type Instant } from '../time.ts';
import { SLOT_SIZE } from './packet-batch.ts';

const BITS = 8;
const SECOND_MS = 1000;
/** Any packet must fit an otherwise full bucket, or it would wait for ever. */
const LEAST_BURST = SLOT_SIZE;
const LARGE_PACKET = 1500;
/** What is let through at once where nobody says: a tenth of a second, and ten large packets. */
const USUAL_BURST_MS = 100;
const USUAL_BURST_PACKETS = 10;

export const octetsPerMs = ({ bitsPerSecond }: RateLimit): number => bitsPerSecond / BITS / SECOND_MS;

/** Depth of the bucket of a limit, in octets. */
export const burstOf = (limit: RateLimit): number =>
  Math.max(
    LEAST_BURST,
    limit.burstOctets ?? Math.max(USUAL_BURST_MS * octetsPerMs(limit), USUAL_BURST_PACKETS * LARGE_PACKET),
  );

/**
 * A token bucket: in any time of `t` ms no more than `rate * t + burst` octets are let through. Time is an argument; one
 * that goes back counts as none.
 */
export class TokenBucket {
  private rate: number;
  private burst: number;
  private level: number;
  private filledAt: number;

  /** Full at first. */
  constructor(limit: RateLimit, now: Instant) {
    this.rate = octetsPerMs(limit);
    this.burst = burstOf(limit);
    this.level = this.burst;
    this.filledAt = now;
  }

  /** From now on another limit. What is in the bucket stays, as far as the new one holds it. */
  change(limit: RateLimit, now: Instant): void {
    this.fill(now);
    this.rate = octetsPerMs(limit);
    this.burst = burstOf(limit);
    if (this.level > this.burst) this.level = this.burst;
  }

  state(): { readonly level: number; readonly filledAt: number } {
    return { level: this.level, filledAt: this.filledAt };
  }

  restore({ level, filledAt }: { readonly level: number; readonly filledAt: number }): void {
    this.level = Math.min(this.burst, level);
    this.filledAt = filledAt;
  }

  /** Whether so many octets may pass now; then they have been taken. */
  take(octets: number, now: Instant): boolean {
    this.fill(now);
    if (this.level < octets) return false;
    this.level -= octets;
    return true;
  }

  /** When so many octets may pass, if nothing else does before; `octets` is at most the burst. */
  availableAt(octets: number, now: Instant): Instant {
    this.fill(now);
    return this.level >= octets ? now : after(now, (octets - this.level) / this.rate);
  }

  private fill(now: Instant): void {
    const passed = now - this.filledAt;
    if (passed <= 0) return;
    this.level = Math.min(this.burst, this.level + passed * this.rate);
    this.filledAt = now;
  }
}
