import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadAddon, runToEnd } from './addon.ts';

const child = fileURLToPath(new URL('gre-faults.child.mjs', import.meta.url));
const source = fileURLToPath(new URL('gre-faults.c', import.meta.url));

loadAddon();
const cases: readonly string[] = JSON.parse(execFileSync(process.execPath, [child], { encoding: 'utf8' }));

/** The addon with a stand-in for the kernel's raw socket: no rights needed, and every fault on order. */
describe('the GRE functions of the addon', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pptp-gre-faults-'));
    const [compiler = 'cc', ...flags] = (process.env['CC'] || 'cc').split(' ');
    execFileSync(compiler, [...flags, '-shared', '-fPIC', '-o', join(folder, 'faults.so'), source, '-ldl']);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(cases)('%s', { timeout: 60_000 }, async (name) => {
    const [from, to] = [join(folder, 'in'), join(folder, 'out')];
    for (const file of [from, to]) writeFileSync(file, '');
    const settings = [`GRE_IN=${from}`, `GRE_OUT=${to}`, `LD_PRELOAD=${join(folder, 'faults.so')}`];
    const finished = await runToEnd('env', [...settings, process.execPath, child, name]);
    expect(finished).toEqual({ status: 0, signal: null, output: `passed: ${name}\n`, errors: '' });
  });
});
