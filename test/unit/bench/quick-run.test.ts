import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chooseBenchmarks, type Found, runBenchmarks } from '../../../setup/lib/benchmarks.mjs';
import { ROOT, TS_HOOK } from '../../support/netns.ts';

const FOLDER = join(ROOT, 'test', 'bench');
let place: string;
let found: readonly Found[];

/** From the sources, so that the test needs no build; this one works in memory and needs no namespaces. */
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'pptp-quick-'));
  const chosen = await chooseBenchmarks({ folder: FOLDER, built: FOLDER }, ['stages'], true);
  found = await runBenchmarks(
    chosen.map((one) => ({ ...one, file: one.file.replace(/\.js$/, '.ts') })),
    { folder: place, options: [], quick: true, stdout: 'ignore', env: { NODE_OPTIONS: `--import=${TS_HOOK}` } },
  );
}, 60_000);

afterAll(() => rm(place, { recursive: true, force: true }));

const spread = { median: expect.any(Number), min: expect.any(Number), max: expect.any(Number) };
const envelope = {
  date: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
  cpus: expect.any(Number),
  cpu: expect.any(String),
  kernel: expect.any(String),
  node: process.versions.node,
  commit: expect.any(String),
  seconds: expect.any(Number),
  title: expect.any(String),
  about: expect.arrayContaining([expect.any(String)]),
  tables: expect.arrayContaining([expect.objectContaining({ rows: expect.any(Array) })]),
  verdicts: [],
};

test('a quick run leaves a report with where, when, how and what', () => {
  expect(found).toMatchObject([
    { ...envelope, benchmark: 'stages', command: 'npm run bench -- stages --rounds=1 --batches=20' },
  ]);
});

test('the numbers are there for programs, each with its spread', () => {
  const [stages] = found;
  expect(stages).toMatchObject({
    numbers: { rounds: 1, sizes: [64, 576, 1396].map((size) => ({ size, stages: { 'in all': spread } })) },
  });
});
