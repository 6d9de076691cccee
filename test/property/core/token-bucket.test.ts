import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { burstOf, octetsPerMs, TokenBucket } from '../../../core/datapath/shape-bucket.ts';
import { ShapedFlow } from '../../../core/datapath/shape-flow.ts';
import { instant, after as later } from '../../../core/time.ts';

const limits = fc.record(
  {
    bitsPerSecond: fc.integer({ min: 1_000, max: 1_000_000_000 }),
    burstOctets: fc.integer({ min: 1, max: 1_000_000 }),
  },
  { requiredKeys: ['bitsPerSecond'] },
);
const arrivals = fc.array(
  fc.record({ wait: fc.double({ min: 0, max: 50, noNaN: true }), octets: fc.integer({ min: 1, max: 1984 }) }),
  { minLength: 1, maxLength: 200 },
);
/** Of sums of many fractions. */
const ROUNDING = 1e-3;

describe('a token bucket', () => {
  it('lets no more through in any time than its rate and its burst allow', () => {
    fc.assert(
      fc.property(limits, arrivals, (limit, packets) => {
        let now = instant(1_000);
        const bucket = new TokenBucket(limit, now);
        const passed: { readonly at: number; readonly octets: number }[] = [];
        for (const { wait, octets } of packets) {
          now = later(now, wait);
          if (bucket.take(octets, now)) passed.push({ at: now, octets });
        }
        for (let first = 0; first < passed.length; first += 1) {
          let sum = 0;
          for (const { at, octets } of passed.slice(first)) {
            sum += octets;
            const most = burstOf(limit) + (at - (passed[first]?.at ?? 0)) * octetsPerMs(limit);
            expect(sum).toBeLessThanOrEqual(most + ROUNDING);
          }
        }
      }),
    );
  });

  it('never starves: any packet passes when it says so, and none has to wait longer than it takes to fill', () => {
    fc.assert(
      fc.property(limits, arrivals, (limit, packets) => {
        let now = instant(1_000);
        const bucket = new TokenBucket(limit, now);
        for (const { wait, octets } of packets) {
          now = later(now, wait);
          const due = bucket.availableAt(octets, now);
          expect(due - now).toBeLessThanOrEqual(octets / octetsPerMs(limit) + ROUNDING);
          now = later(due, ROUNDING);
          expect(bucket.take(octets, now)).toBe(true);
        }
      }),
    );
  });

  it('gives nothing away at a change: what passed before and after is within the larger of both', () => {
    fc.assert(
      fc.property(limits, limits, arrivals, fc.nat(199), (one, other, packets, at) => {
        let now = instant(0);
        const bucket = new TokenBucket(one, now);
        let sum = 0;
        for (const [index, { wait, octets }] of packets.entries()) {
          now = later(now, wait);
          if (index === at) bucket.change(other, now);
          if (bucket.take(octets, now)) sum += octets;
        }
        const rate = Math.max(octetsPerMs(one), octetsPerMs(other));
        expect(sum).toBeLessThanOrEqual(burstOf(one) + now * rate + ROUNDING);
      }),
    );
  });
});

describe('packets that wait for a rate', () => {
  it('come out in order and whole, each at its time, within the bounds of the queue', () => {
    fc.assert(
      fc.property(limits, arrivals, (limit, packets) => {
        let now = instant(0);
        const flow = new ShapedFlow(limit, now);
        const came: number[] = [];
        const went: number[] = [];
        const drain = (): void => {
          for (let packet = flow.take(now); packet !== undefined; packet = flow.take(now)) {
            went.push(packet.protocol);
            expect(packet.bytes.length).toBeGreaterThan(0);
          }
        };
        for (const [name, { wait, octets }] of packets.entries()) {
          now = later(now, wait);
          drain();
          if (flow.passes(octets, now)) {
            expect(flow.length).toBe(0);
            came.push(name);
            went.push(name);
          } else if (flow.hasRoom(octets)) {
            came.push(name);
            flow.put(name, new Uint8Array(octets), undefined);
          }
          expect(flow.length).toBeLessThanOrEqual(1024);
          expect(flow.octets).toBeLessThanOrEqual(Math.max(24_000, 100 * octetsPerMs(limit)));
        }
        for (let due = flow.dueAt(now); due !== undefined; due = flow.dueAt(now)) {
          now = later(due, ROUNDING);
          const before = went.length;
          drain();
          expect(went.length).toBeGreaterThan(before);
        }
        expect(went).toEqual(came);
        expect(flow.octets).toBe(0);
      }),
    );
  });
});
