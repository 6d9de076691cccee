import { test } from 'vitest';
import { expectCheck } from './c-check.ts';

test(
  'the C alone: quiet before busy, equal octets, bounds, order, and no sanitizer objects',
  () => expectCheck('fair-check.c', ['fair.c']),
  120_000,
);
