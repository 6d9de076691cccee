// npm run bench: every benchmark of test/bench in turn, each in a process of its own. Words select by name; options
// (`--json`, `--rounds=5`) go to the benchmarks.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { benchPrograms, buildBenchPrograms } from './lib/bench-programs.mjs';
import { buildSources } from './lib/build.mjs';
import { runCommand } from './lib/command.mjs';
import { prepareComparators } from './lib/comparators.mjs';
import { gatherFacts } from './lib/facts.mjs';
import { dist, root } from './lib/paths.mjs';
import { prepareRun } from './lib/prepare.mjs';
import { runScript, SetupError } from './lib/script.mjs';

/** Benchmarks that use the programs in C, and whether they compare with other people's programs. */
const NATIVE = new Map([
  ['compare.bench.js', { comparators: true }],
  ['latency.bench.js', { comparators: false }],
  ['small-packets.bench.js', { comparators: true }],
]);

const prepareNative = async (chosen, facts) => {
  const using = chosen.map((name) => NATIVE.get(name)).filter((uses) => uses !== undefined);
  if (using.length === 0) return;
  await buildBenchPrograms();
  if (using.some(({ comparators }) => comparators)) await prepareComparators(facts);
};

await runScript(async (words) => {
  const options = words.filter((word) => word.startsWith('--'));
  const wanted = words.filter((word) => !word.startsWith('--'));
  const facts = gatherFacts();
  await prepareRun(facts);
  await buildSources('all');
  const folder = join(dist, 'test', 'bench');
  const names = await readdir(folder).catch(() => []);
  const chosen = names
    .filter((name) => name.endsWith('.bench.js'))
    .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
    .sort();
  if (chosen.length === 0)
    throw new SetupError('NO_BENCHMARK', `no benchmark matches; test/bench has ${names.length}.`);
  await prepareNative(chosen, facts);
  let worst = 0;
  for (const name of chosen) {
    // Standard error, so that `--json` leaves nothing but JSON on standard output.
    console.error(`\n# ${name.replace('.bench.js', '')}`);
    const command = ['--enable-source-maps', join(folder, name), ...options];
    const code = await runCommand(process.execPath, command, {
      cwd: root,
      env: { PPTP_BENCH_PROGRAMS: benchPrograms },
    });
    worst = Math.max(worst, code);
  }
  return worst;
});
