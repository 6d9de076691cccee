import { after, type Instant, instant } from '../time.ts';
import type { EchoSnapshot } from './link-snapshot.ts';

/**
 * Echoes of very many links are due together, at multiples of this, in ms: then they leave in few batches and their answers
 * come in few. Of a short interval it is a twentieth.
 */
const GRAIN_MS = 250;

/**
 * Finds a dead peer. An Echo-Request is due when nothing at all arrived for one interval, so a busy link sends none;
 * `failures` unanswered ones in a row mean that the peer is gone (0: never).
 */
export class EchoKeeper {
  readonly #intervalMs: number;
  readonly #failures: number;
  #lastHeard: Instant | undefined;
  #unanswered = 0;

  constructor(intervalMs: number, failures: number) {
    this.#intervalMs = intervalMs;
    this.#failures = failures;
  }

  /** The first deadline; undefined when echoes are off. */
  start(now: Instant): Instant | undefined {
    this.heard(now);
    return this.#intervalMs > 0 ? this.#afterInterval(now) : undefined;
  }

  heard(now: Instant): void {
    this.#lastHeard = now;
    this.#unanswered = 0;
  }

  /** What to do at a deadline, and the next one. */
  due(now: Instant): { readonly action: 'send' | 'wait'; readonly next: Instant } | { readonly action: 'dead' } {
    const quietUntil = this.#afterInterval(this.#lastHeard ?? now);
    if (this.#unanswered === 0 && quietUntil > now) return { action: 'wait', next: quietUntil };
    if (this.#failures > 0 && this.#unanswered >= this.#failures) return { action: 'dead' };
    this.#unanswered += 1;
    return { action: 'send', next: this.#afterInterval(now) };
  }

  snapshot(): EchoSnapshot {
    return { lastHeard: this.#lastHeard, unanswered: this.#unanswered };
  }

  restore({ lastHeard, unanswered }: EchoSnapshot): void {
    this.#lastHeard = lastHeard;
    this.#unanswered = unanswered;
  }

  #afterInterval(time: Instant): Instant {
    const grain = Math.min(GRAIN_MS, this.#intervalMs / 20);
    return instant(Math.ceil(after(time, this.#intervalMs) / grain) * grain);
  }
}
