import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GatewayError } from '../../core/errors.ts';
import type { NativeTun } from '../../native/tun.d.ts';

const ADDON = join('native', 'build', 'Release', 'pptp_native.node');
const FUNCTIONS = [
  ...['tunOpen', 'tunReadBatch', 'tunWriteBatch', 'pollStart', 'pollStop', 'closeFd'],
  ...['tunSetOffloads', 'tunBuffers', 'tunReadSegments', 'tunWriteCoalesced'],
] as const;

/** The folder with our package.json: one level up from the sources, two from dist/. */
export const packageRoot = (from: string): string | undefined => {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
};

const isNativeTun = (value: unknown): value is NativeTun =>
  typeof value === 'object' &&
  value !== null &&
  FUNCTIONS.every((name) => typeof Reflect.get(value, name) === 'function');

/** Loads the addon. Throws GatewayError NATIVE_MISSING. */
export const loadAddon = (from: string = dirname(fileURLToPath(import.meta.url))): NativeTun => {
  const root = packageRoot(from);
  const path = join(root ?? from, ADDON);
  let addon: unknown;
  try {
    addon = createRequire(import.meta.url)(path);
  } catch (cause) {
    throw missing(path, cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause), cause);
  }
  if (!isNativeTun(addon)) throw missing(path, 'it lacks functions: it was built from other sources', undefined);
  return addon;
};

const missing = (path: string, why: string, cause: unknown): GatewayError =>
  new GatewayError(
    'NATIVE_MISSING',
    `The native addon ${path} cannot be loaded (${why}): run "npm run build:native"; it needs a C compiler, make and ` +
      'Python (Debian: apt-get install build-essential python3).',
    { cause },
  );
