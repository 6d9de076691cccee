import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** vitest's own waits give up after a second unless told otherwise: on a busy machine that fails what is right. */
const impatient = /\bvi\.wait(?:For|Until)\(/;

it('tests wait by support/eventually.ts', () => {
  const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && name !== join('support', 'eventually.ts'))
    .filter((name) => impatient.test(readFileSync(join('test', name), 'utf8')));
  expect(files).toEqual([]);
});
