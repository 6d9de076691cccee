import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { chooseBenchmarks, runBenchmarks } from '../../../setup/lib/benchmarks.mjs';

let place: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'pptp-benchmarks-'));
});

afterEach(() => rm(place, { recursive: true, force: true }));

/** Benchmarks by name; the text is the program that the compiler made. */
const withBenchmarks = async (programs: Readonly<Record<string, string>>) => {
  const where = { folder: join(place, 'sources'), built: join(place, 'built') };
  for (const folder of Object.values(where)) await mkdir(folder);
  // Of a benchmark that there once was, and what is none.
  await writeFile(join(where.built, 'former.bench.js'), '');
  await writeFile(join(where.folder, 'support.ts'), '');
  for (const [name, program] of Object.entries(programs)) {
    await writeFile(join(where.folder, `${name}.bench.ts`), '');
    await writeFile(join(where.built, `${name}.bench.js`), program);
  }
  return where;
};

const reports = (text: string): string =>
  `require('node:fs').writeFileSync(process.env.PPTP_BENCH_REPORT, JSON.stringify(${text}));`;
const ARGUMENTS = "{ benchmark: 'args', words: process.argv.slice(2) }";

const names = async (words: readonly string[], quick = false): Promise<readonly string[]> => {
  const where = await withBenchmarks({ 'telemetry-off': '', telemetry: '', compare: '', 'a-new-one': '', stages: '' });
  return (await chooseBenchmarks(where, words, quick)).map(({ name }) => name);
};

test('without a word the usual ones run in the order of the report, new ones last', async () => {
  expect(await names([])).toEqual(['compare', 'stages', 'telemetry-off', 'a-new-one']);
});

test('a quick run has all of them', async () => {
  expect(await names([], true)).toEqual(['compare', 'stages', 'telemetry-off', 'telemetry', 'a-new-one']);
});

test('a whole name selects this one', async () => {
  expect(await names(['telemetry'])).toEqual(['telemetry']);
});

test('a part of a name selects all that have it', async () => {
  expect(await names(['tele', 'new'])).toEqual(['telemetry-off', 'telemetry', 'a-new-one']);
});

test('a word that no name has selects nothing', async () => {
  expect(await names(['former'])).toEqual([]);
});

test('those that fail take nothing from the others', async () => {
  const where = await withBenchmarks({
    compare: reports("{ benchmark: 'compare', n: 1 }"),
    latency: 'process.exit(3)',
    scale: '',
    stages: reports("{ benchmark: 'stages', n: 2 }"),
  });
  const folder = join(place, 'out');
  await mkdir(folder);
  const chosen = await chooseBenchmarks(where, [], false);
  const found = await runBenchmarks(chosen, { folder, options: [], quick: false, stdout: 'ignore' });
  expect(found).toEqual([
    { benchmark: 'compare', n: 1 },
    { benchmark: 'latency', failed: 'it ended with status 3' },
    { benchmark: 'scale', failed: 'it left no report' },
    { benchmark: 'stages', n: 2 },
  ]);
  expect((await readdir(folder)).sort()).toEqual(['compare.json', 'stages.json']);
});

test('options reach each, before those of a quick run, so that they count', async () => {
  const where = await withBenchmarks({ stages: reports(ARGUMENTS) });
  const chosen = await chooseBenchmarks(where, ['stages'], true);
  const run = { folder: place, options: ['--rounds=7'], stdout: 'ignore' } as const;
  expect(await runBenchmarks(chosen, { ...run, quick: true })).toEqual([
    { benchmark: 'args', words: ['--rounds=7', ...(chosen[0]?.quick ?? [])] },
  ]);
  expect(await runBenchmarks(chosen, { ...run, quick: false })).toEqual([{ benchmark: 'args', words: ['--rounds=7'] }]);
});
