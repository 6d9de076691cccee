import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplayWindow } from '../../../core/datapath/ipsec-replay.ts';

const TWO_32 = 2 ** 32;

/** What RFC 4303 section 3.4.3 says, with all the memory one could want. */
class Model {
  top = 0;
  private readonly seen = new Set<number>();
  private readonly size: number;

  constructor(size: number) {
    this.size = size;
  }

  offer(sequence: number): string {
    if (sequence <= 0 || sequence <= this.top - this.size) return 'late';
    if (this.seen.has(sequence)) return 'duplicate';
    this.seen.add(sequence);
    this.top = Math.max(this.top, sequence);
    return 'new';
  }
}

/** RFC 4303 appendix A2.2, in its own words: Tl, Th, W, Seql. */
const appendixA = (top: bigint, w: bigint, seql: bigint): bigint | undefined => {
  const tl = top & 0xffffffffn;
  const th = top >> 32n;
  let seqh: bigint;
  if (tl >= w - 1n) seqh = seql >= tl - w + 1n ? th : th + 1n;
  else seqh = seql >= ((tl - w + 1n) & 0xffffffffn) ? th - 1n : th;
  return seqh < 0n ? undefined : (seqh << 32n) | seql;
};

const sizes = fc.constantFrom(32, 64, 128, 1024);

describe('the anti-replay window', () => {
  it('says of every packet what a memory without bounds would say', () => {
    const steps = fc.array(
      fc.oneof(
        fc.integer({ min: -200, max: 5 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 30, max: 3000 }),
        fc.constantFrom(TWO_32 - 2, -TWO_32),
      ),
      { maxLength: 300 },
    );
    fc.assert(
      fc.property(sizes, fc.constantFrom(0, 10, 5 * TWO_32 - 20), steps, (size, start, moves) => {
        const window = new ReplayWindow(size, true);
        const model = new Model(size);
        for (const move of [start, ...moves]) {
          const sequence = model.top + move;
          const verdict = window.check(sequence);
          if (verdict === 'new') window.accept(sequence);
          expect(verdict).toBe(model.offer(sequence));
          expect(window.top).toBe(model.top);
        }
      }),
    );
  });

  it('finds the upper half as the appendix does, and it is the right one for all that is not too old', () => {
    const tops = fc.oneof(
      fc.integer({ min: 0, max: 2000 }),
      fc.integer({ min: -2000, max: 2000 }).map((near) => TWO_32 + near),
      fc.integer({ min: -2000, max: 2000 }).map((near) => 7 * TWO_32 + near),
      fc.maxSafeNat().map((value) => value % 2 ** 50),
    );
    const distances = fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: TWO_32 - 1 }));
    fc.assert(
      fc.property(sizes, tops, distances, (size, top, distance) => {
        const window = new ReplayWindow(size, true);
        if (top > 0) window.accept(top);
        const sequence = top - size + 1 + distance;
        const low = ((sequence % TWO_32) + TWO_32) % TWO_32;
        expect(window.infer(low)).toBe(Number(appendixA(BigInt(top), BigInt(size), BigInt(low)) ?? -1n));
        if (sequence >= 0) expect(window.infer(low)).toBe(sequence);
      }),
      { numRuns: 1000 },
    );
  });

  it('follows a sender through loss, reordering and replays, across the end of 32 bits', () => {
    const losses = fc.array(fc.record({ lost: fc.boolean(), delay: fc.nat(90), again: fc.boolean() }), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 250 }), losses, (size, before, packets) => {
        const start = 3 * TWO_32 - before;
        const window = new ReplayWindow(size, true);
        const model = new Model(size);
        window.accept(start);
        model.offer(start);
        const arrivals = packets
          .flatMap(({ lost, delay, again }, at) => {
            const sequence = start + 1 + at;
            const first = { sequence, when: at + delay };
            return lost ? [] : again ? [first, { sequence, when: at + delay + 40 }] : [first];
          })
          .toSorted((a, b) => a.when - b.when);
        for (const { sequence } of arrivals) {
          const inferred = window.infer(sequence % TWO_32);
          const expected = model.offer(sequence);
          // What is too old is taken for what is 2^32 later, and fails its integrity check.
          if (expected === 'late') {
            expect(inferred).toBe(sequence + TWO_32);
            continue;
          }
          expect(inferred).toBe(sequence);
          expect(window.check(inferred)).toBe(expected);
          if (expected === 'new') window.accept(inferred);
        }
      }),
    );
  });

  it('of 0 takes everything', () => {
    const window = new ReplayWindow(0, false);
    for (const sequence of [5, 5, 1]) {
      expect(window.check(sequence)).toBe('new');
      window.accept(sequence);
    }
  });
});
