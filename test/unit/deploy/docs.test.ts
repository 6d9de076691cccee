import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { KEYS } from '../../../config/schema.ts';

const PAGES = [
  'README.md',
  'deploy/README.md',
  'docs/deploy.md',
  'docs/profiles.md',
  'docs/observability.md',
  'docs/follow-a-tunnel-in-jaeger.md',
  'docs/workers.md',
];
/** Environment names that are no settings of the gateway: the tests' own. */
const OTHER_NAMES = ['PPTP_TEST_DRAW_PICTURES', 'PPTP_CONFIG'];
/** Those of plug-ins are no keys of the gateway. */
const PLUGIN_NAMES = /^PPTP_(RADIUS|EXEC)_/;

describe.each(PAGES)('%s', (page) => {
  const text = readFileSync(page, 'utf8');

  test('leads to files that are there', () => {
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link);
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter((link) => !existsSync(join(dirname(page), link)))).toEqual([]);
  });

  test('names settings and scripts that there are', () => {
    const names = [...text.matchAll(/\bPPTP_[A-Z0-9_]+\b(?!\.\.\.)/g)].map(([name]) => name);
    const known = [...KEYS.flatMap(({ env }) => [env, `${env}_FILE`]), 'PPTP_', ...OTHER_NAMES];
    expect(names.filter((name) => !known.includes(name) && !name.endsWith('_') && !PLUGIN_NAMES.test(name))).toEqual(
      [],
    );
    const scripts = [...text.matchAll(/\bnode (setup\/[\w./-]+\.mjs)/g)].map(([, script = '']) => script);
    expect(scripts.filter((script) => !existsSync(script))).toEqual([]);
  });
});

test('what the page about Jaeger tells to search for is in its pictures', () => {
  const page = readFileSync('docs/follow-a-tunnel-in-jaeger.md', 'utf8');
  const pictures = [...page.matchAll(/\]\((pictures\/[^)]+)\)/g)].map(([, file = '']) =>
    readFileSync(`docs/${file}`, 'utf8'),
  );
  expect(pictures).toHaveLength(5);
  const tags = [...page.matchAll(/`([a-z.]+)=([^`]+)`/g)].filter(([, name]) => name !== 'error');
  expect(tags.length).toBeGreaterThan(3);
  for (const [, name, value] of tags) {
    expect(
      pictures.some((picture) => picture.includes(`>${name} = ${value}<`)),
      `${name} = ${value}`,
    ).toBe(true);
  }
});

test('the page for operators lists every alert, in order', () => {
  const rules = parse(readFileSync('deploy/prometheus/alerts.yml', 'utf8')) as {
    readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
  };
  const listed = [...readFileSync('docs/observability.md', 'utf8').matchAll(/^\| `(Pptp\w+)` \|/gm)];
  expect(listed.map(([, alert]) => alert)).toEqual(
    rules.groups.flatMap((group) => group.rules.map(({ alert }) => alert)),
  );
});
