import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './command.mjs';

/**
 * What is to be known of a benchmark of test/bench before it runs. `native`: it uses the programs in C, `comparators`:
 * also other people's; `byName`: no part of the whole set; `quick`: options of a run that only shows that it works.
 * The order is that of the report.
 */
const TRAITS = {
  compare: { native: true, comparators: true, quick: ['--rounds=1', '--seconds=0.3'] },
  'small-packets': {
    native: true,
    comparators: true,
    quick: ['--rounds=1', '--seconds=0.2', '--steps=1', '--rate=20000'],
  },
  latency: { native: true, quick: ['--rounds=1', '--seconds=0.3'] },
  scale: { quick: ['--rounds=1', '--tunnels=200', '--idle=1'] },
  workers: { quick: ['--rounds=1', '--seconds=0.3'] },
  edge: { native: true, quick: ['--rounds=1', '--seconds=0.3', '--connections=500', '--requests=50'] },
  stages: { quick: ['--rounds=1', '--batches=20'] },
  policy: { quick: ['--rounds=1', '--batches=20'] },
  allocation: { quick: ['--rounds=1', '--packets=10000', '--warm-up=10000'] },
  'mppe-modes': { quick: ['--rounds=1', '--packets=200'] },
  'telemetry-off': { quick: ['--rounds=1', '--batches=20'] },
  telemetry: { byName: true, quick: ['--rounds=1', '--seconds=0.3', '--warm-up=0.3', '--modes=all'] },
  'telemetry-ratio': { byName: true, quick: ['--rounds=1', '--seconds=0.3', '--warm-up=1'] },
  'telemetry-start': { byName: true, quick: ['--rounds=1'] },
};

/** One that hangs must not take the others' results with it. */
const MOST_MS = 15 * 60_000;
const SUFFIX = '.bench.ts';

/**
 * Those of the folder that the words select: by a whole name, or by a part of one; without words the usual ones, and for
 * a quick run all. `built` is where the compiled programs are.
 */
export const chooseBenchmarks = async ({ folder, built }, words, quick) => {
  const files = await readdir(folder);
  const order = Object.keys(TRAITS);
  const place = (name) => (order.includes(name) ? order.indexOf(name) : order.length);
  const all = files
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => file.slice(0, -SUFFIX.length))
    .sort((a, b) => place(a) - place(b) || a.localeCompare(b));
  const names = new Set(all);
  const selects = (word, name) => (names.has(word) ? word === name : name.includes(word));
  return all
    .filter((name) =>
      words.length > 0 ? words.some((word) => selects(word, name)) : quick || TRAITS[name]?.byName !== true,
    )
    .map((name) => ({ name, file: join(built, `${name}.bench.js`), ...TRAITS[name] }));
};

/**
 * Runs them in turn, each in a process of its own, and resolves with the report of each, or why there is none. `folder`
 * gets a file of JSON for each.
 */
export const runBenchmarks = async (chosen, { folder, options, quick, cwd, env, stdout = 'inherit', started }) => {
  const found = [];
  let interrupted = false;
  const stop = () => {
    interrupted = true;
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
  for (const { name, file, quick: quickly = [] } of chosen) {
    if (interrupted) {
      found.push({ benchmark: name, failed: 'the run was interrupted' });
      continue;
    }
    started?.(name);
    const report = join(folder, `${name}.json`);
    // What is given first counts.
    const words = ['--enable-source-maps', file, ...options, ...(quick ? quickly : [])];
    const code = await runCommand(process.execPath, words, {
      cwd,
      stdout,
      timeoutMs: MOST_MS,
      env: { ...env, PPTP_BENCH_REPORT: report },
    });
    const text = code === 0 ? await readFile(report, 'utf8').catch(() => undefined) : undefined;
    found.push(
      text === undefined
        ? { benchmark: name, failed: code === 0 ? 'it left no report' : `it ended with status ${code}` }
        : JSON.parse(text),
    );
  }
  for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, stop);
  return found;
};
