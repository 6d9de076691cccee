import { expect, test } from 'vitest';
import { NoteBudget } from '../../../../core/machine/note-budget.ts';
import { instant } from '../../../../core/time.ts';

test('lets so many through in every interval and tells how many it did not', () => {
  const budget = new NoteBudget(2, 1000);
  const at = (ms: number) => budget.take(instant(ms));
  expect([at(0), at(1), at(2), at(999)]).toEqual([0, 0, undefined, undefined]);
  expect([at(1000), at(1001), at(1002)]).toEqual([2, 0, undefined]);
  expect(at(5000)).toBe(1);
});
