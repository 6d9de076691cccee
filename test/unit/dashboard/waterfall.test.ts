import fc from 'fast-check';
import { expect, it } from 'vitest';
import { latest, waterfall } from '../../../dashboard/model/waterfall.ts';

const phase = (name: string, start: number, seconds: number | null, error: string | null = null) => ({
  name,
  start,
  seconds,
  error,
  detail: null,
});

it('draws phases on one scale', () => {
  const { bars, seconds, ticks } = waterfall([phase('lcp', 0, 0.1), phase('auth', 0.1, 0.3, 'wrong-password')], 9);
  expect(seconds).toBeCloseTo(0.4);
  expect(bars[0]).toMatchObject({ left: 0, width: 0.25 });
  expect(bars[1]).toMatchObject({ left: 0.25, width: 0.75, error: 'wrong-password' });
  expect(ticks.map((tick) => Math.round(tick * 1000))).toEqual([0, 100, 200, 300, 400]);
});

it('a phase that goes on reaches until now', () => {
  const { bars, seconds } = waterfall([phase('lcp', 0, 1), phase('auth', 1, null)], 5);
  expect(seconds).toBe(5);
  expect(bars[1]).toMatchObject({ left: 0.2, width: 0.8, seconds: null });
});

it('without phases there is nothing to draw', () => {
  expect(waterfall([], 5)).toMatchObject({ bars: [], ticks: [] });
});

it('every bar is seen, and within the drawing', () => {
  const second = fc.double({ min: 0, max: 1e5, noNaN: true });
  const phases = fc.array(fc.tuple(second, fc.option(second)).map(([start, seconds]) => phase('x', start, seconds)));
  fc.assert(
    fc.property(phases, second, (all, now) => {
      const { bars, ticks } = waterfall(all, now);
      for (const { left, width } of bars) {
        expect(left).toBeGreaterThanOrEqual(0);
        expect(width).toBeGreaterThan(0);
        expect(left + width).toBeLessThanOrEqual(1 + 1e-9);
      }
      expect(ticks.length).toBeLessThan(20);
    }),
  );
});

it('shows the newest lines of a long timeline', () => {
  const lines = [1, 2, 3].map((seconds) => ({ seconds, event: 'e', message: '' }));
  expect(latest(lines, 2).map(({ seconds }) => seconds)).toEqual([2, 3]);
  expect(latest(lines, 3)).toBe(lines);
});
