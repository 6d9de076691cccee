import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ATTRIBUTE, firstOf } from '../../../plugins/radius/wire/index.ts';
import { AccountingRig } from '../../support/accounting-rig.ts';

const step = fc.oneof(
  fc.record({ kind: fc.constantFrom('start', 'interim', 'stop'), session: fc.constantFrom('a', 'b', 'c', 'd') }),
  fc.record({ kind: fc.constant('wait'), ms: fc.nat(40_000) }),
  fc.record({ kind: fc.constant('answer'), which: fc.constantFrom('all', 'none', 'a', 'b') }),
);

test('whatever is lost of a full spool and unanswered, each other record is confirmed once, and in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 2_000, max: 20_000 }),
      async (steps, limit) => {
        const rig = new AccountingRig({ limit });
        await rig.start();
        const made = new Map<string, number>();
        let all = 0;
        for (const one of steps) {
          if ('ms' in one) await rig.clock.advance(one.ms);
          else if ('which' in one) {
            rig.servers.answers = (name) => one.which === 'all' || name.endsWith(` ${one.which}`);
          } else {
            const seconds = (made.get(one.session) ?? 0) + 1;
            made.set(one.session, seconds);
            all += 1;
            const record = rig.record(one.session, { at: rig.now + 1_000_000 * seconds, seconds });
            if (one.kind === 'start') rig.accounting.sink.start(record);
            else if (one.kind === 'interim') rig.accounting.sink.interim(record);
            else rig.accounting.sink.stop(record, { reason: 'idle', detail: '' });
          }
        }
        rig.servers.answers = () => true;
        await rig.clock.advance(100_000);
        expect(rig.accounting.waiting).toBe(0);
        const lost = rig.telemetry.events.filter(({ name }) => name === 'radius.accounting-lost').length;
        expect(rig.servers.got.length + lost).toBe(all);
        for (const session of made.keys()) {
          const times = rig.servers.got
            .filter((one) => firstOf(one, ATTRIBUTE.acctSessionId) === session)
            .map((one) => Math.floor((firstOf(one, ATTRIBUTE.eventTimestamp) ?? 0) / 1_000));
          expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
        }
        await rig.stop();
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);
