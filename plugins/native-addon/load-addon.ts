import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GatewayError } from '../../core/errors.ts';

const ADDON = join('native', 'build', 'Release', 'pptp_native.node');
const HERE = dirname(fileURLToPath(import.meta.url));

/** The folder with our package.json: one level up from the sources, two from dist/. */
export const packageRoot = (from: string): string | undefined => {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
};

/**
 * Loads the native addon and checks that it has these functions; `Part` is the interface of native/*.d.ts that they make
 * up. Throws GatewayError NATIVE_MISSING.
 */
export const loadAddonWith = <Part extends object>(names: readonly (keyof Part & string)[], from = HERE): Part => {
  const path = join(packageRoot(from) ?? from, ADDON);
  const has = (value: unknown): value is Part =>
    typeof value === 'object' &&
    value !== null &&
    names.every((name) => typeof Reflect.get(value, name) === 'function');
  let addon: unknown;
  try {
    addon = createRequire(import.meta.url)(path);
  } catch (cause) {
    throw missing(path, cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause), cause);
  }
  if (!has(addon)) throw missing(path, 'it lacks functions: it was built from other sources', undefined);
  return addon;
};

const missing = (path: string, why: string, cause: unknown): GatewayError =>
  new GatewayError(
    'NATIVE_MISSING',
    `The native addon ${path} cannot be loaded (${why}): run "npm run build:native"; it needs a C compiler, make and ` +
      'Python (Debian: apt-get install build-essential python3).',
    { cause },
  );
