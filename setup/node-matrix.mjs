// Builds and unit-tests a copy of the sources on the newer Node lines: node setup/node-matrix.mjs [22 24]
// Each Node comes from the npm registry and stays in .cache/. The last line sums up all of them.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { copySources } from './lib/checkout.mjs';
import { runCommand } from './lib/command.mjs';
import { add, countLine, exitCode, none } from './lib/counts.mjs';
import { npmCommand } from './lib/dependencies.mjs';
import { cache } from './lib/paths.mjs';
import { complain, runScript, SetupError, say } from './lib/script.mjs';
import { runVitest } from './lib/vitest.mjs';

const LINES = ['22', '24'];
const npm = npmCommand();

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

const runLine = async (line) => {
  const home = await obtainNode(line);
  const node = join(home, 'bin', 'node');
  const version = execFileSync(node, ['--version']).toString().trim();
  const copy = await mkdtemp(join(tmpdir(), `pptp-node-${line}-`));
  try {
    await copySources(copy);
    const step = stepIn(copy, home);
    const ci = ['ci', '--include=dev', '--no-audit', '--no-fund'];
    await (npm.args[0] === undefined ? step('npm ci', npm.program, ci) : step('npm ci', node, [...npm.args, ...ci]));
    await step('the native build', node, [join('setup', 'native.mjs')]);
    await step('loading raw-socket', node, ['--input-type=commonjs', '--eval', "require('raw-socket')"]);
    // The types of the tests do not depend on the Node that checks them; npm test has seen to those.
    await step('tsc -b gateway', node, [join('node_modules', 'typescript', 'bin', 'tsc'), '-b', 'gateway']);
    const { counts } = await runVitest(['--project', 'unit'], { cwd: copy, node });
    return { version, counts };
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
};

await runScript(async (wanted) => {
  let sum = none;
  const summary = [];
  for (const line of wanted.length > 0 ? wanted : LINES) {
    try {
      const { version, counts } = await runLine(line);
      summary.push(`Node ${version}: ${countLine(counts)}`);
      sum = add(sum, counts);
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      complain(error);
      summary.push(`Node ${line}: ${error.message}`);
      sum = add(sum, { passed: 0, failed: 1, skipped: 0 });
    }
  }
  console.log('');
  for (const text of summary) console.log(text);
  console.log(countLine(sum));
  return exitCode(sum);
});
