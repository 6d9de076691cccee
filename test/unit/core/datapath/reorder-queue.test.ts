import { describe, expect, it } from 'vitest';
import { ReorderQueue } from '../../../../core/datapath/reorder-queue.ts';
import { instant } from '../../../../core/time.ts';

/** A queue fed with numbers; `delivered` is what came out, in order. */
function feed(options = { window: 16, timeoutMs: 300 }) {
  const queue = new ReorderQueue(options);
  const delivered: number[] = [];
  const drain = (): void => {
    for (let bytes = queue.next(); bytes !== undefined; bytes = queue.next())
      delivered.push(new DataView(bytes.buffer).getUint32(0));
  };
  return {
    queue,
    delivered,
    receives(sequence: number, at = 0) {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, sequence >>> 0);
      const verdict = queue.accept(sequence >>> 0, bytes, 0, 4, instant(at));
      if (verdict === 'deliver') delivered.push(sequence >>> 0);
      bytes.fill(0xee);
      drain();
      return verdict;
    },
    at(now: number) {
      queue.expire(instant(now));
      drain();
    },
  };
}

describe('GRE sequence numbers (RFC 2637 sections 4.1, 4.3)', () => {
  it('delivers what comes in order, from 0', () => {
    const q = feed();
    expect([0, 1, 2].map((n) => q.receives(n))).toEqual(['deliver', 'deliver', 'deliver']);
    expect(q.queue.highest).toBe(2);
  });

  it('takes 1 as a first number without a loss, as Linux sends it', () => {
    const q = feed();
    expect(q.receives(1)).toBe('deliver');
    expect(q.queue.lost).toBe(0);
  });

  it.each([
    ['two swapped (pptp-linux test type 1)', [0, 1, 2, 3, 5, 4, 6, 7]],
    ['a block behind its last (test type 2)', [0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 10]],
    ['a reversed block (test type 3)', [0, 8, 7, 6, 5, 4, 3, 2, 1, 9]],
  ])('puts back into order: %s', (_name, numbers) => {
    const q = feed();
    for (const n of numbers) q.receives(n);
    expect(q.delivered).toEqual(numbers.toSorted((a, b) => a - b));
    expect(q.queue.lost).toBe(0);
  });

  it('tells a duplicate from a late packet', () => {
    const q = feed();
    q.receives(0);
    q.receives(2);
    q.at(300);
    expect(q.delivered).toEqual([0, 2]);
    expect(q.receives(2)).toBe('duplicate');
    expect(q.receives(0)).toBe('duplicate');
    expect(q.receives(1)).toBe('late');
    expect(q.queue.lost).toBe(1);
  });

  it('takes nothing from before the first number for a duplicate', () => {
    const q = feed();
    for (const n of [1, 2, 3]) q.receives(n);
    expect([q.receives(0), q.receives(-1), q.receives(1), q.receives(3)]).toEqual([
      'late',
      'late',
      'duplicate',
      'duplicate',
    ]);
  });

  it('knows of 256 numbers which were given up, and calls older ones late', () => {
    const q = feed();
    for (let n = 0; n < 1000; n += 1) if (n % 100 !== 50) q.receives(n, 10 * n);
    expect(q.queue.lost).toBe(10);
    expect([999, 951, 950, 949, 850, 744, 743].map((n) => q.receives(n, 10_000))).toEqual([
      ...['duplicate', 'duplicate', 'late', 'duplicate', 'late', 'duplicate', 'late'],
    ]);
  });

  it('drops the second copy of a packet that waits', () => {
    const q = feed();
    q.receives(0);
    expect([q.receives(3), q.receives(3)]).toEqual(['hold', 'duplicate']);
  });

  it('gives each gap up after the time-out counted from the packet that saw it', () => {
    const q = feed();
    q.receives(0, 0);
    q.receives(2, 10);
    q.receives(5, 200);
    expect(q.queue.nextTimeout()).toBe(310);
    q.at(309);
    expect(q.delivered).toEqual([0]);
    q.at(310);
    expect(q.delivered).toEqual([0, 2]);
    expect(q.queue.nextTimeout()).toBe(500);
    q.at(500);
    expect(q.delivered).toEqual([0, 2, 5]);
  });

  it('holds no more than the window: one more gives the first gap up', () => {
    const q = feed({ window: 3, timeoutMs: 300 });
    q.receives(0);
    for (const n of [2, 3, 4]) q.receives(n);
    expect(q.delivered).toEqual([0]);
    q.receives(5);
    expect(q.delivered).toEqual([0, 2, 3, 4, 5]);
    expect(q.queue.held).toBe(0);
  });

  it('reorders across the wrap of 32 bits', () => {
    const q = feed();
    // Walk close to the wrap by jumps that are each confirmed by their successor.
    for (const base of [0x50000000, 0xa0000000, 0xfffffff0]) {
      q.receives(base);
      q.receives(base + 1);
      q.receives(base + 2);
      q.at(1e6);
    }
    q.delivered.length = 0;
    for (let n = 0xfffffff3; n <= 0xfffffffd; n += 1) q.receives(n);
    for (const n of [0xffffffff, 1, 0, 0xfffffffe, 2]) q.receives(n);
    expect(q.delivered.slice(-5)).toEqual([0xfffffffe, 0xffffffff, 0, 1, 2]);
    expect(q.receives(0xffffffff)).toBe('duplicate');
  });

  it('does not let one stray packet from far ahead deafen the call', () => {
    const q = feed();
    q.receives(0);
    expect(q.receives(0x40000000)).toBe('reorder-overflow');
    expect(q.receives(1)).toBe('deliver');
    expect(q.receives(2)).toBe('deliver');
  });

  it('acknowledges nothing before the first packet', () => {
    expect(feed().queue.highest).toBe(-1);
  });

  it('takes a copy of a packet that waits only for room for a duplicate, and never goes back', () => {
    const queue = new ReorderQueue({ window: 16, timeoutMs: 300 });
    const offer = (sequence: number) => queue.accept(sequence, new Uint8Array([sequence]), 0, 1, instant(0));
    // The batch was full when 3 filled the gap: 4 and 5 could go, but are still here.
    expect([offer(1), offer(2)]).toEqual(['deliver', 'deliver']);
    expect([offer(4), offer(5), offer(3)]).toEqual(['hold', 'hold', 'deliver']);
    expect([offer(4), offer(5)]).toEqual(['duplicate', 'duplicate']);
    expect([queue.next(), queue.next(), queue.next()]).toEqual([new Uint8Array([4]), new Uint8Array([5]), undefined]);
    queue.expire(instant(1_000));
    expect([queue.held, queue.lost, queue.highest, offer(4), offer(6)]).toEqual([0, 0, 5, 'duplicate', 'deliver']);
  });
});
