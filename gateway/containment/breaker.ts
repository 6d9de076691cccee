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

/** A call that was let through; the result of a `probe` decides whether more are. */
export type Permit = 'call' | 'probe';

/**
 * Keeps calls from what fails again and again. Closed: every call passes. Open: none does until the rest is over. Then one
 * call is let through, and its result decides. Failures that come of what one source sent (a peer that has found what a
 * plug-in cannot read) do not open it: that would shut out everybody else.
 */
export class CircuitBreaker {
  private readonly options: BreakerOptions;
  private failed = 0;
  /** Of the failures since the last success: the one source of them all, until there are `several`. */
  private source: unknown;
  private several = false;
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

  /** A call that may be made now must be followed by `succeeded`, or by `broke` or `undecided` with its permit. */
  admits(now: Instant): Permit | undefined {
    if (this.rests(now)) return undefined;
    this.probing = this.openUntil !== undefined;
    return this.probing ? 'probe' : 'call';
  }

  succeeded(): BreakerChange {
    this.failed = 0;
    this.several = false;
    this.source = undefined;
    this.probing = false;
    if (this.openUntil === undefined) return undefined;
    this.openUntil = undefined;
    this.restMs = this.options.restMs;
    return { kind: 'closed' };
  }

  /** `source`: on whose behalf the call was; undefined: whoever it had been for, it would have failed. */
  broke(now: Instant, permit: Permit, source?: unknown): BreakerChange {
    this.failed += 1;
    this.source ??= source;
    if (source === undefined || source !== this.source) this.several = true;
    const isOpen = this.openUntil !== undefined;
    // A call from before it opened says nothing new.
    if (isOpen && permit !== 'probe') return undefined;
    if (!isOpen && (this.failed < this.options.failures || !this.several)) return undefined;
    if (isOpen) this.restMs = Math.min(this.restMs * 2, this.options.longestRestMs);
    this.probing = false;
    this.openUntil = after(now, this.restMs);
    return { kind: 'opened', restMs: this.restMs };
  }

  /** The call was taken back before it showed anything. */
  undecided(permit: Permit): void {
    if (permit === 'probe') this.probing = false;
  }
}
