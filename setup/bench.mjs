// npm run bench: the benchmarks of test/bench in turn, each in a process of its own, and what they say of the targets.
// Words select by name. `--quick` only shows that all of them work, `--json` prints one document, `--out=FOLDER` keeps
// that and a file of each; other options (`--rounds=5`) go to the benchmarks.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { benchPrograms, buildBenchPrograms } from './lib/bench-programs.mjs';
import { chooseBenchmarks, runBenchmarks } from './lib/benchmarks.mjs';
import { buildSources } from './lib/build.mjs';
import { prepareComparators } from './lib/comparators.mjs';
import { gatherFacts } from './lib/facts.mjs';
import { dist, root } from './lib/paths.mjs';
import { needsOf } from './lib/preflight.mjs';
import { prepareRun } from './lib/prepare.mjs';
import { runScript, SetupError } from './lib/script.mjs';

const OUT = '--out=';

const prepareNative = async (chosen, facts) => {
  if (!chosen.some(({ native }) => native)) return;
  await buildBenchPrograms();
  if (chosen.some(({ comparators }) => comparators)) await prepareComparators(facts);
};

const runInto = async (folder, chosen, { words, quick, json, options }) => {
  const { benchCommand, circumstances } = await import('../dist/test/bench/support/machine.js');
  const { resultSet, showResultSet } = await import('../dist/test/bench/support/result-set.js');
  // Where the results go is no part of how they came about.
  const telling = words.filter((word) => word !== '--json' && !word.startsWith(OUT));
  const about = { ...circumstances(benchCommand(telling)), quick, loadBefore: loadavg()[0] };
  const began = performance.now();
  const found = await runBenchmarks(chosen, {
    folder,
    options,
    quick,
    cwd: root,
    // Standard output is for the JSON alone.
    stdout: json ? 'stderr' : 'inherit',
    env: { PPTP_BENCH_PROGRAMS: benchPrograms },
    started: (name) => console.error(`\n# ${name}`),
  });
  const results = resultSet({ ...about, seconds: (performance.now() - began) / 1000 }, found);
  const text = `${JSON.stringify(results, undefined, 2)}\n`;
  await writeFile(join(folder, 'results.json'), text);
  (json ? console.error : console.log)(`\n${showResultSet(results)}`);
  if (json) process.stdout.write(text);
  return found.some(({ failed }) => failed !== undefined) ? 1 : 0;
};

const USAGE = 'npm run bench -- [NAME...] [--quick] [--json] [--out=FOLDER] [--OPTION=VALUE for the benchmarks]';

await runScript(async (words) => {
  if (words.some((word) => ['--help', '-h'].includes(word))) {
    console.log(USAGE);
    return 0;
  }
  const [quick, json] = ['--quick', '--json'].map((option) => words.includes(option));
  const out = words.find((word) => word.startsWith(OUT))?.slice(OUT.length);
  const options = words.filter(
    (word) => word.startsWith('--') && !['--quick', '--json'].includes(word) && !word.startsWith(OUT),
  );
  const wanted = words.filter((word) => !word.startsWith('--'));
  const facts = gatherFacts();
  await prepareRun(facts, needsOf(['run']));
  await buildSources('all');
  const where = { folder: join(root, 'test', 'bench'), built: join(dist, 'test', 'bench') };
  const chosen = await chooseBenchmarks(where, wanted, quick);
  if (chosen.length === 0) throw new SetupError('NO_BENCHMARK', 'no benchmark of test/bench is called that.');
  await prepareNative(chosen, facts);
  if (out !== undefined) await mkdir(resolve(out), { recursive: true });
  const folder = out === undefined ? await mkdtemp(join(tmpdir(), 'pptp-bench-')) : resolve(out);
  try {
    return await runInto(folder, chosen, { words, quick, json, options });
  } finally {
    if (out === undefined) await rm(folder, { recursive: true, force: true });
  }
});
