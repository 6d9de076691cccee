import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runToEnd } from './addon.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const sources = fileURLToPath(new URL('../../../native/src', import.meta.url));

/** Some machines lack the libraries of the sanitizers; the check is worth having there too. */
const SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

test('the C alone: quiet before busy, equal octets, bounds, order, and no sanitizer objects', async () => {
  const build = mkdtempSync(join(tmpdir(), 'pptp-fair-'));
  try {
    const program = join(build, 'check');
    const files = [join(sources, 'fair.c')];
    const compile = (flags: readonly string[]) =>
      runToEnd('cc', [
        ...['-std=gnu11', '-O1', '-g', '-Wall', '-Wextra', '-Werror', `-I${sources}`, ...flags, '-o', program],
        ...[join(folder, 'fair-check.c'), ...files],
      ]);
    const sanitized = await compile(SANITIZERS);
    if (sanitized.status !== 0) expect(await compile([])).toMatchObject({ status: 0, errors: '' });
    expect(await runToEnd(program, [])).toMatchObject({ status: 0, output: '', errors: '' });
  } finally {
    rmSync(build, { recursive: true, force: true });
  }
}, 120_000);
