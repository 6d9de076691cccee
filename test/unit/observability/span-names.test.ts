import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { WHY_REFUSED } from '../../../core/machine/ppp-link-auth.ts';
import { CLEAR_REASONS } from '../../../core/ports/control.ts';
import { ERROR_WORDS } from '../../../observability/error-words.ts';
import { ATTRIBUTES, EVENTS, SPANS } from '../../../observability/span-names.ts';
import { tracesPage } from '../../../observability/traces-page.ts';

it('docs/traces.md is what the tables say: node setup/docs.mjs', () => {
  expect(readFileSync('docs/traces.md', 'utf8')).toBe(tracesPage());
});

describe('the table of spans', () => {
  it('has every parent it names, and no attribute that no span or event has', () => {
    const parents = [...SPANS.values()].map(({ parent }) => parent).filter((parent) => parent !== '');
    expect(parents.filter((parent) => !SPANS.has(parent))).toEqual([]);
    const used = new Set<string>([
      ...[...SPANS.values()].flatMap(({ attributes }) => attributes),
      ...Object.values(EVENTS).flatMap(({ attributes }) => attributes),
      'error.type',
      'pptp.trace.suppressed',
    ]);
    expect(Object.keys(ATTRIBUTES).filter((name) => !used.has(name))).toEqual([]);
  });

  it('names attributes by convention, or below a name of ours', () => {
    for (const [name, row] of Object.entries(ATTRIBUTES)) {
      expect(name).toMatch(
        'convention' in row ? /^(session|network|client|server|user|error)\./ : /^(pptp|ppp|gre|mppe)\./,
      );
    }
  });

  it('has a word for every end of a call and every refusal of a proof', () => {
    const words = new Set(Object.values(ERROR_WORDS).flatMap((of) => Object.keys(of)));
    const notOfRounds = new Set(['timeout', 'protocol', 'no-common-method']);
    const refusals = Object.keys(WHY_REFUSED).filter((word) => !notOfRounds.has(word));
    expect([...CLEAR_REASONS, ...refusals].filter((word) => !words.has(word))).toEqual([]);
  });
});
