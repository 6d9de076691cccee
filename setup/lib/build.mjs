import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildNative, NativeBuildError } from '../native.mjs';
import { runCommand } from './command.mjs';
import { carryOut } from './packages.mjs';
import { dist, nodeModules, root } from './paths.mjs';
import { planInstall } from './preflight.mjs';
import { requireWritable, SetupError, say } from './script.mjs';
import { fingerprint, isStamped, writeStamp } from './stamp.mjs';
import { unlessDone } from './turns.mjs';

const layers = ['core', 'plugins', 'config', 'observability', 'gateway', 'testing'];
const targets = {
  /** What running the gateway needs, and what plug-ins of others are written and tested with. */
  gateway: { project: 'testing', folders: layers },
  all: { project: '.', folders: [...layers, 'test'] },
};

/** Compiles TypeScript unless nothing has changed since the last time. */
export const buildSources = async (target = 'gateway') => {
  const { project, folders } = targets[target];
  const stampFile = join(dist, `.stamp-${target}`);
  const sources = await fingerprint(root, folders, (name) => /\.(ts|json)$/.test(name));
  const isDone = () => isStamped(stampFile, sources);
  if (await isDone()) return;
  requireWritable(existsSync(dist) ? dist : root);
  await unlessDone(isDone, async () => {
    say(`compiling TypeScript (${target})`);
    const tsc = join(nodeModules, 'typescript', 'bin', 'tsc');
    const code = await runCommand(process.execPath, [tsc, '-b', project], { cwd: root, stdout: 'stderr' });
    if (code !== 0) throw new SetupError('BUILD_FAILED', 'TypeScript found errors (see above).');
    await writeStamp(stampFile, sources);
  });
};

/** Builds the addon; if tools are missing, they are installed first where that is possible. */
export const buildAddon = async (facts) => {
  const build = () => buildNative({ log: say });
  try {
    await build().catch(async (error) => {
      if (!(error instanceof NativeBuildError) || error.packages.length === 0) throw error;
      await carryOut(planInstall(error.packages, ['a C compiler, make or python3'], facts));
      await build();
    });
  } catch (error) {
    if (error instanceof NativeBuildError) throw new SetupError('NATIVE_MISSING', error.message);
    throw error;
  }
};
