import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { dist, root } from './paths.mjs';
import { SetupError } from './script.mjs';

/** What is compiled and what a gateway that runs has no use for: types, the tests, the kit of plug-in authors. */
const COMPILED = ['core', 'plugins', 'config', 'observability', 'gateway', 'pages'];
const NO_USE = /(\.d\.[cm]?ts(\.map)?|\.tsbuildinfo|\.stamp)$/;
/** Of packages also maps, sources in other languages, and what their authors test and build with. */
const NO_USE_IN_PACKAGES =
  /(^\..*|\.map|\.[cm]?ts|\.flow|\.c|\.cc|\.cpp|\.h|\.mk|\.gyp|\.yml|\.md|\.markdown|\.sh|Makefile|config\.gypi)$/i;
/** These go along whatever they end with. */
const TERMS = /^(licen[cs]e|copying|notice|authors)/i;
const NO_USE_FOLDERS = new Set([
  'test',
  'tests',
  '__tests__',
  'example',
  'examples',
  'docs',
  'benchmark',
  'benchmarks',
  'integration',
  'scripts',
]);
const COMPILER_LEFTOVERS = new Set(['obj.target', '.deps']);
const ADDON = join('native', 'build', 'Release', 'pptp_native.node');

/**
 * The packages that a gateway needs to run, according to the lock file: `path` below the checkout, name, version, licence.
 * Of optional ones those that are installed here.
 */
export const productionPackages = (lock, isThere = () => true) =>
  Object.entries(lock.packages ?? {})
    .filter(([path, one]) => path !== '' && one.dev !== true && one.link !== true)
    .filter(([path, one]) => (one.optional !== true && one.devOptional !== true) || isThere(path))
    .map(([path, { version, license }]) => ({
      path,
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version,
      license,
    }));

export const readLock = async () => JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'));

/** Those of this checkout. */
export const installedPackages = async () =>
  productionPackages(await readLock(), (path) => existsSync(join(root, path, 'package.json')));

const copyWhere = (from, to, wanted) =>
  cp(from, to, { recursive: true, dereference: true, preserveTimestamps: true, filter: wanted });

/** Compiled from a source that is gone. */
const isStale = (file) => {
  const source = join(root, file.slice(dist.length + 1)).replace(/\.js(\.map)?$/, '.ts');
  return source.endsWith('.ts') && !file.startsWith(join(dist, 'pages')) && !existsSync(source);
};

const wantedOf = (folder) => (source) => {
  const inside = source.slice(folder.length + 1).split('/');
  const name = inside.at(-1) ?? '';
  // A package's own packages are copied by themselves: some may be for development.
  if (inside.includes('node_modules') || inside.some((part) => COMPILER_LEFTOVERS.has(part))) return false;
  if (inside.length === 1 && (NO_USE_FOLDERS.has(name) || name === 'index.html')) return false;
  return TERMS.test(name) || !NO_USE_IN_PACKAGES.test(name);
};

/** Folders whose files were all of no use. */
const removeEmpty = async (folder) => {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeEmpty(join(folder, entry.name));
  }
  if ((await readdir(folder)).length === 0) await rmdir(folder);
};

/** What is there already would be mixed with it, and empty folders would be taken away. */
export const requireEmpty = async (target) => {
  const there = await readdir(target).catch((error) => {
    if (error.code === 'ENOENT') return [];
    throw new SetupError(
      'NOT_A_FOLDER',
      `${target} cannot be filled (${error.code}): name a folder that is not there yet.`,
    );
  });
  if (there.length === 0) return;
  throw new SetupError('FOLDER_IN_USE', `${target} is not empty: name a folder that is empty or not there yet.`);
};

/**
 * Copies what a gateway needs to run from a built checkout to the empty or absent folder `target`: compiled files, the
 * addon, packages without those for development. Its program is dist/gateway/main.js.
 */
export const copyProduction = async (target) => {
  await requireEmpty(target);
  for (const needed of [join(dist, 'gateway', 'main.js'), join(root, ADDON)]) {
    if (!existsSync(needed)) throw new SetupError('NOT_BUILT', `${needed} is missing: build the gateway first.`);
  }
  await mkdir(dirname(join(target, ADDON)), { recursive: true });
  await copyFile(join(root, ADDON), join(target, ADDON));
  for (const folder of COMPILED) {
    if (!existsSync(join(dist, folder))) continue;
    await copyWhere(join(dist, folder), join(target, 'dist', folder), (file) => !NO_USE.test(file) && !isStale(file));
  }
  for (const { path } of await installedPackages()) {
    await copyWhere(join(root, path), join(target, path), wantedOf(join(root, path)));
  }
  const { name, version, description, license, type, engines, dependencies } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  );
  const own = { name, version, private: true, description, license, type, engines, dependencies };
  await removeEmpty(target);
  await writeFile(join(target, 'package.json'), `${JSON.stringify(own, undefined, 2)}\n`);
};

/** The version of package.json. */
export const ownVersion = async () => JSON.parse(await readFile(join(root, 'package.json'), 'utf8')).version;

/** All files below a folder, sorted, as paths within it. */
export const filesBelow = async (folder) => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1))
    .sort();
};
