import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeadlineHeap } from '../../../../core/machine/deadline-heap.ts';

describe('deadline heap', () => {
  it('gives keys in the order of their deadlines, whatever was set, moved and removed before', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ key: fc.integer({ min: 0, max: 20 }), at: fc.option(fc.integer({ min: 0, max: 1000 })) }),
          { maxLength: 200 },
        ),
        (steps) => {
          const heap = new DeadlineHeap<number>();
          const model = new Map<number, number>();
          for (const { key, at } of steps) {
            if (at === null) {
              heap.remove(key);
              model.delete(key);
            } else {
              heap.set(key, at);
              model.set(key, at);
            }
            expect(heap.size).toBe(model.size);
            expect(heap.earliest).toBe(model.size === 0 ? undefined : Math.min(...model.values()));
          }
          const out: number[] = [];
          for (let key = heap.takeDue(500); key !== undefined; key = heap.takeDue(500)) out.push(model.get(key) ?? -1);
          expect(out).toEqual([...model.values()].filter((at) => at <= 500).toSorted((a, b) => a - b));
          expect(heap.size).toBe([...model.values()].filter((at) => at > 500).length);
        },
      ),
    );
  });
});
