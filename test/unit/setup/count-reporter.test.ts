import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runVitest } from '../../../setup/lib/vitest.mjs';

const folder = mkdtempSync(join(tmpdir(), 'pptp-reporter-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('what passed, failed and did not run is counted, what broke outside a test is a failure', {
  timeout: 60_000,
}, async () => {
  for (const shared of ['node_modules', 'setup']) symlinkSync(resolve(shared), join(folder, shared));
  writeFileSync(join(folder, 'vitest.config.mjs'), "export default { test: { include: ['*.case.mjs'] } };");
  writeFileSync(
    join(folder, 'mixed.case.mjs'),
    `import { beforeAll, describe, expect, test } from 'vitest';
     test('passes', () => {});
     test('fails', () => expect(1).toBe(2));
     let tries = 0;
     test('loses a packet', { retry: 1 }, () => expect(++tries).toBe(2));
     test('needs more', (context) => context.skip('there is no modem'));
     test.skip('never', () => {});
     test.todo('one day');
     describe('hook', () => {
       beforeAll(() => { throw new Error('no'); });
       test('behind it', () => {});
     });`,
  );
  writeFileSync(join(folder, 'broken.case.mjs'), "throw new Error('does not load');");
  const { counts, failures, notRun, again } = await runVitest([], { cwd: folder, stdout: 'ignore' });
  expect(counts).toEqual({ passed: 2, failed: 3, skipped: 4 });
  expect(failures.map(({ name }) => name.replace(/^.*? > /, '')).toSorted()).toEqual([
    'broken.case.mjs',
    'mixed.case.mjs > fails',
    'mixed.case.mjs > hook',
  ]);
  expect(failures.find(({ name }) => name.endsWith('broken.case.mjs'))?.reason).toBe('does not load');
  expect(failures.find(({ name }) => name.endsWith('fails'))?.reason).toContain('expected 1 to be 2');
  expect(again.map(({ name }) => name.replace(/^.*? > /, ''))).toEqual(['mixed.case.mjs > loses a packet']);
  expect(again[0]?.reason).toContain('expected 1 to be 2');
  expect(notRun.find(({ name }) => name.endsWith('needs more'))?.reason).toBe('there is no modem');
});
