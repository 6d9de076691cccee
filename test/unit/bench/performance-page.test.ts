import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Circumstances } from '../../bench/support/machine.ts';
import { performanceResults, readResultSet, withResults } from '../../bench/support/performance-page.ts';
import type { Report } from '../../bench/support/report.ts';
import { type ResultSet, resultSet, showResultSet } from '../../bench/support/result-set.ts';
import { atLeast, atMost } from '../../bench/support/verdicts.ts';
import { ROOT } from '../../support/netns.ts';

const machine: Circumstances = {
  date: '2026-01-02T03:04:05.678Z',
  machine: '2 × Abacus, Linux 6.6, Node 20.0.0',
  cpus: 2,
  cpu: 'Abacus',
  memoryGib: 8,
  kernel: '6.6',
  node: '20.0.0',
  commit: '0123456789',
  command: 'npm run bench',
};

const quietly = { load: 0.02, before: 1, during: 3, steal: 0 };

const setups: Report = {
  ...machine,
  command: 'npm run bench -- scale',
  benchmark: 'scale',
  seconds: 12.3,
  others: quietly,
  title: 'Many tunnels',
  about: ['100 tunnels.'],
  tables: [
    {
      title: 'Set-ups',
      rows: [
        ['figure', 'value'],
        ['a | b', '612 (600–640)'],
      ],
    },
    { rows: [['nothing', 'was measured']] },
  ],
  verdicts: [
    atLeast('setups', 'set-ups per second', { median: 612, min: 600, max: 640 }, 500),
    atMost('idle', 'KiB each', { median: 20, min: 15, max: 24 }, 16),
    atMost('idle', 'lost', { median: 0, min: 0, max: 0 }, 0),
  ],
  numbers: { perCoreSecond: 612 },
};

const times = { quick: false, seconds: 700, loadBefore: 0.04 };

const whole = resultSet({ ...machine, ...times }, [
  setups,
  { benchmark: 'compare', failed: 'it ended with status 3' },
  { ...machine, benchmark: 'latency', seconds: 0, others: quietly, skipped: 'it needs root' },
]);

const stateOf = (set: ResultSet, name: string) => set.targets.find((one) => one.name === name)?.state;

test('a target is met when all it is judged by is met, and open when nothing measured it', () => {
  expect(stateOf(whole, 'setups')).toBe('met');
  expect(stateOf(whole, 'idle')).toBe('missed');
  expect(stateOf(whole, 'tcp-openvpn')).toBe('open');
});

test('a verdict goes by the median, and says when a round says something else', () => {
  expect(setups).toMatchObject({
    verdicts: [
      { met: true, clear: true },
      { met: false, clear: false },
      { met: true, clear: true },
    ],
  });
});

test('what ends the output names what failed and what was skipped', () => {
  const lines = showResultSet(whole).split('\n');
  expect(lines).toContain('compare: FAILED: it ended with status 3');
  expect(lines).toContain('latency: skipped: it needs root');
  expect(lines.at(-1)).toBe('1 of 3 benchmarks, 700 s');
});

test('the page has machine, date, command, targets and a section for each benchmark', () => {
  const lines = performanceResults([whole]).split('\n');
  expect(lines[0]).toBe('2 × Abacus, 8 GiB, Linux 6.6, Node 20.0.0.');
  expect(lines).toContain('- `npm run bench` at 2026-01-02T03:04:05.678Z, commit 0123456789; 700 s; load before 0.04.');
  expect(lines).toContain('| 10,000 idle tunnels |  | ≤ 16 KiB each, ≤ 10 % of one core, none lost | NO |');
  expect(lines).toContain('| - KiB each | 20.0 (15.0–24.0) | ≤ 16 | NO, not in each round |');
  expect(lines).toContain('| CPU per packet of two workers against one |  | ≤ 1.1 × | not measured |');
  expect(lines).toContain('### Many tunnels');
  expect(lines).toContain('| a \\| b | 612 (600–640) |');
  expect(lines).toContain('Failed: it ended with status 3');
  expect(lines.join('\n')).not.toContain('was measured');
});

test('the same command again takes the place of what it found before, another is added', () => {
  const again = { ...setups, date: '2026-01-03', about: ['100 tunnels, again.'] };
  const longer: Report = {
    ...setups,
    command: 'npm run bench -- scale --parts=idle --idle=600',
    title: 'Many tunnels, for longer',
    about: [],
    verdicts: [atMost('idle', 'KiB each', { median: 12, min: 12, max: 12 }, 16)],
  };
  const compare = {
    ...setups,
    benchmark: 'compare',
    command: 'npm run bench -- compare',
    title: 'TCP',
    about: [],
    verdicts: [],
  };
  const later = resultSet({ ...machine, command: 'npm run bench -- scale compare', ...times }, [
    compare,
    again,
    longer,
  ]);
  const lines = performanceResults([whole, later]).split('\n');
  expect(lines.filter((line) => line.startsWith('### '))).toEqual([
    '### Targets',
    '### Many tunnels',
    '### Many tunnels, for longer',
    '### TCP',
    '### latency',
  ]);
  expect(lines).toContain('- 100 tunnels, again.');
  expect(lines).not.toContain('- 100 tunnels.');
  expect(lines.filter((line) => line.startsWith('| - KiB each'))).toEqual([
    '| - KiB each | 12.0 (12.0–12.0) | ≤ 16 | yes |',
  ]);
});

test('a machine that others used is called so', () => {
  const disturbed = { ...setups, others: { ...quietly, before: 80 } };
  expect(performanceResults([{ ...whole, benchmarks: [disturbed] }])).toContain(
    'BUSY MACHINE: others used 80 % of a core',
  );
  expect(performanceResults([whole])).not.toContain('BUSY');
});

test('results replace those of the page, and nothing else of it', () => {
  const page = readFileSync(join(ROOT, 'docs', 'performance.md'), 'utf8');
  const once = withResults(page, 'THE FORMER') ?? '';
  const twice = withResults(once, 'THE LATTER') ?? '';
  expect(once).toContain('\n\nTHE FORMER\n\n');
  expect(twice).toBe(once.replace('THE FORMER', 'THE LATTER'));
  expect(withResults(twice, 'THE FORMER')).toBe(once);
  const [head = '', rest = ''] = once.split('THE FORMER');
  expect(page.startsWith(head.trimEnd())).toBe(true);
  expect(page.endsWith(rest.trimStart())).toBe(true);
  expect(withResults('# A page without a place for them', 'THE FORMER')).toBeUndefined();
});

test('a file with something else is no result', () => {
  expect(readResultSet(JSON.stringify(whole))).toEqual(JSON.parse(JSON.stringify(whole)));
  for (const text of ['', '{', 'null', '[]', '{"format":"other"}']) expect(readResultSet(text)).toBeUndefined();
});
