import { describe, expect, it } from 'vitest';
import { explain } from '../../../../observability/journal/explain.ts';
import { CASES, type Finding } from '../../../../observability/journal/finding.ts';
import { CONTEXT, dropped, endedBy, failedIn, NUMBERS, note, phase, RECORD } from './explain-records.ts';
import { LIFE_SITUATIONS } from './life-situations.ts';
import { SETUP_SITUATIONS } from './setup-situations.ts';

const SITUATIONS = [...SETUP_SITUATIONS, ...LIFE_SITUATIONS];

const textOf = ({ what, where, todo, code }: Finding): string => [what, where, ...todo, code ?? ''].join(' ');

describe('each case', () => {
  it.each(SITUATIONS)('$name: $because', ({ name, record, context, says }) => {
    const findings = explain({ ...RECORD, ...record }, { ...CONTEXT, ...context });
    // A cause that may lie behind the main one stands beside it.
    const finding = name === 'clients-behind-one-nat' ? findings[1] : findings[0];
    expect(finding?.case).toBe(name);
    expect(finding === undefined ? '' : textOf(finding)).toMatch(says);
  });

  it('has a situation here', () => {
    expect(new Set(SITUATIONS.map(({ name }) => name))).toEqual(new Set(CASES));
  });

  it('says what, where and what to do, in sentences', () => {
    for (const { record, context } of SITUATIONS) {
      for (const finding of explain({ ...RECORD, ...record }, { ...CONTEXT, ...context })) {
        expect(finding.what).toMatch(/^\S.*[^.]\.$/);
        expect(finding.where).toMatch(/\.$/);
        expect(finding.todo.length).toBeGreaterThan(0);
        for (const one of finding.todo) expect(one).toMatch(/[^.]\.$/);
      }
    }
  });
});

describe('several things at once', () => {
  it('are all said, the failure first and the end last', () => {
    const record = {
      ...RECORD,
      ...endedBy('peer-request', 'Call-Clear-Request'),
      numbers: { ...NUMBERS, drops: { 'mtu out too-big': 9, 'address in spoofed-source': 1 } },
    };
    expect(explain(record, CONTEXT).map((one) => one.case)).toEqual([
      'spoofed-source',
      'mtu-black-hole',
      'closed-by-the-client',
    ]);
  });

  it('a right password at last is no failure of authentication', () => {
    const record = {
      ...RECORD,
      ...failedIn('ipcp', 'negotiation-failed', 'no agreement'),
      phases: [phase('control'), phase('lcp'), phase('auth'), phase('ipcp', 'negotiation-failed')],
      notes: [note('auth.failed', { denial: 'bad-credentials' })],
    };
    expect(explain(record, CONTEXT)[0]?.case).toBe('negotiation-failed');
  });

  it.each([
    ['encryption-required', 'encryption-refused'],
    ['negotiation-failed', 'negotiation-failed'],
    ['no-address', 'fixed-address-unusable'],
  ])('a tunnel that was up may fail in a later negotiation: %s', (reason, name) => {
    expect(explain({ ...RECORD, ...endedBy(reason, 'said') }, CONTEXT).map((one) => one.case)).toEqual([name]);
  });

  it('one packet too big now and then is how senders find the size of a path', () => {
    expect(explain({ ...RECORD, ...dropped({ 'mtu out too-big': 2 }) }, CONTEXT)[0]?.case).toBe('healthy');
  });
});
