import { test } from 'vitest';
import { expectCheck } from './c-check.ts';

test(
  'the kernel gives each packet to the share of its Call ID, what has none to share 0, and nothing of before',
  () => expectCheck('gre-filter-check.c', ['gre_filter.c']),
  120_000,
);
