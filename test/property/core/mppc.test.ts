import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MppcDecoder } from '../../../core/compress/mppc-decoder.ts';
import { MppcEncoder } from '../../../core/compress/mppc-encoder.ts';
import { MPPC_HISTORY, MPPC_MOST } from '../../../core/compress/mppc-format.ts';

/** From text with few letters to noise. */
const anyPacket = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: MPPC_MOST }),
  fc
    .array(fc.constantFrom(0x20, 0x61, 0x62, 0x80, 0xff), { minLength: 1, maxLength: MPPC_MOST })
    .map((octets) => Uint8Array.from(octets)),
  fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 36 }))
    .map(([part, times]) => Uint8Array.from({ length: part.length * times }, (_, i) => part[i % part.length] ?? 0)),
);

test('what is encoded decodes to the same, packet after packet, and is smaller; what would not be is left as it was', () => {
  fc.assert(
    fc.property(fc.array(anyPacket, { minLength: 1, maxLength: 30 }), fc.array(fc.boolean()), (packets, flushes) => {
      const encoder = new MppcEncoder();
      const decoder = new MppcDecoder();
      let reset = false;
      for (const [i, plain] of packets.entries()) {
        if (flushes[i] === true) {
          encoder.flush();
          reset = true;
        }
        const slab = new Uint8Array(plain.length + 8).fill(0xee);
        slab.set(plain, 4);
        const size = encoder.encode(slab, 4, plain.length);
        expect([...slab.subarray(0, 4), ...slab.subarray(4 + plain.length)]).toEqual(new Array(8).fill(0xee));
        if (size < 0) {
          expect(slab.subarray(4, 4 + plain.length)).toEqual(plain);
          reset = true;
          continue;
        }
        expect(size).toBeLessThan(plain.length);
        if (reset) decoder.reset();
        reset = false;
        if (encoder.atFront) decoder.restart();
        expect(decoder.decode(slab, 4, size)).toBe(plain.length);
        expect(decoder.history.subarray(decoder.start, decoder.start + plain.length)).toEqual(plain);
      }
    }),
    { numRuns: 200 },
  );
});

test('any octets decode to data within bounds or a named fault, whatever came before', () => {
  const anyStep = fc.record({
    octets: fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      // Rich in ones: copies instead of literals.
      fc
        .array(fc.constantFrom(0xff, 0xfe, 0xf8, 0xf0, 0x80, 0x00), { maxLength: 200 })
        .map((octets) => Uint8Array.from(octets)),
    ),
    before: fc.constantFrom('reset', 'restart', 'nothing'),
    most: fc.integer({ min: 0, max: 2 * MPPC_HISTORY }),
  });
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
      const decoder = new MppcDecoder();
      for (const { octets, before, most } of steps) {
        if (before === 'reset') decoder.reset();
        if (before === 'restart') decoder.restart();
        const copy = octets.slice();
        const length = decoder.decode(octets, 0, octets.length, most);
        expect(octets).toEqual(copy);
        if (length < 0) expect([-1, -2, -3]).toContain(length);
        else {
          expect(length).toBeLessThanOrEqual(most);
          expect(decoder.start + length).toBeLessThanOrEqual(MPPC_HISTORY);
        }
      }
      expect(decoder.history).toHaveLength(MPPC_HISTORY);
    }),
    { numRuns: 500 },
  );
});
