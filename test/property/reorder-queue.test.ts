import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReorderQueue } from '../../core/datapath/reorder-queue.ts';
import { instant } from '../../core/time.ts';

const payload = (sequence: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, sequence);
  return bytes;
};
const numberOf = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);

describe('reorder queue', () => {
  it('delivers strictly ascending numbers, each at most once, whatever arrives whenever', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(
          fc.record({
            sequence: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 0xffffffff })),
            pause: fc.integer({ min: 0, max: 200 }),
          }),
          { maxLength: 200 },
        ),
        (window, events) => {
          const queue = new ReorderQueue({ window, timeoutMs: 300 });
          const seen = new Set<number>();
          let last = -1;
          let now = 0;
          const deliver = (sequence: number): void => {
            expect(seen.has(sequence)).toBe(false);
            if (last >= 0) expect((sequence - last) | 0).toBeGreaterThan(0);
            seen.add(sequence);
            last = sequence;
          };
          for (const { sequence, pause } of events) {
            now += pause;
            queue.expire(instant(now));
            for (let b = queue.next(); b !== undefined; b = queue.next()) deliver(numberOf(b));
            if (queue.accept(sequence, payload(sequence), 0, 4, instant(now)) === 'deliver') deliver(sequence);
            for (let b = queue.next(); b !== undefined; b = queue.next()) deliver(numberOf(b));
            expect(queue.held).toBeLessThanOrEqual(window);
          }
        },
      ),
    );
  });

  it('with loss, duplication and displacement within the window, everything that arrived is delivered in order', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            lost: fc.boolean(),
            copies: fc.integer({ min: 1, max: 2 }),
            delay: fc.integer({ min: 0, max: 8 }),
          }),
          {
            minLength: 1,
            maxLength: 120,
          },
        ),
        (fates) => {
          const arrivals = fates
            .flatMap(({ lost, copies, delay }, sequence) =>
              lost && sequence > 0
                ? []
                : Array.from({ length: copies }, (_, copy) => ({
                    sequence,
                    at: sequence + (sequence > 0 ? delay : 0) + copy,
                  })),
            )
            .toSorted((a, b) => a.at - b.at);
          const queue = new ReorderQueue({ window: 64, timeoutMs: 300 });
          const delivered: number[] = [];
          for (const { sequence, at } of arrivals) {
            if (queue.accept(sequence, payload(sequence), 0, 4, instant(at)) === 'deliver') delivered.push(sequence);
            for (let b = queue.next(); b !== undefined; b = queue.next()) delivered.push(numberOf(b));
          }
          for (let now = 1000; queue.held > 0; now += 1000) {
            queue.expire(instant(now));
            for (let b = queue.next(); b !== undefined; b = queue.next()) delivered.push(numberOf(b));
          }
          expect(delivered).toEqual([...new Set(arrivals.map((a) => a.sequence))].toSorted((a, b) => a - b));
        },
      ),
    );
  });
});
