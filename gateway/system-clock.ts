import { randomFillSync } from 'node:crypto';
import type { Clock } from '../core/ports/clock.ts';
import type { RandomSource } from '../core/ports/random.ts';
import type { WallClock } from '../core/ports/wall-clock.ts';
import { type Instant, instant } from '../core/time.ts';

/** Longest delay setTimeout takes; a later deadline fires early and is armed again. */
const LONGEST_DELAY = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => instant(performance.now()),
  schedule(when: Instant, task: () => void): () => void {
    const delay = Math.min(Math.max(0, Math.ceil(when - performance.now())), LONGEST_DELAY);
    const timer = setTimeout(task, delay);
    return () => clearTimeout(timer);
  },
};

export const systemWallClock: WallClock = { now: () => Date.now() };

/** Octets asked of the system at a time: a call takes a few at a dozen places, and each question costs microseconds. */
const STOCK = 4096;
const stock = new Uint8Array(STOCK);
let used = STOCK;

export const systemRandom: RandomSource = {
  bytes(length) {
    const out = new Uint8Array(length);
    if (length > STOCK / 16) return randomFillSync(out);
    if (used + length > STOCK) {
      randomFillSync(stock);
      used = 0;
    }
    out.set(stock.subarray(used, used + length));
    // Nobody finds in memory what was given out: challenges become public, and what else is made of them must not.
    stock.fill(0, used, used + length);
    used += length;
    return out;
  },
};
