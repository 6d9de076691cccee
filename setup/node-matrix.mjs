// Builds and unit-tests a copy of the sources on the newer Node lines: node setup/node-matrix.mjs [22 24]
// Each Node comes from the npm registry and stays in .cache/. The last line sums up all of them.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { copySources } from './lib/checkout.mjs';
import { runCommand } from './lib/command.mjs';
import { add, countLine, exitCode, failureList, none } from './lib/counts.mjs';
import { npmCommand } from './lib/dependencies.mjs';
import { cache, root } from './lib/paths.mjs';
import { complain, runScript, SetupError, say } from './lib/script.mjs';
import { allProcessors, runVitest } from './lib/vitest.mjs';

const LINES = ['22', '24'];
const npm = npmCommand();
const compiled = join(root, 'dist');

/** The folder of a Node of this line: bin/node and include/node. */
const obtainNode = async (line) => {
  const name = `node-linux-${process.arch}`;
  const prefix = join(cache, `node-${line}`);
  const home = join(prefix, 'node_modules', name);
  if (existsSync(join(home, 'bin', 'node'))) return home;
  await mkdir(prefix, { recursive: true });
  say(`downloading Node ${line} (${name}@${line}) from the npm registry`);
  const args = [...npm.args, 'install', '--no-save', '--no-audit', '--no-fund', '--prefix', prefix, `${name}@${line}`];
  const code = await runCommand(npm.program, args, { env: { npm_config_update_notifier: 'false' }, stdout: 'stderr' });
  if (code !== 0) {
    throw new SetupError(
      'NODE_UNAVAILABLE',
      `Node ${line} could not be fetched: the npm registry has to offer ${name}.`,
    );
  }
  return home;
};

const stepIn = (cwd, home) => async (what, program, args) => {
  const env = {
    PATH: `${join(home, 'bin')}${delimiter}${process.env.PATH ?? ''}`,
    npm_config_nodedir: home,
    npm_config_update_notifier: 'false',
    ...(npm.args[0] === undefined ? {} : { npm_execpath: npm.args[0] }),
  };
  const code = await runCommand(program, args, { cwd, env, stdout: 'stderr' });
  if (code !== 0) throw new SetupError('MATRIX_FAILED', `${what} failed with status ${code}.`);
};

/** A built copy of the sources for one Node line. */
const prepareLine = async (line, copy) => {
  const home = await obtainNode(line);
  const node = join(home, 'bin', 'node');
  const version = execFileSync(node, ['--version']).toString().trim();
  await copySources(copy);
  const step = stepIn(copy, home);
  const ci = ['ci', '--include=dev', '--no-audit', '--no-fund'];
  await (npm.args[0] === undefined ? step('npm ci', npm.program, ci) : step('npm ci', node, [...npm.args, ...ci]));
  await step('the native build', node, [join('setup', 'native.mjs')]);
  await step('loading raw-socket', node, ['--input-type=commonjs', '--eval', "require('raw-socket')"]);
  // What was compiled here is the same for every Node; what has changed since is compiled anew.
  if (existsSync(compiled)) await cp(compiled, join(copy, 'dist'), { recursive: true, preserveTimestamps: true });
  // The types of the tests do not depend on the Node that checks them; npm test has seen to those.
  await step('tsc -b gateway', node, [join('node_modules', 'typescript', 'bin', 'tsc'), '-b', 'gateway']);
  return { line, version, node };
};

/** What a step comes to: its result, or the SetupError that ended it. */
const outcome = async (work) => {
  try {
    return { result: await work() };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    complain(error);
    return { error };
  }
};

const runLine = async (line, copy, prepared) => {
  const { result, error } = await prepared;
  if (error !== undefined) {
    const failures = [{ name: `Node ${line}`, reason: error.message }];
    return { text: `Node ${line}: ${error.message}`, counts: { passed: 0, failed: 1, skipped: 0 }, failures };
  }
  const { counts, failures } = await runVitest(['--project', 'unit', allProcessors], { cwd: copy, node: result.node });
  const named = failures.map(({ name, reason }) => ({ name: `Node ${result.version} > ${name}`, reason }));
  return { text: `Node ${result.version}: ${countLine(counts)}`, counts, failures: named };
};

await runScript(async (wanted) => {
  const lines = wanted.length > 0 ? wanted : LINES;
  const copies = await Promise.all(lines.map((line) => mkdtemp(join(tmpdir(), `pptp-node-${line}-`))));
  try {
    // Downloads and compilers of all lines side by side; tests one line after the other.
    const prepared = lines.map((line, at) => outcome(() => prepareLine(line, copies[at])));
    await Promise.all(prepared);
    let sum = none;
    const summary = [];
    const failed = [];
    for (const [at, line] of lines.entries()) {
      const { text, counts, failures } = await runLine(line, copies[at], prepared[at]);
      summary.push(text);
      failed.push(...failures);
      sum = add(sum, counts);
    }
    console.log('');
    for (const text of summary) console.log(text);
    process.stdout.write(failureList(failed));
    console.log(countLine(sum));
    return exitCode(sum);
  } finally {
    await Promise.all(copies.map((copy) => rm(copy, { recursive: true, force: true })));
  }
});
