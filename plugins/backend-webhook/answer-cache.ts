import type { Clock } from '../../core/ports/clock.ts';
import { after } from '../../core/time.ts';

const SWEEP_MS = 1_000;

/** A few answers for a short time; the one that was not asked for longest goes first. */
export class AnswerCache<T> {
  private readonly most: () => number;
  private readonly clock: Clock;
  private readonly entries = new Map<string, { readonly value: T; readonly until: number }>();
  private cancelSweep: (() => void) | undefined;
  private clears = 0;

  /** `most`: entries, asked for each time. */
  constructor(most: () => number, clock: Clock) {
    this.most = most;
    this.clock = clock;
  }

  get(key: string): T | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    this.entries.delete(key);
    if (this.clock.now() >= entry.until) return undefined;
    this.entries.set(key, entry);
    return entry.value;
  }

  set(key: string, value: T, milliseconds: number): void {
    if (milliseconds <= 0) return;
    this.entries.delete(key);
    this.entries.set(key, { value, until: this.clock.now() + milliseconds });
    const [oldest] = this.entries.keys();
    if (this.entries.size > this.most() && oldest !== undefined) this.entries.delete(oldest);
    this.cancelSweep ??= this.sweepLater();
  }

  delete(key: string): void {
    this.entries.delete(key);
  }

  /** Another number after each `clear`: an answer to what was asked before is none to keep. */
  get era(): number {
    return this.clears;
  }

  clear(): void {
    this.clears += 1;
    this.entries.clear();
    this.cancelSweep?.();
    this.cancelSweep = undefined;
  }

  get size(): number {
    return this.entries.size;
  }

  /** They hold hashes, which nobody shall find in the memory of a gateway long after. */
  private sweepLater(): () => void {
    const { clock } = this;
    return clock.schedule(after(clock.now(), SWEEP_MS), () => {
      const now = clock.now();
      for (const [key, { until }] of this.entries) if (now >= until) this.entries.delete(key);
      this.cancelSweep = this.entries.size === 0 ? undefined : this.sweepLater();
    });
  }
}
