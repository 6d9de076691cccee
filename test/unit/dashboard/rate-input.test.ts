import { expect, it } from 'vitest';
import { parseRate } from '../../../dashboard/model/rate-input.ts';

it.each([
  ['512k', 512_000],
  ['10M', 10_000_000],
  [' 1.5 Mbit/s ', 1_500_000],
  ['2500000', 2_500_000],
  ['1g', 1_000_000_000],
  ['1000G', 1_000_000_000_000],
])('%s', (text, rate) => {
  expect(parseRate(text)).toBe(rate);
});

it.each(['', '0', '-5M', 'fast', '10 MB', '1e9', '1001G', '999999999999999999G'])('"%s" is no rate', (text) => {
  expect(parseRate(text)).toBeUndefined();
});
