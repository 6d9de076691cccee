// npm test: set-up, lint, types, and every test this machine allows. Arguments go to vitest (npm test -- --project unit).
// The last line is "N passed, N failed, N skipped".
import { join } from 'node:path';
import { buildAddon, buildSources } from './lib/build.mjs';
import { runCommand } from './lib/command.mjs';
import { add, countLine, exitCode, failureList, none } from './lib/counts.mjs';
import { buildDashboard } from './lib/dashboard.mjs';
import { gatherFacts } from './lib/facts.mjs';
import { carryOut } from './lib/packages.mjs';
import { nodeModules, root } from './lib/paths.mjs';
import { checkMachine, planBrowser, planPackages, TEST_PROGRAMS } from './lib/preflight.mjs';
import { prepareVerbs } from './lib/prepare.mjs';
import { complain, runScript, SetupError } from './lib/script.mjs';
import { unpackPrograms } from './lib/unpacked.mjs';
import { allProcessors, runVitest } from './lib/vitest.mjs';

const failure = { passed: 0, failed: 1, skipped: 0 };
/** Everything that failed, told at the end. */
const failures = [];

/** Steps whose failure is one failed check and no reason to stop. */
const check = async (name, work) => {
  try {
    await work();
    console.log(`${name}: ok`);
    return none;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    complain(error);
    console.log(`${name}: failed`);
    failures.push({ name, reason: error.message });
    return failure;
  }
};

const lint = async () => {
  const biome = join(nodeModules, '@biomejs', 'biome', 'bin', 'biome');
  const code = await runCommand(process.execPath, [biome, 'check', '.'], { cwd: root });
  if (code !== 0)
    throw new SetupError('LINT_FAILED', 'biome found something (see above); "npm run format" mends most.');
};

/** Nice to have: what needs it says so itself when it is skipped. */
const attempt = async (work) => {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.log(`not set up: ${error.message}`);
  }
};

const tell = (title, tests) => {
  if (tests.length === 0) return;
  console.log(`\n${title}:`);
  for (const { name, reason } of tests) console.log(`  ${name}${reason === '' ? '' : `: ${reason}`}`);
  console.log('');
};

const projects = (...names) => names.flatMap((name) => ['--project', name]);

/**
 * What needs processors first. Then the two kinds that mostly wait for programs, guests and networks of their own, beside
 * each other.
 */
const runEverything = async () => {
  const kinds = projects('unit', 'conformance', 'property', 'contract', 'architecture', 'scenario');
  const quick = await runVitest([...kinds, allProcessors], { cwd: root });
  const slow = ['e2e', 'interop'].map((name) => runVitest(projects(name), { cwd: root }));
  return [quick, ...(await Promise.all(slow))];
};

const runAll = async (args) => {
  const facts = gatherFacts();
  const problems = checkMachine(facts);
  for (const problem of problems) {
    complain(problem);
    failures.push({ name: problem.code, reason: problem.message });
  }
  if (problems.length > 0) return failure;
  await attempt(() => carryOut(planPackages(TEST_PROGRAMS, facts)));
  await attempt(() => unpackPrograms(facts));
  await attempt(() => carryOut(planBrowser(facts)));
  // Compiles the gateway; when that fails, the check of all types below says so and counts it.
  await attempt(() => prepareVerbs(facts));
  await attempt(() => buildAddon(facts));
  let counts = add(await check('biome check', lint), await check('tsc -b', () => buildSources('all')));
  counts = add(counts, await check('dashboard', buildDashboard));
  const reports = args.length > 0 ? [await runVitest(args, { cwd: root })] : await runEverything();
  for (const { counts: tests, failures: failed } of reports) {
    counts = add(counts, tests);
    failures.push(...failed);
  }
  const all = (list) => reports.flatMap((report) => report[list]);
  tell('Did not run', all('notRun'));
  tell('Passed at the second try only', all('again'));
  return counts;
};

await runScript(async (args) => {
  let counts = failure;
  try {
    counts = await runAll(args);
  } catch (error) {
    if (error instanceof SetupError) complain(error);
    else console.error(error);
    failures.push({ name: 'npm test', reason: String(error?.message ?? error).split('\n', 1)[0] });
  }
  process.stdout.write(failureList(failures));
  console.log(countLine(counts));
  return exitCode(counts);
});
