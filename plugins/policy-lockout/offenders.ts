/** Looked at anew each time; a lock keeps the length that it was given. */
export interface OffenceLimits {
  readonly failures: number;
  readonly lockMs: number;
  readonly mostLockMs: number;
  readonly decayMs: number;
  readonly remembered: number;
}

interface Offender {
  /** Failures at `at`; they halve in each `decayMs`. */
  score: number;
  /** Locks so far; one is forgotten in each `decayMs` after the last failure or lock. */
  locks: number;
  at: number;
  lockedUntil: number;
  /** `mostLockMs` of when it failed last. */
  mostLockMs: number;
}

/** Failures decay while they are made: five within some minutes are five. */
const SLACK = 0.5;
/** No lock is doubled more often: the bound is reached long before. */
const MOST_DOUBLINGS = 30;

/** Who failed how often: locks that double, scores that decay, and as many of both as there is room for. */
export class Offenders {
  private readonly limits: OffenceLimits;
  /** The one that was touched last is the last. */
  private readonly known = new Map<string, Offender>();

  constructor(limits: OffenceLimits) {
    this.limits = limits;
  }

  get size(): number {
    return this.known.size;
  }

  /** Until when `name` is locked; undefined when it is not. */
  lockedUntil(name: string, now: number): number | undefined {
    const offender = this.known.get(name);
    if (offender === undefined) return undefined;
    const { lockedUntil: until } = offender;
    return until > now && isSane(offender, until, now) ? until : undefined;
  }

  /** One more failure. Returns how long the lock is that it leads to, in ms, or undefined. */
  failed(name: string, now: number): number | undefined {
    const offender = this.decayed(name, now);
    this.known.delete(name);
    this.known.set(name, offender);
    this.forgetOldest();
    // What another worker let through just before it heard of the lock does not make it longer.
    if (this.lockedUntil(name, now) !== undefined) return undefined;
    offender.score += 1;
    if (offender.score <= this.limits.failures - SLACK) return undefined;
    const { lockMs, mostLockMs, failures } = this.limits;
    offender.mostLockMs = mostLockMs;
    const length = Math.min(mostLockMs, lockMs * 2 ** Math.min(MOST_DOUBLINGS, offender.locks));
    offender.locks += 1;
    // When the lock is over one more failure is enough.
    offender.score = failures - 1;
    offender.lockedUntil = now + length;
    offender.at = offender.lockedUntil;
    return length;
  }

  /** Everybody who failed lately, locked or not. */
  names(): readonly string[] {
    return [...this.known.keys()];
  }

  forget(name: string): void {
    this.known.delete(name);
  }

  /** Who is locked, and until when. */
  *locked(now: number): Generator<readonly [name: string, until: number]> {
    for (const name of this.known.keys()) {
      const until = this.lockedUntil(name, now);
      if (until !== undefined) yield [name, until];
    }
  }

  private decayed(name: string, now: number): Offender {
    const offender = this.known.get(name);
    if (offender === undefined) return { score: 0, locks: 0, at: now, lockedUntil: 0, mostLockMs: 0 };
    const last = isSane(offender, offender.at, now) ? offender.at : now;
    const passed = Math.max(0, now - last);
    const halvings = passed / this.limits.decayMs;
    return {
      score: offender.score * 2 ** -halvings,
      locks: Math.max(0, offender.locks - Math.floor(halvings)),
      at: Math.max(now, last),
      lockedUntil: offender.lockedUntil,
      mostLockMs: offender.mostLockMs,
    };
  }

  private forgetOldest(): void {
    for (const oldest of this.known.keys()) {
      if (this.known.size <= this.limits.remembered) return;
      this.known.delete(oldest);
    }
  }
}

/** Nothing is later than a lock lasts, unless the clock was set back. */
const isSane = ({ mostLockMs }: Offender, time: number, now: number): boolean => time - now <= mostLockMs;
