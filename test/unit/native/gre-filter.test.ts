import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runToEnd } from './addon.ts';

const check = fileURLToPath(new URL('gre-filter-check.c', import.meta.url));
const sources = fileURLToPath(new URL('../../../native/src', import.meta.url));

/** Some machines lack the libraries of the sanitizers; the comparison is worth having there too. */
const SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

test('the kernel gives each packet to the share of its Call ID, what has none to share 0, and nothing of before', async () => {
  const build = mkdtempSync(join(tmpdir(), 'pptp-gre-filter-'));
  try {
    const program = join(build, 'check');
    const compile = (flags: readonly string[]) =>
      runToEnd('cc', [
        ...['-std=gnu11', '-O1', '-g', '-Wall', '-Wextra', '-Werror', `-I${sources}`, ...flags, '-o', program],
        ...[check, join(sources, 'gre_filter.c')],
      ]);
    const sanitized = await compile(SANITIZERS);
    if (sanitized.status !== 0) expect(await compile([])).toMatchObject({ status: 0, errors: '' });
    expect(await runToEnd(program, [])).toMatchObject({ status: 0, output: '', errors: '' });
  } finally {
    rmSync(build, { recursive: true, force: true });
  }
}, 120_000);
