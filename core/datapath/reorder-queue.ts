import type { Instant } from '../time.ts';
import type { ReorderSnapshot } from './path-snapshot.ts';

/**
 * Receive side of one call's GRE sequence numbers (RFC 2637 sections 4.1 and 4.3): delivers each number once and in
 * order, holds what came too early, and gives a gap up after a time-out. Decides only; packets that must wait are copied
 * in here, so the caller's buffers stay its own. Numbers are 32 bits and wrap.
 */
export interface ReorderOptions {
  /** Most packets that wait at once; one more gives the gap in front of them up. */
  readonly window: number;
  /** How long a gap may hold later packets back, in ms. */
  readonly timeoutMs: number;
}

/** `deliver`: pass it on now, then drain with `next`. `hold`: it was copied. The rest are drop reasons. */
export type ReorderVerdict = 'deliver' | 'hold' | 'duplicate' | 'late' | 'reorder-overflow';

/** A jump further than this is believed only when the number after it follows: one stray packet must not deafen a call. */
const FAR = 16_384;
/** How many past numbers are remembered to tell a duplicate from a late packet. */
const MEMORY = 256;

interface Waiting {
  readonly sequence: number;
  readonly bytes: Uint8Array;
  readonly arrived: Instant;
}

const distance = (from: number, to: number): number => (to - from) | 0;
const advance = (sequence: number, by: number): number => (sequence + by) >>> 0;

export class ReorderQueue {
  /** Numbers that were given up: lost, or still to come late. */
  lost = 0;
  /** Packets that came too early and were kept. */
  reordered = 0;
  private readonly options: ReorderOptions;
  /** The next number to deliver. */
  private expected = 0;
  /** Whether any packet was delivered or skipped, so that `expected - 1` was the peer's. */
  private moved = false;
  private started = false;
  /** Sorted by distance from `expected`, nearest first. */
  private readonly waiting: Waiting[] = [];
  private farNext = -1;
  /** Numbers before `expected` since the first one; counted up to MEMORY. */
  private passed = 0;
  /**
   * Bits of the last numbers that were given up. Made for the first one: nearly all of very many calls lose nothing while
   * they are idle, and then every number before `expected` was delivered.
   */
  private skipped: Uint32Array | undefined;

  constructor(options: ReorderOptions) {
    this.options = options;
  }

  snapshot(): ReorderSnapshot {
    const { lost, reordered, expected, moved, started, waiting, farNext, passed, skipped } = this;
    return {
      lost,
      reordered,
      expected,
      moved,
      started,
      waiting: [...waiting],
      farNext,
      passed,
      skipped: skipped && [...skipped],
    };
  }

  restore(snapshot: ReorderSnapshot): void {
    this.lost = snapshot.lost;
    this.reordered = snapshot.reordered;
    this.expected = snapshot.expected;
    this.moved = snapshot.moved;
    this.started = snapshot.started;
    this.waiting.splice(0, this.waiting.length, ...snapshot.waiting);
    this.farNext = snapshot.farNext;
    this.passed = Math.min(MEMORY, snapshot.passed);
    this.skipped = snapshot.skipped && Uint32Array.from({ length: MEMORY / 32 }, (_, i) => snapshot.skipped?.[i] ?? 0);
  }

  /** The highest number received so far, to be acknowledged; -1 before the first packet. */
  get highest(): number {
    const last = this.waiting[this.waiting.length - 1];
    if (last !== undefined) return last.sequence;
    return this.moved ? advance(this.expected, -1) : -1;
  }

  /** The number delivered last. */
  get latest(): number {
    return advance(this.expected, -1);
  }

  get held(): number {
    return this.waiting.length;
  }

  /** The payload is `source[offset .. offset + length)`; it is copied when the verdict is `hold`. */
  accept(sequence: number, source: Uint8Array, offset: number, length: number, now: Instant): ReorderVerdict {
    if (!this.started) {
      this.started = true;
      // Numbers begin at 0 (section 4.1); Linux and others begin at 1, which is no loss.
      this.expected = sequence === 1 ? 1 : 0;
    }
    const ahead = distance(this.expected, sequence);
    if (ahead === 0) {
      // Held, and waiting only for room in the caller's batch.
      if (this.ready) return 'duplicate';
      this.pass(sequence);
      return 'deliver';
    }
    if (ahead < 0) return -ahead <= MEMORY && this.remembers(sequence, -ahead) ? 'duplicate' : 'late';
    const furthest = this.waiting[this.waiting.length - 1]?.sequence ?? this.expected;
    if (distance(furthest, sequence) > FAR && this.farNext !== sequence) {
      this.farNext = advance(sequence, 1);
      return 'reorder-overflow';
    }
    this.farNext = -1;
    return this.insert(sequence, ahead, now, () => source.slice(offset, offset + length));
  }

  /** The next held packet that may go now, if any: call after `deliver`, `hold` and `expire` until it says undefined. */
  next(): Uint8Array | undefined {
    const first = this.waiting[0];
    if (first === undefined || first.sequence !== this.expected) return undefined;
    this.waiting.shift();
    this.pass(first.sequence);
    return first.bytes;
  }

  /** Whether `next` has a packet. */
  get ready(): boolean {
    return this.waiting[0]?.sequence === this.expected;
  }

  /** When `expire` and `next` have something to do. */
  nextTimeout(): Instant | undefined {
    const first = this.waiting[0];
    if (first === undefined) return undefined;
    return (this.ready ? first.arrived : first.arrived + this.options.timeoutMs) as Instant;
  }

  /** Gives the first gap up if its time has come. */
  expire(now: Instant): void {
    const first = this.waiting[0];
    if (first !== undefined && now >= first.arrived + this.options.timeoutMs) this.skipTo(first.sequence);
  }

  private insert(sequence: number, ahead: number, now: Instant, copy: () => Uint8Array): ReorderVerdict {
    let at = this.waiting.length;
    while (at > 0) {
      const before = this.waiting[at - 1];
      if (before === undefined) break;
      const gap = distance(this.expected, before.sequence);
      if (gap === ahead) return 'duplicate';
      if (gap < ahead) break;
      at -= 1;
    }
    this.reordered += 1;
    this.waiting.splice(at, 0, { sequence, bytes: copy(), arrived: now });
    const first = this.waiting[0];
    if (this.waiting.length > this.options.window && first !== undefined) this.skipTo(first.sequence);
    return 'hold';
  }

  private skipTo(sequence: number): void {
    const skipped = distance(this.expected, sequence);
    this.lost += skipped;
    this.passed = Math.min(MEMORY, this.passed + skipped);
    this.skipped ??= new Uint32Array(MEMORY / 32);
    for (let i = 0; i < Math.min(skipped, MEMORY); i += 1) this.mark(this.skipped, advance(sequence, -1 - i), true);
    this.expected = sequence;
    this.moved = true;
  }

  private pass(sequence: number): void {
    if (this.skipped !== undefined) this.mark(this.skipped, sequence, false);
    if (this.passed < MEMORY) this.passed += 1;
    this.expected = advance(sequence, 1);
    this.moved = true;
  }

  private mark(skipped: Uint32Array, sequence: number, given: boolean): void {
    const bit = sequence % MEMORY;
    const word = skipped[bit >>> 5] ?? 0;
    skipped[bit >>> 5] = given ? word | (1 << (bit & 31)) : word & ~(1 << (bit & 31));
  }

  /** Of a number at most MEMORY before `expected`: whether it was delivered. */
  private remembers(sequence: number, behind: number): boolean {
    if (behind > this.passed) return false;
    const bit = sequence % MEMORY;
    return ((this.skipped?.[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0;
  }
}
