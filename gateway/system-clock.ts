import { randomFillSync } from 'node:crypto';
import type { Clock } from '../core/ports/clock.ts';
import type { RandomSource } from '../core/ports/random.ts';
import type { WallClock } from '../core/ports/wall-clock.ts';
import { type Instant, instant } from '../core/time.ts';

/** Longest delay setTimeout takes; a later deadline fires early and is armed again. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** How far the gateway's clock is ahead of this process' own. */
let ahead = 0;

/** A moment by which two processes of one host set their clocks: both are in ms, the second since the host was started. */
export interface ClockReading {
  readonly now: number;
  readonly host: number;
}

const hostNow = (): number => Number(process.hrtime.bigint()) / 1e6;

export const readClock = (): ClockReading => ({ now: systemClock.now(), host: hostNow() });

/** Goes on with the clock of the process before: instants mean the same in both. Before anybody has asked for the time. */
export const continueClock = ({ now, host }: ClockReading): void => {
  ahead = now + (hostNow() - host) - performance.now();
};

export const systemClock: Clock = {
  now: () => instant(performance.now() + ahead),
  schedule(when: Instant, task: () => void): () => void {
    const delay = Math.min(Math.max(0, Math.ceil(when - systemClock.now())), LONGEST_DELAY);
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
