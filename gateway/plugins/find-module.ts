import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pluginError } from './plugin-error.ts';
import type { PluginSource } from './plugin-source.ts';
import { type PluginModule, SHIPPED } from './shipped.ts';

/** A plug-in that was found and is not imported yet. */
export interface FoundModule {
  readonly source: PluginSource;
  load(): Promise<PluginModule>;
}

interface Manifest {
  readonly name?: unknown;
  readonly version?: unknown;
  readonly exports?: unknown;
  readonly main?: unknown;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What PPTP_PLUGINS names: a path (of a module, or of a package's folder), an optional plug-in that comes with the gateway, or
 * a package that is installed beside the gateway or in the working directory. Throws PLUGIN_INVALID when there is none.
 */
export function findModule(specifier: string, folder: string = process.cwd()): FoundModule {
  if (isAbsolute(specifier) || /^\.\.?(\/|$)/.test(specifier)) {
    return fileModule(specifier, 'path', entryOf(specifier, resolve(folder, specifier)));
  }
  const shipped = SHIPPED.get(specifier);
  if (shipped !== undefined) return { source: { kind: 'shipped', specifier }, load: shipped };
  const [, packageName = '', rest = ''] = /^((?:@[^/]+\/)?[^/]+)(\/.*)?$/.exec(specifier) ?? [];
  const home = packageFolder(packageName, folder);
  if (home !== undefined) return fileModule(specifier, 'package', packageEntry(specifier, home, `.${rest}`));
  throw pluginError(`"${specifier}"`, nowhere(specifier, folder));
}

function nowhere(specifier: string, folder: string): string {
  if (existsSync(resolve(folder, specifier))) return `to load it by its path, write ./${specifier} or the whole path`;
  const known = [...SHIPPED.keys()];
  const shipped = known.length === 0 ? '' : `; those that come with the gateway are ${known.join(', ')}`;
  return `there is no such package: install it with npm in the gateway's folder or in ${folder}, or give a path${shipped}`;
}

function fileModule(specifier: string, kind: 'path' | 'package', entry: string): FoundModule {
  // As Node does: a package that is a link belongs to where it really is.
  const file = realpathSync(entry);
  return {
    source: { kind, specifier, file, ...identityOf(file) },
    load: async () => {
      const module: PluginModule = await import(pathToFileURL(file).href);
      return module;
    },
  };
}

function entryOf(specifier: string, path: string): string {
  if (!existsSync(path)) throw pluginError(`"${specifier}"`, `there is no file or folder ${path}`);
  return statSync(path).isDirectory() ? packageEntry(specifier, path, '.') : path;
}

/** The folder of an installed package; both the gateway's own neighbours and those of the working directory count. */
function packageFolder(name: string, folder: string): string | undefined {
  if (name === '' || name.startsWith('node:')) return undefined;
  for (const base of [import.meta.url, join(folder, 'package.json')]) {
    const places = createRequire(base).resolve.paths(name) ?? [];
    const found = places.map((place) => join(place, name)).find((path) => existsSync(join(path, 'package.json')));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The module of a package: "exports" as Node reads it, else "main", else index.js. */
function packageEntry(specifier: string, folder: string, subpath: string): string {
  const manifest = readManifest(folder);
  const refuse = (why: string) => pluginError(`"${specifier}"`, `${why} (${join(folder, 'package.json')})`);
  if (manifest?.exports !== undefined && manifest.exports !== null) {
    const target = exported(manifest.exports, subpath);
    if (target === undefined) throw refuse(`its package exports no "${subpath}" that can be imported`);
    const path = join(folder, target);
    if (!existsSync(path)) throw refuse(`its package exports ${target}, which is not there: build the package`);
    return path;
  }
  const main = typeof manifest?.main === 'string' ? manifest.main : undefined;
  const wanted = subpath === '.' ? [main, 'index.js', 'index.mjs'] : [subpath];
  const tried = wanted.flatMap((one) => (one === undefined ? [] : [one, `${one}.js`, join(one, 'index.js')]));
  const found = tried.map((one) => join(folder, one)).find((path) => existsSync(path) && statSync(path).isFile());
  if (found !== undefined) return found;
  if (main !== undefined) throw refuse(`its main module ${main} is not there: build the package`);
  throw pluginError(
    `"${specifier}"`,
    `the folder ${folder} has no package.json with "exports" or "main", and no index.js`,
  );
}

function readManifest(folder: string): Manifest | undefined {
  const path = join(folder, 'package.json');
  if (!existsSync(path)) return undefined;
  try {
    const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isObject(manifest) ? manifest : {};
  } catch (cause) {
    throw pluginError(`"${folder}"`, `its package.json is no JSON: ${cause instanceof Error ? cause.message : ''}`);
  }
}

const CONDITIONS: ReadonlySet<string> = new Set(['node', 'import', 'module-sync', 'default']);

/** The target of a subpath: the package author's order of conditions counts. */
function exported(exports: unknown, subpath: string): string | undefined {
  const bySubpath = isObject(exports) && Object.keys(exports).some((key) => key.startsWith('.'));
  if (!bySubpath) return subpath === '.' ? conditional(exports) : undefined;
  if (!isObject(exports)) return undefined;
  if (Object.hasOwn(exports, subpath)) return conditional(exports[subpath]);
  for (const [pattern, target] of Object.entries(exports)) {
    const [before = '', after] = pattern.split('*');
    if (after === undefined || !subpath.startsWith(before) || !subpath.endsWith(after)) continue;
    const star = subpath.slice(before.length, subpath.length - after.length);
    return conditional(target)?.replaceAll('*', star);
  }
  return undefined;
}

function conditional(target: unknown): string | undefined {
  if (typeof target === 'string') return target.startsWith('./') && !target.includes('..') ? target : undefined;
  if (Array.isArray(target)) return target.map(conditional).find((one) => one !== undefined);
  if (!isObject(target)) return undefined;
  for (const [condition, inner] of Object.entries(target)) {
    const found = CONDITIONS.has(condition) ? conditional(inner) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Name and version of the package that a file belongs to: that of the nearest package.json with a name. */
function identityOf(file: string): Pick<PluginSource, 'packageName' | 'version'> {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const manifest = quietly(() => readManifest(folder));
    if (typeof manifest?.name === 'string' && manifest.name !== 'pptp-gateway') {
      const { name, version } = manifest;
      return { packageName: name, ...(typeof version === 'string' ? { version } : {}) };
    }
    if (manifest?.name !== undefined || dirname(folder) === folder) return {};
  }
}

const quietly = <T>(work: () => T): T | undefined => {
  try {
    return work();
  } catch {
    return undefined;
  }
};

/** Sources that Node does not run as they are. */
export const isTypeScript = (file: string | undefined): boolean =>
  file !== undefined && ['.ts', '.mts', '.cts'].includes(extname(file));
