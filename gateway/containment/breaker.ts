import { after, type Instant } from '../../core/time.ts';

export interface BreakerOptions {
  /** So many failures in a row open it. */
  readonly failures: number;
  /** How long it fails fast then, in ms; twice as long after each probe that fails, up to `longestRestMs`. */
  readonly restMs: number;
  readonly longestRestMs: number;
}

export const BREAKER: BreakerOptions = { failures: 5, restMs: 5_000, longestRestMs: 60_000 };

/** What a result changed: nothing, or the breaker has opened (for so many ms), or closed again. */
export type BreakerChange =
  | { readonly kind: 'opened'; readonly restMs: number }
  | { readonly kind: 'closed' }
  | undefined;

/**
 * Keeps calls from what fails again and again. Closed: every call passes. Open: none does until the rest is over. Then one
 * call is let through, and its result decides.
 */
export class CircuitBreaker {
  private readonly options: BreakerOptions;
  private failed = 0;
  private restMs: number;
  /** Undefined: closed. */
  private openUntil: Instant | undefined;
  private probing = false;

  constructor(options: BreakerOptions = BREAKER) {
    this.options = options;
    this.restMs = options.restMs;
  }

  /** No call would be let through now. */
  rests(now: Instant): boolean {
    return this.openUntil !== undefined && (this.probing || now < this.openUntil);
  }

  /** Whether a call may be made now. One that is let through must be followed by `succeeded`, `broke` or `undecided`. */
  admits(now: Instant): boolean {
    if (this.rests(now)) return false;
    this.probing = this.openUntil !== undefined;
    return true;
  }

  succeeded(): BreakerChange {
    this.failed = 0;
    this.probing = false;
    if (this.openUntil === undefined) return undefined;
    this.openUntil = undefined;
    this.restMs = this.options.restMs;
    return { kind: 'closed' };
  }

  broke(now: Instant): BreakerChange {
    this.failed += 1;
    const { openUntil, probing } = this;
    // A call from before it opened says nothing new.
    if (openUntil !== undefined && !probing) return undefined;
    if (openUntil === undefined && this.failed < this.options.failures) return undefined;
    if (probing) this.restMs = Math.min(this.restMs * 2, this.options.longestRestMs);
    this.probing = false;
    this.openUntil = after(now, this.restMs);
    return { kind: 'opened', restMs: this.restMs };
  }

  /** The call was taken back before it showed anything. */
  undecided(): void {
    this.probing = false;
  }
}
