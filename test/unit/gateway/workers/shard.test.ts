import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { owns, shards, shareOf } from '../../../../gateway/workers/shard.ts';

describe('the parts of a gateway', () => {
  it('take every number once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), fc.nat(0xffff), (count, number) => {
        expect(shards(count).filter((shard) => owns(shard, number))).toHaveLength(1);
      }),
    );
  });

  it('share out all there is, as evenly as can be', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), fc.nat(100_000), (count, total) => {
        const parts = shards(count).map((shard) => shareOf(shard, total));
        expect(parts.reduce((sum, part) => sum + part, 0)).toBe(total);
        expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(1);
      }),
    );
  });
});
