import { expect, test } from 'vitest';
import { jainIndex } from '../../bench/support/fairness.ts';

test.each([
  [[5, 5, 5, 5], 1],
  [[8, 0, 0, 0], 0.25],
  [[1, 3], 0.8],
  [[0, 0], 0],
])('the index of Jain of %j is %d', (shares, expected) => expect(jainIndex(shares)).toBeCloseTo(expected));
