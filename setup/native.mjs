// Builds native/ into native/build/Release/pptp_native.node when it is not there or out of date.
// Runs before anything is installed: Node's own modules only.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const sources = join(root, 'native');
const output = join(sources, 'build', 'Release');
const addon = join(output, 'pptp_native.node');
const stamp = join(output, 'pptp_native.stamp');
const debianPackages = ['build-essential', 'python3'];

/** Says why the addon cannot be built. `packages` names the Debian packages that would help, if any. */
export class NativeBuildError extends Error {
  constructor(message, packages = []) {
    super(message);
    this.name = 'NativeBuildError';
    this.code = packages.length > 0 ? 'NATIVE_TOOLS_MISSING' : 'NATIVE_BUILD_FAILED';
    this.packages = packages;
  }
}

const searchPath = () => (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');

function isOnPath(program) {
  const candidates = program.includes('/') ? [program] : searchPath().map((folder) => join(folder, program));
  return candidates.some((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Programs the build needs and this machine lacks. `CC` and `CXX` are honoured, as make does; they may carry options. */
export function missingTools() {
  const compiler = (variable, usual) => process.env[variable]?.trim().split(/\s+/)[0] || usual;
  return [compiler('CC', 'cc'), compiler('CXX', 'g++'), 'make', 'python3'].filter((program) => !isOnPath(program));
}

/** Runs a program and resolves with its exit code and everything it printed. */
function run(program, args, options = {}) {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const printed = [];
    child.stdout.on('data', (chunk) => printed.push(chunk));
    child.stderr.on('data', (chunk) => printed.push(chunk));
    child.on('error', fail);
    child.on('close', (status) => done({ status, text: Buffer.concat(printed).toString() }));
  });
}

async function findNodeGyp() {
  const inNpm = join('node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  const prefix = resolve(dirname(process.execPath), '..');
  const candidates = [
    process.env.npm_execpath && resolve(dirname(process.env.npm_execpath), '..', inNpm),
    join(prefix, 'lib', 'node_modules', 'npm', inNpm),
    // Debian's npm package keeps its parts here.
    '/usr/share/nodejs/node-gyp/bin/node-gyp.js',
  ];
  const found = candidates.find((path) => path && existsSync(path));
  if (found) return found;
  const asked = await run('npm', ['root', '--global']).catch(() => undefined);
  const folder = asked?.text.split('\n').find((line) => line.startsWith('/'));
  const last = folder && join(folder, 'npm', inNpm);
  if (last && existsSync(last)) return last;
  throw new NativeBuildError('node-gyp was not found: it comes with npm, so install npm beside this Node.');
}

/**
 * The folder whose include/node holds Node's headers: those of the running Node, else those of another Node in PATH.
 * Any will do, because the addon uses only N-API and libuv, which keep their ABI. Without one node-gyp downloads them.
 */
function findHeaders() {
  const prefix = resolve(dirname(process.execPath), '..');
  // The npm package "node" keeps its headers in a package named after the platform, inside it or beside it.
  const forPlatform = `node-${process.platform}-${process.arch}`;
  const others = searchPath()
    .map((folder) => join(folder, 'node'))
    .filter((program) => existsSync(program))
    .map((program) => resolve(dirname(realpathSync(program)), '..'));
  const places = [prefix, join(prefix, 'node_modules', forPlatform), resolve(prefix, '..', forPlatform), ...others];
  return places.find((place) => existsSync(join(place, 'include', 'node', 'node_api.h')));
}

async function sourceFiles() {
  const files = (await readdir(join(sources, 'src'))).filter((name) => /\.[ch]$/.test(name)).sort();
  return ['binding.gyp', ...files.map((name) => join('src', name))];
}

async function currentStamp(files) {
  const hash = createHash('sha256');
  for (const file of files) {
    hash.update(`${file}\0`);
    hash.update(await readFile(join(sources, file)));
  }
  const { modules, napi } = process.versions;
  return `${hash.digest('hex')} ${process.platform}-${process.arch} modules=${modules} napi=${napi}\n`;
}

async function isUpToDate(wanted) {
  return existsSync(addon) && (await readFile(stamp, 'utf8').catch(() => '')) === wanted;
}

/** The addon of a running gateway is mapped into memory: put the new one beside it and rename, never write into it. */
async function install(built, wanted) {
  const part = `${addon}.${process.pid}`;
  await mkdir(output, { recursive: true });
  await copyFile(built, part);
  await rename(part, addon);
  await writeFile(stamp, wanted);
}

async function compile(files, wanted, { strict, log }) {
  const nodeGyp = await findNodeGyp();
  const headers = findHeaders();
  // Outside the checkout: make cannot work in a path with spaces, and two builds at once must not meet.
  const folder = await mkdtemp(join(tmpdir(), 'pptp-native-'));
  try {
    for (const file of files) await cp(join(sources, file), join(folder, file));
    log(`building the native addon for Node ${process.versions.node}`);
    const args = [nodeGyp, 'rebuild', ...(headers ? [`--nodedir=${headers}`] : []), '--', `-Dwerror=${strict ? 1 : 0}`];
    const { status, text } = await run(process.execPath, args, { cwd: folder });
    if (status !== 0) throw new NativeBuildError(`the native addon did not build:\n${text}`);
    await install(join(folder, 'build', 'Release', 'pptp_native.node'), wanted);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Builds the addon unless it is up to date.
 *
 * @param {{ log?: (line: string) => void, strict?: boolean, force?: boolean }} options `strict` makes compiler
 *   warnings errors, `force` builds in any case.
 * @returns {Promise<{ path: string, built: boolean }>}
 * @throws {NativeBuildError} with `packages` when tools are missing, with the compiler's output when it fails.
 */
export async function buildNative({ log = () => {}, strict = false, force = false } = {}) {
  if (process.platform !== 'linux') throw new NativeBuildError('the native addon needs Linux.');
  const files = await sourceFiles();
  const wanted = await currentStamp(files);
  if (!force && (await isUpToDate(wanted))) return { path: addon, built: false };
  const missing = missingTools();
  if (missing.length > 0) {
    throw new NativeBuildError(
      `The native addon cannot be built without ${missing.join(', ')}: apt-get install ${debianPackages.join(' ')}`,
      debianPackages,
    );
  }
  await compile(files, wanted, { strict, log });
  return { path: addon, built: true };
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const has = (flag) => process.argv.includes(flag);
  try {
    const { path, built } = await buildNative({ log: console.log, strict: has('--strict'), force: has('--force') });
    console.log(`${path} ${built ? 'built' : 'is up to date'}`);
  } catch (error) {
    console.error(error instanceof NativeBuildError ? error.message : error);
    process.exitCode = 1;
  }
}
