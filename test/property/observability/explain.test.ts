import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DROP_REASONS } from '../../../core/outcome.ts';
import { CLEAR_REASONS } from '../../../core/ports/control.ts';
import { SETUP_PHASES } from '../../../core/ports/telemetry.ts';
import { instant } from '../../../core/time.ts';
import { explain } from '../../../observability/journal/explain.ts';
import { CASES } from '../../../observability/journal/finding.ts';
import type { JournalRecord } from '../../../observability/journal/record.ts';

const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.constantFrom(
    'no common authentication method: x',
    'the keys differ: could not be decrypted',
    'the peer insists on 1.2.3.4',
    'our own Echo-Request came back: the link is looped',
    'no inner address is free',
  ),
);
const word = fc.oneof(
  fc.constantFrom(...CLEAR_REASONS, 'no-gre', 'no-answer', 'loopback', 'call-refused', 'bad-message', 'not-encrypted'),
  fc.string({ maxLength: 12 }),
);
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const at = fc.nat({ max: 100_000 }).map(instant);
const failure = fc.record({ error: word, message: text });
const count = fc.nat({ max: 1_000 });
const drops = fc.dictionary(
  fc.tuple(fc.constantFrom('in', 'out'), fc.constantFrom(...DROP_REASONS)).map(([way, why]) => `stage ${way} ${why}`),
  count,
);
const note = fc.record({
  at,
  event: fc.constantFrom('auth.failed', 'auth.backend', 'gre.blocked', 'session.fault', 'ccp.not-encrypted', 'x'),
  message: text,
  fields: fc.dictionary(fc.constantFrom('denial', 'pptp.backend.answer'), word),
});

const record: fc.Arbitrary<JournalRecord> = fc.record({
  id: text,
  kind: fc.constantFrom('tunnel', 'control'),
  role: fc.constantFrom('server', 'client'),
  traceId: text,
  outcome: fc.constantFrom('setup', 'up', 'failed', 'closed'),
  startedAt: at,
  upAt: optional(at),
  endedAt: optional(at),
  peer: optional(text),
  user: optional(text),
  method: optional(text),
  address: optional(text),
  encryption: optional(text),
  identification: optional(text),
  phases: fc.array(
    fc.record({
      name: fc.constantFrom(...SETUP_PHASES),
      startedAt: at,
      endedAt: optional(at),
      failure: optional(failure),
    }),
    { maxLength: 6 },
  ),
  failure: optional(failure),
  end: optional(fc.record({ reason: word, detail: text })),
  notes: fc.array(note, { maxLength: 6 }),
  messages: fc.constant([]),
  leftOut: count,
  numbers: optional(
    fc.record({
      packetsIn: count,
      packetsOut: count,
      octetsIn: count,
      octetsOut: count,
      lost: count,
      acknowledged: fc.integer({ min: -1, max: 100 }),
      windowDropped: optional(count),
      drops,
    }),
  ),
});

const settings = {
  authMethods: ['ms-chap-v2'],
  encryption: 'required',
  strengths: [128],
  pool: '10.99.0.0/24',
  maxCalls: 253,
  mru: 1400,
  tunMtu: 1396,
};

it('whatever is remembered of a tunnel, there is something to say about it, each thing once, the worst first', () => {
  const rank = ['failure', 'warning', 'info'];
  fc.assert(
    fc.property(record, fc.array(record, { maxLength: 2 }), fc.boolean(), at, (one, besides, wrongPeer, now) => {
      const findings = explain(one, { settings, besides, wrongPeer, now });
      const names = findings.map((finding) => finding.case);
      expect(names.length).toBeGreaterThan(0);
      expect(new Set(names).size).toBe(names.length);
      for (const name of names) expect(CASES).toContain(name);
      const ranks = findings.map(({ severity }) => rank.indexOf(severity));
      expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
      for (const { what, where, todo } of findings) {
        expect(`${what}${where}${todo.join('')}`).not.toMatch(/undefined|NaN|\[object/);
      }
    }),
    { numRuns: 2_000 },
  );
}, 60_000);
