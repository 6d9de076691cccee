import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { add, countLine, exitCode, failureList, failuresIn, lastCounts } from '../../../setup/lib/counts.mjs';

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

describe('the names of what failed', () => {
  test('are written as a list and read back, the last list of a log alone', () => {
    const list = failureList([
      { name: 'unit > a.test.ts > works', reason: 'expected 1 to be 2' },
      { name: 'tsc -b', reason: '' },
    ]);
    expect(list).toBe('\nFailed:\n  unit > a.test.ts > works: expected 1 to be 2\n  tsc -b\n');
    expect(failuresIn(`Failed:\n  older\n\nnoise${list}0 passed, 2 failed, 0 skipped\n`)).toEqual([
      'unit > a.test.ts > works: expected 1 to be 2',
      'tsc -b',
    ]);
    expect(failureList([])).toBe('');
    expect(failuresIn('all is well\n')).toEqual([]);
  });
});

describe('the sum of logs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pptp-logs-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const sum = (logs: Readonly<Record<string, string>>) => {
    const paths = Object.entries(logs).map(([name, text]) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    });
    const { status, stdout } = spawnSync(process.execPath, ['setup/lib/sum-counts.mjs', ...paths], {
      encoding: 'utf8',
    });
    return { status, lines: stdout.split('\n') };
  };

  test('ends with what failed, by log and name, and the counts', () => {
    const { status, lines } = sum({
      test: 'noise\n\nFailed:\n  unit > a.test.ts > works: no\n9 passed, 2 failed, 0 skipped\nnpm error code 1\n',
      matrix: '\nNode v24: 5 passed, 0 failed, 1 skipped\n5 passed, 0 failed, 1 skipped\n',
      third: 'killed\n',
    });
    expect(status).toBe(1);
    expect(lines.slice(-6)).toEqual([
      'Failed:',
      '  test > unit > a.test.ts > works: no',
      '  test > 1 without a name, see above',
      '  third > ended without a counted line',
      '14 passed, 3 failed, 1 skipped',
      '',
    ]);
  });

  test('is one line when nothing failed', () => {
    expect(sum({ test: '3 passed, 0 failed, 1 skipped\n' })).toEqual({
      status: 0,
      lines: ['3 passed, 0 failed, 1 skipped', ''],
    });
  });
});
