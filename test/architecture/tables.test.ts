import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../core/errors.ts';
import { DROP_REASONS } from '../../core/outcome.ts';

const firstColumn = (page: string): string[] =>
  [...readFileSync(page, 'utf8').matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] ?? '');

describe('tables of the documentation', () => {
  it('lists every drop reason, in order', () => {
    expect(firstColumn('docs/drop-reasons.md')).toEqual([...DROP_REASONS]);
  });

  it('lists every error code, in order', () => {
    expect(firstColumn('docs/errors.md')).toEqual([...ERROR_CODES]);
  });
});
