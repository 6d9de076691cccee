import { writeU32 } from '../../core/bytes/bytes.ts';
import { aCount, aRecord, type StateOf } from '../../core/bytes/state.ts';
import type { WriteIv } from './transforms.ts';

/** What makes `index` and the time of a start unlike those of every other start: 2020-01-01, in ms since 1970. */
const EPOCH = 1_577_836_800_000;
/** Octets 4 to 7 count to here and on in those before them. */
const TWO_32 = 0x1_0000_0000;
/**
 * More than a process can send that did not take over. By the clock it is a quarter of a second, and no upgrade fails sooner,
 * so that many of them do not get ahead of the clock, by which the next start goes on.
 */
const AHEAD = 0x100_0000;

const word = aCount(0, TWO_32 - 1);
export const readCountedState = aRecord({ high: word, low: word });
export type CountedState = StateOf<typeof readCountedState>;

/**
 * A counter that goes on where no earlier one can have been: 8 bits of the worker, then ms since 2020 times 65536 at the
 * start. Even with keys that outlive the process no IV comes twice, as long as the clock of the machine does not go back
 * and no worker sends more than 65 million packets a second.
 */
export class CountedIvs {
  readonly write: WriteIv = (b, at) => {
    writeU32(b, at, this.high);
    writeU32(b, at + 4, this.low);
    this.advance(1);
  };
  private readonly worker: number;
  private high = 0;
  private low = 0;

  constructor(worker: number, startedAt: number) {
    this.worker = worker;
    this.set(this.startOf(startedAt));
  }

  /** The next one. */
  snapshot(): CountedState {
    return { high: this.high, low: this.low };
  }

  /** Goes on where another process of this run has ended. */
  restore(state: CountedState): void {
    this.set(state);
  }

  /**
   * Another process may have gone on from here for a moment, and is no more: passes over what it can have used in that moment,
   * and goes on by the clock where that is further.
   */
  passOver(now: number): void {
    this.advance(AHEAD);
    const start = this.startOf(now);
    if (isAfter(start, this.snapshot())) this.set(start);
  }

  private startOf(at: number): CountedState {
    const ms = Math.max(0, at - EPOCH);
    return {
      high: (((this.worker & 0xff) << 24) | (Math.floor(ms / 0x10000) & 0xffffff)) >>> 0,
      low: ((ms % 0x10000) * 0x10000) >>> 0,
    };
  }

  private set({ high, low }: CountedState): void {
    this.high = high;
    this.low = low;
  }

  private advance(by: number): void {
    const low = this.low + by;
    this.low = low >>> 0;
    if (low >= TWO_32) this.high = (this.high + 1) >>> 0;
  }
}

const isAfter = (one: CountedState, other: CountedState): boolean =>
  one.high > other.high || (one.high === other.high && one.low > other.low);
