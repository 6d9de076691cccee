import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KEYS } from '../../config/schema.ts';
import { CASES } from '../../observability/journal/finding.ts';

const page = readFileSync('docs/troubleshooting.md', 'utf8');
const sources = readdirSync('observability/journal')
  .filter((name) => name.startsWith('cases-'))
  .map((name) => readFileSync(join('observability/journal', name), 'utf8'));

describe('docs/troubleshooting.md', () => {
  it('has a section for every case of explain, and no other', () => {
    const headings = [...page.matchAll(/^### `([^`]+)`$/gm)].map((match) => match[1] ?? '');
    expect(headings.toSorted()).toEqual([...CASES].toSorted());
  });

  it('names pages that are there', () => {
    const links = [...page.matchAll(/\]\(([^)#]+\.md)\)/g)].map((match) => match[1] ?? '');
    expect(links.length).toBeGreaterThan(2);
    expect(links.filter((name) => !existsSync(join('docs', name)))).toEqual([]);
  });

  it('and explain name only settings that exist', () => {
    const known = new Set(KEYS.map(({ env }) => env));
    const named = [page, ...sources].flatMap((text) => [...text.matchAll(/PPTP_[A-Z0-9_]+/g)].map(([name]) => name));
    expect(named.length).toBeGreaterThan(40);
    expect([...new Set(named)].filter((name) => !known.has(name))).toEqual([]);
  });
});
