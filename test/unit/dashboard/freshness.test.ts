import { expect, it } from 'vitest';
import { freshness } from '../../../dashboard/model/freshness.ts';

it('what was heard just now is of now', () => {
  expect(freshness('live', 10_000, 11_200)).toEqual({ isStale: false, seconds: 1 });
});

it('silence makes it stale, and so does a lost connection at once', () => {
  expect(freshness('live', 10_000, 14_000)).toEqual({ isStale: true, seconds: 4 });
  expect(freshness('away', 10_000, 10_100)).toEqual({ isStale: true, seconds: 0 });
});

it('before the first news only a lost connection is worth a word', () => {
  expect(freshness('connecting', undefined, 5)).toEqual({ isStale: false, seconds: undefined });
  expect(freshness('away', undefined, 5).isStale).toBe(true);
});

it('a clock that was set back makes nothing negative', () => {
  expect(freshness('live', 10_000, 9000)).toEqual({ isStale: false, seconds: 0 });
});
