import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../../core/bytes/ascii.ts';
import { concatBytes } from '../../../core/bytes/bytes.ts';
import { fromHex, toHex } from '../../../core/bytes/hex.ts';
import { MPPC_FAULT, MppcDecoder } from '../../../core/compress/mppc-decoder.ts';
import { MppcEncoder } from '../../../core/compress/mppc-encoder.ts';

/** MS-RDPBCGR section 3.1.8 prints this; the bit grammar is RFC 2118's. */
const BELLS = asciiBytes('for.whom.the.bell.tolls,.the.bell.tolls.for.thee!');
const BELLS_MPPC = '666f722e77686f6d2e7468652e62656c6c2e746f6c6c732cf4372e66fa1f199484';

/** Packs "0 1101 ..." into octets, zero padded. */
const bits = (text: string): Uint8Array => {
  const digits = text.replaceAll(/[^01]/g, '');
  const octets = digits.match(/.{1,8}/g) ?? [];
  return Uint8Array.from(octets, (octet) => Number.parseInt(octet.padEnd(8, '0'), 2));
};
const binary = (value: number, width: number): string => value.toString(2).padStart(width, '0');
const literal = (octet: number): string => (octet < 0x80 ? `0${binary(octet, 7)}` : `10${binary(octet - 0x80, 7)}`);
const offset = (back: number): string => {
  if (back < 64) return `1111${binary(back, 6)}`;
  return back < 320 ? `1110${binary(back - 64, 8)}` : `110${binary(back - 320, 13)}`;
};
const run = (length: number): string => {
  if (length === 3) return '0';
  const width = Math.floor(Math.log2(length));
  return `${'1'.repeat(width - 1)}0${binary(length - 2 ** width, width)}`;
};

const decode = (data: Uint8Array, decoder = new MppcDecoder(), most?: number): Uint8Array | number => {
  const length = decoder.decode(data, 0, data.length, most);
  return length < 0 ? length : decoder.history.slice(decoder.start, decoder.start + length);
};
const encode = (plain: Uint8Array, encoder = new MppcEncoder()): Uint8Array | undefined => {
  const slab = concatBytes(Uint8Array.of(1, 2, 3), plain, Uint8Array.of(4, 5));
  const length = encoder.encode(slab, 3, plain.length);
  expect([...slab.subarray(0, 3), ...slab.subarray(3 + plain.length)]).toEqual([1, 2, 3, 4, 5]);
  return length < 0 ? undefined : slab.slice(3, 3 + length);
};

describe('the published vector', () => {
  it('decodes', () => expect(decode(fromHex(BELLS_MPPC))).toEqual(BELLS));
  it('is no shorter than what the encoder makes of it, other matches of the same length apart', () => {
    const made = encode(BELLS) ?? new Uint8Array();
    expect(made.length).toBeLessThanOrEqual(BELLS_MPPC.length / 2);
    expect(decode(made)).toEqual(BELLS);
  });
});

describe('tokens', () => {
  it('literals of 8 and 9 bits', () => {
    expect(decode(bits([0x00, 0x7f, 0x80, 0xff, 0x41].map(literal).join(' ')))).toEqual(
      Uint8Array.of(0x00, 0x7f, 0x80, 0xff, 0x41),
    );
  });

  it.each([1, 2, 63, 64, 65, 319, 320, 321, 1000])('a copy from %i octets back', (back) => {
    const before = Array.from({ length: back + 3 }, (_, i) => (i * 7) & 0x7f);
    const data = bits(before.map(literal).join('') + offset(back) + run(3));
    const expected = [...before];
    for (let i = 0; i < 3; i += 1) expected.push(expected[expected.length - back] ?? -1);
    expect(decode(data)).toEqual(Uint8Array.from(expected));
  });

  it.each([3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 511, 512, 1023, 1024, 1400])(
    'a run of %i octets, both ways',
    (length) => {
      const plain = Uint8Array.from({ length: length + 1 }, () => 0x61);
      const data = bits(literal(0x61) + offset(1) + run(length));
      expect(decode(data)).toEqual(plain);
      expect(encode(plain)).toEqual(data.length < plain.length ? data : undefined);
    },
  );

  it('a copy whose length needs 22 and 24 bits is understood, and too long for a packet', () => {
    for (const length of [2048, 4095, 4096, 8000]) {
      const data = bits(literal(1) + offset(1) + run(length));
      expect(decode(data)).toBe(MPPC_FAULT.tooLong);
      expect(decode(data, new MppcDecoder(), 8192)).toHaveLength(length + 1);
    }
  });
});

describe('what is no MPPC', () => {
  it.each([
    ['a literal', '10 1111 11'],
    ['a near offset', `${literal(1)} 1111 0000`],
    ['a middle offset', `${literal(1)} 1110 0000`],
    ['a far offset', `${literal(1)} 110 00000`],
    ['a copy without its length', `${literal(1)} 110 00000 00000000`],
    ['a length', `${literal(1)} 1111 000001 11111111 11`],
  ])('cut off in %s', (_, text) => expect(decode(bits(text))).toBe(MPPC_FAULT.cutOff));

  it('a length of twelve ones', () =>
    expect(decode(bits(`${literal(1)} 1111 000001 111111111111 000000000000`))).toBe(MPPC_FAULT.badToken));
  it('an offset of 0', () => expect(decode(bits(`${literal(1)} 1111 000000 0 0000000`))).toBe(MPPC_FAULT.badToken));
  it('an offset beyond the history', () =>
    expect(decode(bits(`${literal(1)} 110 1111111111111 0 0000`))).toBe(MPPC_FAULT.badToken));
  it('more than fits', () => {
    expect(decode(fromHex('616263'), new MppcDecoder(), 2)).toBe(MPPC_FAULT.tooLong);
    const decoder = new MppcDecoder();
    for (let i = 0; i < 8192 / 1024; i += 1)
      expect(decode(bits(literal(i) + offset(1) + run(1023)), decoder)).toHaveLength(1024);
    expect(decode(fromHex('61'), decoder)).toBe(MPPC_FAULT.tooLong);
    decoder.restart();
    expect(decode(fromHex('61'), decoder)).toEqual(Uint8Array.of(0x61));
  });
});

describe('the history', () => {
  it('goes on from packet to packet, and is zeroes after a reset', () => {
    const decoder = new MppcDecoder();
    expect(decode(asciiBytes('abcd'), decoder)).toEqual(asciiBytes('abcd'));
    expect(decode(bits(offset(4) + run(4)), decoder)).toEqual(asciiBytes('abcd'));
    decoder.reset();
    expect(decode(bits(offset(4) + run(4)), decoder)).toEqual(new Uint8Array(4));
  });

  it('of the sender makes the second packet smaller, until it is flushed', () => {
    const encoder = new MppcEncoder();
    const [first, second] = [encode(BELLS, encoder), encode(BELLS, encoder)];
    expect(toHex(second ?? new Uint8Array())).toBe(toHex(bits(offset(49) + run(49))));
    expect(encoder.atFront).toBe(false);
    encoder.flush();
    expect(encode(BELLS, encoder)).toEqual(first);
    expect(encoder.atFront).toBe(true);
  });

  it('of the sender starts at the front again when a packet does not fit behind the last one', () => {
    const encoder = new MppcEncoder();
    const decoder = new MppcDecoder();
    const fronts: boolean[] = [];
    for (let i = 0; i < 14; i += 1) {
      const plain = Uint8Array.from({ length: 1400 }, (_, at) => (((at * at) >> 6) ^ i) & 0x7f);
      const data = encode(plain, encoder);
      if (data === undefined) throw new Error('not compressed');
      if (encoder.atFront) decoder.restart();
      expect(decode(data, decoder)).toEqual(plain);
      fronts.push(encoder.atFront);
    }
    expect(fronts).toEqual(Array.from({ length: 14 }, (_, i) => i % 5 === 0));
  });

  it('of the sender is empty after a packet that would have grown', () => {
    const encoder = new MppcEncoder();
    encode(BELLS, encoder);
    expect(
      encode(
        Uint8Array.from({ length: 64 }, (_, i) => 255 - i),
        encoder,
      ),
    ).toBeUndefined();
    expect(encode(BELLS, encoder)).toEqual(encode(BELLS));
    expect(encoder.atFront).toBe(true);
  });
});
