import { randomBytes } from 'node:crypto';
import type { Clock } from '../core/ports/clock.ts';
import type { RandomSource } from '../core/ports/random.ts';
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

export const systemRandom: RandomSource = { bytes: (length) => new Uint8Array(randomBytes(length)) };
