import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { root } from './paths.mjs';

/** Made by set-up and builds, never part of the sources. */
const MADE = new Set(['node_modules', 'dist', '.git', '.cache', 'coverage']);

const sourceFiles = async () => {
  if (existsSync(join(root, '.git'))) {
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
    return listed
      .toString()
      .split('\0')
      .filter((path) => path !== '' && existsSync(join(root, path)));
  }
  const entries = await readdir(root);
  return entries.filter((name) => !MADE.has(name));
};

/** Copies the sources, as they are now, to a folder of their own. */
export const copySources = async (target) => {
  for (const path of await sourceFiles()) {
    await mkdir(dirname(join(target, path)), { recursive: true });
    await cp(join(root, path), join(target, path), { recursive: true, verbatimSymlinks: true });
  }
};
