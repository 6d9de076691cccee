import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { metricsPage } from '../../../../observability/metrics/page.ts';

test('docs/metrics.md is what node setup/docs.mjs makes of the table', () => {
  expect(readFileSync('docs/metrics.md', 'utf8')).toBe(metricsPage());
});
