import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { runCommand } from './command.mjs';
import { dist, nodeModules, root } from './paths.mjs';
import { requireWritable, SetupError, say } from './script.mjs';
import { fingerprint, isStamped, writeStamp } from './stamp.mjs';
import { unlessDone } from './turns.mjs';

const built = join(dist, 'pages');
/** Its own sources, and the types and words of the API that it shares. */
const folders = ['dashboard', join('gateway', 'admin', 'api')];
const isSource = (name) => /\.(tsx?|css|html|svg|json)$/.test(name);
const isServed = (name) => /\.(js|css|html|svg)$/.test(name);

const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };

/** The gateway sends what is here already and compresses nothing itself. */
const compress = async () => {
  for (const name of await readdir(built, { recursive: true })) {
    if (!isServed(name)) continue;
    const path = join(built, name);
    const content = await readFile(path);
    await writeFile(`${path}.gz`, await promisify(gzip)(content, { level: 9 }));
    await writeFile(`${path}.br`, await promisify(brotliCompress)(content, BROTLI));
  }
};

const build = async (stampFile, sources) => {
  const vite = join(nodeModules, 'vite', 'bin', 'vite.js');
  if (!existsSync(vite)) throw new SetupError('DASHBOARD_FAILED', 'vite is not installed; run "npm ci".');
  say('building the dashboard');
  const config = join(root, 'dashboard', 'vite.config.ts');
  const code = await runCommand(process.execPath, [vite, 'build', '--config', config], { cwd: root, stdout: 'stderr' });
  if (code !== 0) throw new SetupError('DASHBOARD_FAILED', 'vite found errors (see above).');
  await compress();
  await writeStamp(stampFile, sources);
};

/** Builds the dashboard unless nothing has changed since the last time. Without its sources what is there will do. */
export const buildDashboard = async () => {
  if (!existsSync(join(root, 'dashboard'))) return;
  const stampFile = join(built, '.stamp');
  const sources = await fingerprint(root, folders, isSource);
  const isDone = () => isStamped(stampFile, sources);
  if (await isDone()) return;
  requireWritable(existsSync(dist) ? dist : root);
  await unlessDone(isDone, () => build(stampFile, sources));
};

/** The same for a gateway that is to start: it works without. */
export const tryDashboard = async () => {
  try {
    await buildDashboard();
  } catch (error) {
    say(`the gateway starts without a new dashboard: ${error instanceof Error ? error.message : error}`);
  }
};
