import fc from 'fast-check';
import { expect, it } from 'vitest';
import { agreedMethod, summarizePpp } from '../../../core/machine/ppp-summary.ts';
import { PPP } from '../../../core/wire/ppp.ts';

const protocol = fc.oneof(fc.constantFrom(...Object.values(PPP)), fc.nat(0xffff));
const frame = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  // Packets whose length is right get further.
  fc.tuple(fc.nat(15), fc.nat(255), fc.uint8Array({ maxLength: 40 })).map(([code, identifier, data]) => {
    return Uint8Array.of(code, identifier, 0, data.length + 4, ...data);
  }),
);

it('any octets of any protocol have a short summary of printable ASCII, or none', () => {
  fc.assert(
    fc.property(protocol, frame, (number, bytes) => {
      const summary = summarizePpp(number, bytes);
      if (summary === undefined) return;
      expect(summary.name).toMatch(/^[a-z0-9]+\.[a-z-]+$/);
      expect(summary.detail ?? '').toMatch(/^[\x20-\x7e]{0,600}$/);
    }),
  );
});

it('any octets name a method in printable words, or none', () => {
  fc.assert(
    fc.property(frame, (bytes) => {
      expect(agreedMethod(bytes) ?? 'none').toMatch(/^[\x20-\x7e]{1,40}$/);
    }),
  );
});
