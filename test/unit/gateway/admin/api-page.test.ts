import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { adminApiPage } from '../../../../gateway/admin/api-page.ts';
import { ADMIN_SPECS } from '../../../../gateway/admin/specs/index.ts';

test('docs/admin-api.md is what the specs say: node setup/docs.mjs', () => {
  expect(readFileSync('docs/admin-api.md', 'utf8')).toBe(adminApiPage());
});

test('every route is in the page, once', () => {
  for (const { method, url } of ADMIN_SPECS) {
    expect(adminApiPage().split(`| \`${method} ${url}\` |`), url).toHaveLength(2);
  }
});
