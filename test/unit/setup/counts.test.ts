import { describe, expect, test } from 'vitest';
import { add, countLine, exitCode, lastCounts } from '../../../setup/lib/counts.mjs';

describe('the counted line', () => {
  test('is written and read back', () => {
    const counts = { passed: 12, failed: 1, skipped: 30 };
    expect(countLine(counts)).toBe('12 passed, 1 failed, 30 skipped');
    expect(lastCounts(`noise\n1 passed, 0 failed, 0 skipped\n${countLine(counts)}\nnpm error code 1\n`)).toEqual(
      counts,
    );
    expect(add(counts, counts)).toEqual({ passed: 24, failed: 2, skipped: 60 });
  });

  test('is not mistaken for a part of another line', () => {
    expect(lastCounts('Node v22: 1 passed, 0 failed, 0 skipped\n')).toBeUndefined();
    expect(lastCounts('')).toBeUndefined();
  });

  test('a run without a passed test is a failed run', () => {
    expect(exitCode({ passed: 1, failed: 0, skipped: 9 })).toBe(0);
    expect(exitCode({ passed: 9, failed: 1, skipped: 0 })).toBe(1);
    expect(exitCode({ passed: 0, failed: 0, skipped: 9 })).toBe(1);
  });
});
