import { expect, it } from 'vitest';
import { append, EMPTY, prepend } from '../../../dashboard/model/history.ts';

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

it('puts what the gateway remembers before what was seen', () => {
  const seen = append(append(EMPTY, point(5)), point(6));
  expect(prepend(seen, [3, 4, 5].map(point)).at).toEqual([3, 4, 5, 6]);
  expect(prepend(seen, [3, 4].map(point), 3).at).toEqual([4, 5, 6]);
  expect(prepend(seen, [3, 4].map(point), 2).at).toEqual([5, 6]);
  expect(prepend(EMPTY, [3].map(point)).rateOut).toEqual([6]);
});
