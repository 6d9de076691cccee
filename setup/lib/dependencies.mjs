import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { runCommand } from './command.mjs';
import { nodeModules, root } from './paths.mjs';
import { requireWritable, SetupError, say } from './script.mjs';
import { isStamped, writeStamp } from './stamp.mjs';
import { unlessDone } from './turns.mjs';

const stampFile = join(nodeModules, '.pptp-gateway-stamp');

/**
 * Whether what npm says is installed is what the lock file wants: every package of the lock with its version, but for
 * optional ones, which are those of other platforms.
 */
export const matchesLock = (lock, installed) =>
  Object.entries(lock.packages ?? {}).every(([path, wanted]) => {
    if (path === '' || wanted.optional === true || wanted.devOptional === true) return true;
    return installed.packages?.[path]?.version === wanted.version;
  });

const readJson = async (path) => JSON.parse(await readFile(path, 'utf8'));

const isInstalled = async (stamp) => {
  if (await isStamped(stampFile, stamp)) return true;
  // Installed by hand: believe npm's own record, once, unless an older stamp says that something has changed since.
  const hidden = join(nodeModules, '.package-lock.json');
  if (existsSync(stampFile) || !existsSync(hidden)) return false;
  if (!matchesLock(await readJson(join(root, 'package-lock.json')), await readJson(hidden))) return false;
  await writeStamp(stampFile, stamp).catch(() => undefined);
  return true;
};

/** Native modules are built for one Node ABI. */
const currentStamp = async () => {
  const lock = await readFile(join(root, 'package-lock.json'));
  const digest = createHash('sha256').update(lock).digest('hex');
  return `${digest} ${process.platform}-${process.arch} modules=${process.versions.modules}\n`;
};

/** Headers that came with this Node; without them node-gyp downloads its own. */
const headers = () => {
  const prefix = resolve(dirname(process.execPath), '..');
  return existsSync(join(prefix, 'include', 'node', 'node.h')) ? { npm_config_nodedir: prefix } : {};
};

/** Whether `ensureDependencies` has work to do, which may include compiling. */
export const dependenciesAreStale = async () => !(await isInstalled(await currentStamp()));

/** npm as a script this very Node can run, so that install scripts build for it. */
export const npmCommand = () => {
  const candidates = [
    process.env.npm_execpath,
    join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    '/usr/share/nodejs/npm/bin/npm-cli.js',
  ];
  const script = candidates.find((path) => path?.endsWith('npm-cli.js') && existsSync(path));
  return script === undefined ? { program: 'npm', args: [] } : { program: process.execPath, args: [script] };
};

const install = async (stamp) => {
  say('installing the npm packages of package-lock.json');
  const { program, args } = npmCommand();
  const code = await runCommand(program, [...args, 'ci', '--include=dev', '--no-audit', '--no-fund'], {
    cwd: root,
    env: { npm_config_update_notifier: 'false', ...headers() },
    stdout: 'stderr',
  }).catch((error) => {
    throw new SetupError('INSTALL_FAILED', `npm cannot be run (${error.message}); install npm beside this Node.`);
  });
  if (code !== 0) {
    throw new SetupError(
      'INSTALL_FAILED',
      'npm ci failed (see above). It needs a reachable npm registry: check the network, or name one with "npm config set registry URL", and start again.',
    );
  }
  await writeStamp(stampFile, stamp);
};

export const ensureDependencies = async () => {
  const stamp = await currentStamp();
  const isDone = () => isInstalled(stamp);
  if (await isDone()) return;
  requireWritable(root);
  await unlessDone(isDone, () => install(stamp));
};
