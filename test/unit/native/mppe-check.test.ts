import { test } from 'vitest';
import { expectCheck } from './c-check.ts';

test(
  'the C alone: both SHA-1 agree, four lanes agree with one, and no sanitizer objects',
  () => expectCheck('mppe-check.c', ['mppe.c', 'sha1.c']),
  120_000,
);
