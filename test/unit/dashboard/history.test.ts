import { expect, it } from 'vitest';
import { append, EMPTY, fill } from '../../../dashboard/model/history.ts';

const point = (second: number) => ({ at: second * 1000, rateIn: second, rateOut: second * 2 });

it('keeps the newest points, in order', () => {
  const series = [1, 2, 3, 4].map(point).reduce((all, one) => append(all, one, 3), EMPTY);
  expect(series).toEqual({ at: [2, 3, 4], rateIn: [2, 3, 4], rateOut: [4, 6, 8] });
});

it('takes no point twice and none of the past', () => {
  const series = append(EMPTY, point(5));
  expect(append(series, point(5))).toBe(series);
  expect(append(series, point(4))).toBe(series);
});

it('begins anew when the clock of the gateway was set back', () => {
  const series = [1000, 1001].map(point).reduce((all, one) => append(all, one), EMPTY);
  expect(append(series, point(100)).at).toEqual([100]);
});

it('puts what the gateway remembers wherever nothing was seen', () => {
  const seen = [5, 6, 9, 10].map(point).reduce((all, one) => append(all, one), EMPTY);
  expect(fill(seen, [3, 4, 5].map(point), 1).at).toEqual([3, 4, 5, 6, 9, 10]);
  expect(fill(seen, [6, 7, 8, 9].map(point), 1).at).toEqual([5, 6, 7, 8, 9, 10]);
  expect(fill(seen, [11, 12].map(point), 1).at).toEqual([5, 6, 9, 10, 11, 12]);
  expect(fill(EMPTY, [3].map(point), 1).rateOut).toEqual([6]);
});

it('a point of what is remembered stands for its whole step', () => {
  const seen = [10, 11, 30].map(point).reduce((all, one) => append(all, one), EMPTY);
  expect(fill(seen, [0, 5, 10, 15, 20, 25, 30, 35].map(point), 5).at).toEqual([0, 5, 10, 11, 20, 25, 30, 35]);
});

it('remembers the newest of both', () => {
  const seen = [5, 6].map(point).reduce((all, one) => append(all, one), EMPTY);
  expect(fill(seen, [3, 4].map(point), 1, 3).at).toEqual([4, 5, 6]);
  expect(fill(seen, [3, 4].map(point), 1, 2).at).toEqual([5, 6]);
});
