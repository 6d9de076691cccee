import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Recovered, Spool, SpoolReader } from '../../../plugins/radius/accounting/spool.ts';
import { parseEntry, type SpoolRecord } from '../../../plugins/radius/accounting/spool-line.ts';

const recoverSpool = (text: string): Recovered => {
  const reader = new SpoolReader();
  // In pieces, as a file is read.
  for (let at = 0; at < text.length; at += 17) reader.feed(text.slice(at, at + 17));
  return reader.finish();
};

type Step =
  | { readonly kind: 'start' | 'interim' | 'stop'; readonly session: string; readonly room: number }
  | { readonly kind: 'done' | 'take' | 'put'; readonly which: number }
  | { readonly kind: 'anew' };

const session = fc.constantFrom('a', 'b', 'c', 'd', '');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('start', 'interim', 'stop'),
    session: session.map((name) => name || 'e'),
    room: fc.nat(60),
  }),
  fc.record({ kind: fc.constantFrom('done', 'take', 'put'), which: fc.nat(30) }),
  fc.constant({ kind: 'anew' }),
);

/** Runs the steps on a spool; `text` is what its file would hold. */
const play = (steps: readonly Step[], limit: number) => {
  let text = '';
  const dropped: SpoolRecord[] = [];
  const dropsWithRest: string[] = [];
  const spool: Spool = new Spool({
    limit,
    append: (line) => {
      text += line;
    },
    dropped: (record) => {
      dropped.push(record);
      const lesser = waiting.filter(
        (one) => spool.has(one) && !taken.has(one.number) && rank(one.kind) < rank(record.kind),
      );
      if (lesser.length > 0) dropsWithRest.push(`${record.kind} before ${lesser[0]?.kind}`);
    },
  });
  const waiting: SpoolRecord[] = [];
  const taken = new Set<number>();
  const rank = (kind: string): number => ['interim', 'start', 'stop'].indexOf(kind);
  for (const [at, one] of steps.entries()) {
    if (one.kind === 'anew') text = [...spool.snapshot()].join('');
    else if ('which' in one) {
      const record = waiting[one.which];
      if (record === undefined) continue;
      if (one.kind === 'take') {
        if (spool.has(record)) taken.add(record.number);
        spool.take(record);
      } else {
        taken.delete(record.number);
        spool[one.kind](record);
      }
    } else {
      // The clock may be set back.
      const record = spool.add(one.kind, one.session, 1000 - at, 'x'.repeat(one.room));
      if (record !== undefined) waiting.push(record);
    }
  }
  return { spool, text, waiting: waiting.filter((one) => spool.has(one)), dropped, dropsWithRest };
};

test('what a file says after any steps is what the spool has', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { spool, text, waiting } = play(steps, 1e6);
      const { records, open, damaged } = recoverSpool(text);
      expect(records).toEqual(waiting);
      for (const [name, one] of spool.open) expect(open.get(name)).toEqual(one);
      expect(damaged).toBe(0);
    }),
  );
});

test('cut anywhere, a file gives what its whole lines say', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), fc.nat(), (steps, where) => {
      const { text } = play(steps, 2000);
      const cut = text.slice(0, where % (text.length + 1));
      const whole = cut.slice(0, cut.lastIndexOf('\n') + 1);
      const recovered = recoverSpool(cut);
      expect(recovered.records).toEqual(recoverSpool(whole).records);
      expect(recovered.open).toEqual(recoverSpool(whole).open);
      expect(recovered.damaged).toBe(cut === whole ? 0 : 1);
    }),
    { numRuns: 300 },
  );
});

test('a damaged octet costs one line, and nothing is made up', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 30 }),
      fc.nat(),
      fc.string({ minLength: 1, maxLength: 1 }),
      (steps, where, char) => {
        const { text } = play(steps, 1e6);
        fc.pre(text.length > 0);
        const at = where % text.length;
        fc.pre(text[at] !== char && text[at] !== '\n' && char !== '\n');
        const { records, damaged } = recoverSpool(text.slice(0, at) + char + text.slice(at + 1));
        const known = new Set(text.split('\n').map((line) => line.slice(9)));
        expect(damaged).toBe(1);
        for (const { number, kind, session: name, at: when, block } of records) {
          expect(known).toContain(JSON.stringify(['r', number, kind, name, when, block]));
        }
      },
    ),
  );
});

test('any text is entries or nothing', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(() => recoverSpool(text)).not.toThrow();
      expect(parseEntry(text)).toBeUndefined();
    }),
  );
});

test('it is never larger than its limit, and what matters more is never given up for what matters less', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 100, max: 1500 }), (steps, limit) => {
      const { spool, dropsWithRest, waiting, dropped } = play(steps, limit);
      expect(spool.octets).toBeLessThanOrEqual(limit);
      expect(dropsWithRest).toEqual([]);
      expect(spool.size).toBe(waiting.length);
      for (const one of dropped) expect(spool.has(one)).toBe(false);
    }),
  );
});

test('another process that adopts what a file holds goes on with the same spool', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 150, max: 2000 }), (steps, limit) => {
      const { spool, text } = play(steps, limit);
      const recovered = recoverSpool(text);
      // What one process says of its file the next one holds it to.
      expect([recovered.records.length, recovered.open.size]).toEqual([spool.size, spool.open.size]);
      const next = new Spool({ limit, append: () => undefined, dropped: () => undefined });
      next.adopt(recovered);
      expect([...next.snapshot()].toSorted()).toEqual([...spool.snapshot()].toSorted());
      expect(next.octets).toBe(spool.octets);
      const added = next.add('stop', 'z', 1, 'x');
      expect(recovered.records.some(({ number }) => number === added?.number)).toBe(false);
    }),
  );
});
