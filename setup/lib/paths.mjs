import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** Downloads that survive a clean build; not tracked. */
export const cache = join(root, '.cache');
export const nodeModules = join(root, 'node_modules');
export const dist = join(root, 'dist');
export const gatewayEntry = join(dist, 'gateway', 'main.js');
