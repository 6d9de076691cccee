import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { runToEnd } from './addon.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const sources = fileURLToPath(new URL('../../../native/src', import.meta.url));

/** Some machines lack the libraries of the sanitizers; a check is worth having there too. */
const SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

/** Compiles a program of this folder with files of the addon, without Node, and expects it to end well and in silence. */
export const expectCheck = async (check: string, files: readonly string[]): Promise<void> => {
  const build = mkdtempSync(join(tmpdir(), 'pptp-c-check-'));
  try {
    const program = join(build, 'check');
    const compile = (flags: readonly string[]) =>
      runToEnd('cc', [
        ...['-std=gnu11', '-O1', '-g', '-Wall', '-Wextra', '-Werror', `-I${sources}`, ...flags, '-o', program],
        ...[join(folder, check), ...files.map((name) => join(sources, name))],
      ]);
    const sanitized = await compile(SANITIZERS);
    if (sanitized.status !== 0) expect(await compile([])).toMatchObject({ status: 0, errors: '' });
    expect(await runToEnd(program, [])).toMatchObject({ status: 0, output: '', errors: '' });
  } finally {
    rmSync(build, { recursive: true, force: true });
  }
};
