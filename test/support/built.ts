import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './netns.ts';

/** The gateway's program, as `npm run build` makes it. */
export const MAIN = join(ROOT, 'dist', 'gateway', 'main.js');
const ADDON = join(ROOT, 'native', 'build', 'Release', 'pptp_native.node');

/** Why it cannot run; undefined when it can. `more`: what else must be there, by paths from the root. */
export const notBuilt = (...more: readonly string[]): string | undefined =>
  [MAIN, ADDON, ...more.map((path) => join(ROOT, path))].every((path) => existsSync(path))
    ? undefined
    : 'the gateway is not built (npm run build)';
