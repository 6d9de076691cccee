import { expect, it } from 'vitest';
import { PassedDatagrams } from '../../../../core/datapath/passed-datagrams.ts';
import { instant } from '../../../../core/time.ts';

it('later fragments follow a first one for a while, of a few datagrams at a time', () => {
  const passed = new PassedDatagrams();
  expect(passed.has('a', instant(0))).toBe(false);
  passed.note('a', instant(0));
  expect(passed.has('a', instant(14_999))).toBe(true);
  expect(passed.has('a', instant(15_000))).toBe(false);
  for (const key of ['b', 'c', 'd', 'e', 'f', 'g', 'h']) passed.note(key, instant(1));
  expect(passed.has('a', instant(1))).toBe(true);
  passed.note('i', instant(1));
  expect(['a', 'b', 'i'].map((key) => passed.has(key, instant(1)))).toEqual([false, true, true]);
});
