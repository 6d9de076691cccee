import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type EapPacket, parseEap, writeEap } from '../../../core/wire/eap.ts';
import { type EapTlsPacket, parseEapTls, writeEapTls } from '../../../core/wire/eap-tls.ts';

const octet = fc.integer({ min: 0, max: 255 });
const packet: fc.Arbitrary<EapPacket> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('request' as const, 'response' as const),
    identifier: octet,
    type: octet,
    data: fc.uint8Array({ maxLength: 1500 }),
  }),
  fc.record({ kind: fc.constantFrom('success' as const, 'failure' as const), identifier: octet }),
);
const tlsPacket: fc.Arbitrary<EapTlsPacket> = fc
  .record(
    {
      start: fc.boolean(),
      more: fc.boolean(),
      data: fc.uint8Array({ maxLength: 1500 }),
      totalLength: fc.integer({ min: 0, max: 0xffffffff }),
    },
    { requiredKeys: ['start', 'more', 'data'] },
  )
  .map((one) => ({ ...one }));

it('what is written is read again, with any padding', () => {
  fc.assert(
    fc.property(packet, fc.uint8Array({ maxLength: 5 }), (one, padding) => {
      expect(parseEap(Uint8Array.of(...writeEap(one), ...padding))).toEqual(one);
    }),
  );
  fc.assert(
    fc.property(tlsPacket, (one) => {
      expect(parseEapTls(writeEapTls(one))).toEqual(one);
    }),
  );
});

it('any octets are a packet or none, never an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const parsed = parseEap(bytes);
      if (parsed !== undefined) expect(writeEap(parsed).length).toBeLessThanOrEqual(Math.max(4, bytes.length));
      parseEapTls(bytes);
    }),
  );
});
