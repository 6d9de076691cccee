import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Timetable, type TimeWindow } from '../../../plugins/policy-access/index.ts';
import { Offenders } from '../../../plugins/policy-lockout/index.ts';

const MINUTE = 60_000;

describe('a table of times', () => {
  const window: fc.Arbitrary<TimeWindow> = fc
    .record({
      days: fc.uniqueArray(fc.nat(6), { minLength: 1 }).map((days) => new Set(days)),
      from: fc.nat(1439),
      to: fc.integer({ min: 1, max: 1440 }),
    })
    .filter(({ from, to }) => from !== to);
  // A year with both changes of the clocks.
  const times = fc.integer({ min: Date.parse('2026-01-01T00:00:00Z'), max: Date.parse('2027-01-01T00:00:00Z') });

  it('closes at the first minute that is not open', () => {
    fc.assert(
      fc.property(
        fc.array(window, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu'),
        times,
        (windows, zone, at) => {
          const table = new Timetable(windows, zone);
          fc.pre(table.isOpen(at));
          const closes = table.closesAt(at);
          if (closes === undefined) return;
          expect(closes).toBeGreaterThan(at);
          expect(table.isOpen(closes)).toBe(false);
          expect(table.isOpen(closes - MINUTE)).toBe(true);
          // Looked at here and there on the way: a whole week would take long.
          for (let part = 1; part < 20; part += 1)
            expect(table.isOpen(at + ((closes - 1 - at) * part) / 20)).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('those who fail', () => {
  const deed = fc.record({ name: fc.nat(30).map(String), wait: fc.nat(200_000), forget: fc.boolean() });

  it('are never more than there is room for, and never locked for longer than the longest lock', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(deed, { maxLength: 200 }), (failures, deeds) => {
        const limits = { failures, lockMs: 10_000, mostLockMs: 60_000, decayMs: 100_000, remembered: 10 };
        const offenders = new Offenders(limits);
        let now = 0;
        for (const { name, wait, forget } of deeds) {
          now += wait;
          if (forget) {
            offenders.forget(name);
            expect(offenders.lockedUntil(name, now)).toBeUndefined();
          }
          const before = offenders.lockedUntil(name, now);
          const length = offenders.failed(name, now);
          if (before !== undefined) expect(length).toBeUndefined();
          if (length !== undefined) expect(offenders.lockedUntil(name, now)).toBe(now + length);
          expect((offenders.lockedUntil(name, now) ?? now) - now).toBeLessThanOrEqual(60_000);
          expect(offenders.size).toBeLessThanOrEqual(10);
        }
      }),
    );
  });
});
