import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes } from '../../../core/bytes/bytes.ts';
import { fromHex } from '../../../core/bytes/hex.ts';
import { ControlStream } from '../../../core/wire/control-stream.ts';
import { type PptpMessage, parsePptpMessage, writePptpMessage } from '../../../core/wire/pptp-message.ts';
import { PPTP_MESSAGE_FAULTS } from '../../../core/wire/pptp-message-fields.ts';
import { octets, pptpMessages, segmentsOf } from '../../support/control-arbitraries.ts';
import { CONTROL_VECTORS } from '../../vectors/rfc2637-control-messages.ts';

const faults: ReadonlySet<unknown> = new Set(PPTP_MESSAGE_FAULTS);
const vectors = CONTROL_VECTORS.map((v) => fromHex(v.hex));

test('what is written is read back', () => {
  fc.assert(
    fc.property(pptpMessages, (message) => {
      expect(parsePptpMessage(writePptpMessage(message))).toEqual(message);
    }),
  );
});

test('any octets are a message or a named fault', () => {
  fc.assert(
    fc.property(octets(300), (bytes) => {
      const result = parsePptpMessage(bytes);
      expect(typeof result === 'object' || faults.has(result)).toBe(true);
    }),
  );
});

test('a message with any octet changed is read as itself or refused by name', () => {
  fc.assert(
    fc.property(fc.constantFrom(...vectors), fc.nat(), fc.nat(255), (vector, at, value) => {
      const bytes = vector.slice();
      bytes[at % bytes.length] = value;
      const result = parsePptpMessage(bytes);
      if (typeof result === 'string') expect(faults.has(result)).toBe(true);
      else expect(parsePptpMessage(writePptpMessage(result))).toEqual(result);
    }),
  );
});

test('any segmentation gives the same messages', () => {
  fc.assert(
    fc.property(
      fc.array(pptpMessages, { maxLength: 8 }),
      fc.array(fc.nat(250), { maxLength: 40 }),
      (messages, cuts) => {
        const stream = new ControlStream();
        const seen: PptpMessage[] = [];
        for (const segment of segmentsOf(concatBytes(...messages.map(writePptpMessage)), cuts)) {
          expect(stream.receive(segment, (message) => seen.push(message) > 0)).toBeUndefined();
          expect(stream.buffered).toBeLessThan(220);
        }
        expect(seen).toEqual(messages);
        expect(stream.buffered).toBe(0);
      },
    ),
  );
});

test('any octets in any segmentation give the same messages and the same fault, in a bounded buffer', () => {
  const inputs = fc
    .array(fc.oneof(octets(40), fc.constantFrom(...vectors)), { maxLength: 6 })
    .map((parts) => concatBytes(...parts));
  fc.assert(
    fc.property(inputs, fc.array(fc.nat(250), { maxLength: 40 }), (bytes, cuts) => {
      const whole = new ControlStream();
      const expected: PptpMessage[] = [];
      const fault = whole.receive(bytes, (message) => expected.push(message) > 0);
      const cut = new ControlStream();
      const seen: PptpMessage[] = [];
      let cutFault: string | undefined;
      for (const segment of segmentsOf(bytes, cuts)) {
        cutFault = cut.receive(segment, (message) => seen.push(message) > 0);
        expect(cut.buffered).toBeLessThanOrEqual(220);
      }
      expect(seen).toEqual(expected);
      expect(cutFault).toBe(fault);
    }),
  );
});
