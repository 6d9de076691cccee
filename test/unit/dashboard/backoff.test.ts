import { expect, it } from 'vitest';
import { backoffMs } from '../../../dashboard/api/backoff.ts';

it('waits longer each time, and never longer than a quarter of a minute', () => {
  expect([0, 1, 2, 3, 4, 5, 1000].map((attempt) => backoffMs(attempt, 0.5))).toEqual([
    500, 1000, 2000, 4000, 8000, 15_000, 15_000,
  ]);
});

it('is spread, and keeps to what the gateway asked for', () => {
  expect([0, 1].map((random) => backoffMs(2, random))).toEqual([1600, 2400]);
  expect(backoffMs(0, 0.5, 6000)).toBe(6000);
});
