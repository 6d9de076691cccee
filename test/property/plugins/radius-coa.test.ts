import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readRequest } from '../../../plugins/radius/coa/index.ts';
import { type Attribute, CODE } from '../../../plugins/radius/wire/index.ts';
import { facts } from '../../support/accounting-rig.ts';
import { CLIENT, CoaRig } from '../../support/coa-rig.ts';

const anyAttribute: fc.Arbitrary<Attribute> = fc.record({
  vendor: fc.constantFrom(0, 0, 0, 311, 14122, 14988),
  type: fc.oneof(
    fc.constantFrom(1, 4, 5, 6, 7, 8, 11, 24, 25, 26, 27, 28, 31, 32, 33, 44, 55, 85),
    fc.integer({ min: 1, max: 255 }),
  ),
  value: fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.uint8Array({ minLength: 4, maxLength: 4 })),
});
const code = fc.constantFrom(CODE.disconnectRequest, CODE.coaRequest);

test('any octets from a client are answered or dropped by name, and nothing happens', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      const rig = new CoaRig();
      rig.directory.sessions.push(facts('s1'));
      expect(await rig.service.handle(bytes, CLIENT, 1)).toBeUndefined();
      expect(rig.drops).toHaveLength(1);
      expect(rig.directory.sessions).toHaveLength(1);
    }),
  );
});

test('any attributes under our secret have an answer: done, or one cause and nothing done', async () => {
  await fc.assert(
    fc.asyncProperty(code, fc.array(anyAttribute, { maxLength: 8 }), async (kind, attributes) => {
      const rig = new CoaRig();
      rig.directory.sessions.push(facts('s1'));
      const answer = await rig.ask(kind, ...attributes.filter(({ type }) => type !== 55 && type !== 80));
      const done = rig.directory.ended.length + rig.directory.changed.length;
      if (answer?.cause === undefined) expect([answer?.code, done]).toEqual([kind + 1, 1]);
      else expect([answer.code, done]).toEqual([kind + 2, 0]);
    }),
  );
});

test('reading never throws', () => {
  fc.assert(
    fc.property(code, fc.array(anyAttribute, { maxLength: 12 }), (kind, attributes) => {
      const reading = readRequest({ code: kind, identifier: 1, authenticator: new Uint8Array(16), attributes });
      if (reading.ok) reading.request.change({});
      else expect(reading.detail).not.toBe('');
    }),
  );
});
