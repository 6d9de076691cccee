import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runToEnd } from './addon.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const sources = fileURLToPath(new URL('../../../native/src', import.meta.url));

/** Some machines lack the libraries of the sanitizers; the comparison is worth having there too. */
const SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

test('the C alone: both SHA-1 agree, four lanes agree with one, and no sanitizer objects', async () => {
  const build = mkdtempSync(join(tmpdir(), 'pptp-mppe-'));
  try {
    const program = join(build, 'check');
    const files = ['mppe.c', 'sha1.c'].map((name) => join(sources, name));
    const compile = (flags: readonly string[]) =>
      runToEnd('cc', [
        ...['-std=gnu11', '-O1', '-g', '-Wall', '-Wextra', '-Werror', `-I${sources}`, ...flags, '-o', program],
        ...[join(folder, 'mppe-check.c'), ...files],
      ]);
    const sanitized = await compile(SANITIZERS);
    if (sanitized.status !== 0) expect(await compile([])).toMatchObject({ status: 0, errors: '' });
    expect(await runToEnd(program, [])).toMatchObject({ status: 0, output: '', errors: '' });
  } finally {
    rmSync(build, { recursive: true, force: true });
  }
}, 120_000);
