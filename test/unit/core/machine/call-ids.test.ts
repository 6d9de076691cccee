import { describe, expect, test } from 'vitest';
import { RandomCallIds } from '../../../../core/machine/call-ids.ts';
import { callId } from '../../../../core/ports/ids.ts';
import { type Instant, instant } from '../../../../core/time.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const make = (options: ConstructorParameters<typeof RandomCallIds>[1] = {}) => {
  const time: { now: Instant } = { now: instant(0) };
  return { ids: new RandomCallIds({ random: seededRandom(3), now: () => time.now }, options), time };
};

describe('RandomCallIds', () => {
  test('gives 65535 different IDs, never 0, and then none', () => {
    const { ids } = make();
    const seen = new Set(Array.from({ length: 65_535 }, () => Number(ids.allocate())));
    expect(seen.size).toBe(65_535);
    expect([seen.has(0), seen.has(Number.NaN)]).toEqual([false, false]);
    expect(ids.allocate()).toBeUndefined();
  });

  test('does not count up', () => {
    const { ids } = make();
    const first = Array.from({ length: 20 }, () => Number(ids.allocate()));
    const steps = first.slice(1).map((id, i) => id - Number(first[i]));
    expect(new Set(steps).size).toBeGreaterThan(15);
  });

  test('keeps a released ID back for the quarantine', () => {
    const { ids, time } = make({ modulus: 30_000, residue: 7, quarantineMs: 1000 });
    // 7, 30007, 60007.
    const [a, b] = [ids.allocate(), ids.allocate()];
    if (a === undefined || b === undefined) throw new Error('none free');
    ids.release(a);
    time.now = instant(999);
    const third = ids.allocate();
    expect([a, b]).not.toContain(third);
    time.now = instant(1000);
    expect(ids.allocate()).toBe(a);
    expect(ids.allocate()).toBeUndefined();
  });

  test('when all others are used, the one that has rested longest is taken before its time', () => {
    const { ids } = make({ modulus: 30_000, residue: 7, quarantineMs: 1000 });
    const [a, b, c] = [ids.allocate(), ids.allocate(), ids.allocate()];
    if (a === undefined || b === undefined || c === undefined) throw new Error('none free');
    ids.release(b);
    ids.release(a);
    expect(ids.allocate()).toBe(b);
    expect(ids.allocate()).toBe(a);
    expect(ids.allocate()).toBeUndefined();
  });

  test('the release of an ID that is not in use changes nothing', () => {
    const { ids, time } = make({ modulus: 30_000, residue: 7, quarantineMs: 10 });
    const a = ids.allocate();
    if (a === undefined) throw new Error('none free');
    ids.release(a);
    ids.release(a);
    ids.release(callId(0));
    ids.release(callId(8));
    time.now = instant(10);
    expect(new Set([ids.allocate(), ids.allocate(), ids.allocate()]).size).toBe(3);
    expect(ids.allocate()).toBeUndefined();
  });

  test('two shards never share an ID', () => {
    const even = make({ modulus: 2, residue: 0 }).ids;
    const odd = make({ modulus: 2, residue: 1 }).ids;
    for (let i = 0; i < 1000; i += 1) {
      expect(Number(even.allocate()) % 2).toBe(0);
      expect(Number(odd.allocate()) % 2).toBe(1);
    }
    let left = 0;
    while (even.allocate() !== undefined) left += 1;
    expect(left).toBe(32_767 - 1000);
  });

  test.each([
    { modulus: 0, residue: 0 },
    { modulus: 2, residue: 2 },
    { modulus: 1.5, residue: 0 },
    { modulus: 70_000, residue: 0 },
  ])('refuses a shard without IDs: %j', (shard) => {
    expect(() => make(shard)).toThrow(RangeError);
  });
});
