import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../../../core/bytes/hex.ts';
import {
  type ChapPacket,
  formatMsChapFailure,
  formatMsChapV2Success,
  parseChap,
  parseMsChapFailure,
  parseMsChapV2Response,
  parseMsChapV2Success,
  writeChap,
  writeMsChapV2Response,
} from '../../../../core/wire/chap.ts';

/** Challenge of the capture pptpd-mschap-v2-128, name "pptpd". */
const CHALLENGE = '0155001a1076f52e4ef623e4bc74eba96bf680f1a3' + '7070747064';
const SUCCESS_TEXT = 'S=ED9F7A2AA40D2071F6C5C50900E3C5FD8BA8709F M=Access granted';

describe('CHAP packets', () => {
  test('parse and write a challenge', () => {
    const packet = parseChap(fromHex(CHALLENGE));
    expect(packet).toEqual({
      kind: 'challenge',
      identifier: 0x55,
      value: fromHex('76f52e4ef623e4bc74eba96bf680f1a3'),
      name: 'pptpd',
    });
    if (packet !== undefined) expect(toHex(writeChap(packet))).toBe(CHALLENGE);
  });

  test('octets behind the Length field are padding', () => {
    expect(parseChap(fromHex(`${CHALLENGE}0000`))).toEqual(parseChap(fromHex(CHALLENGE)));
  });

  test('every truncation is refused', () => {
    const whole = fromHex(CHALLENGE);
    for (let length = 0; length < whole.length; length += 1)
      expect(parseChap(whole.subarray(0, length))).toBeUndefined();
  });

  test.each([
    ['Length below the header', '01550003'],
    ['no Value-Size', '01550004'],
    ['Value longer than the packet', '0155000603aabb'],
  ])('refused: %s', (_name, hex) => {
    expect(parseChap(fromHex(hex))).toBeUndefined();
  });

  test('other codes are kept', () => {
    expect(parseChap(fromHex('07010006aabb'))).toEqual({
      kind: 'other',
      code: 7,
      identifier: 1,
      data: fromHex('aabb'),
    });
  });

  test('round trip of any packet', () => {
    const identifier = fc.nat(255);
    const octets = fc.uint8Array({ maxLength: 255 });
    const text = fc.array(fc.nat(255), { maxLength: 80 }).map((codes) => String.fromCharCode(...codes));
    const packet: fc.Arbitrary<ChapPacket> = fc.oneof(
      fc.record({ kind: fc.constantFrom('challenge', 'response'), identifier, value: octets, name: text }),
      fc.record({ kind: fc.constantFrom('success', 'failure'), identifier, message: text }),
      fc.record({ kind: fc.constant('other'), code: fc.integer({ min: 5, max: 255 }), identifier, data: octets }),
    );
    fc.assert(
      fc.property(packet, (value) => {
        expect(parseChap(writeChap(value))).toEqual(value);
      }),
    );
  });

  test('any octets: a packet or nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const packet = parseChap(bytes);
        if (packet?.kind === 'failure') parseMsChapFailure(packet.message);
        if (packet?.kind === 'success') parseMsChapV2Success(packet.message);
        if (packet?.kind === 'response') parseMsChapV2Response(packet.value);
        if (packet !== undefined) expect(writeChap(packet)).toEqual(bytes.slice(0, writeChap(packet).length));
      }),
    );
  });
});

describe('MS-CHAPv2 response value', () => {
  test('has 49 octets: peer challenge, eight zeroes, NT response, flags', () => {
    const response = { peerChallenge: new Uint8Array(16).fill(1), ntResponse: new Uint8Array(24).fill(2), flags: 4 };
    const value = writeMsChapV2Response(response);
    expect(toHex(value)).toBe(`${'01'.repeat(16)}${'00'.repeat(8)}${'02'.repeat(24)}04`);
    expect(parseMsChapV2Response(value)).toEqual(response);
    expect(parseMsChapV2Response(value.subarray(1))).toBeUndefined();
    expect(parseMsChapV2Response(new Uint8Array(50))).toBeUndefined();
  });
});

describe('success message', () => {
  test('with and without a text', () => {
    const parsed = parseMsChapV2Success(SUCCESS_TEXT);
    expect(parsed?.text).toBe('Access granted');
    expect(formatMsChapV2Success(parsed?.authenticatorResponse ?? '', parsed?.text)).toBe(SUCCESS_TEXT);
    const bare = SUCCESS_TEXT.slice(0, 42);
    expect(parseMsChapV2Success(bare)).toEqual({ authenticatorResponse: bare, text: '' });
    expect(formatMsChapV2Success(bare, undefined)).toBe(bare);
  });

  test.each(['', 'M=hello', SUCCESS_TEXT.slice(0, 41), `${SUCCESS_TEXT.slice(0, 42)}0`, 'S=zz'])(
    'refused: %j',
    (text) => {
      expect(parseMsChapV2Success(text)).toBeUndefined();
    },
  );
});

describe('failure message', () => {
  const challenge = fromHex('00112233445566778899AABBCCDDEEFF');

  test('RFC 2759 section 6 shape', () => {
    const text = 'E=691 R=1 C=00112233445566778899AABBCCDDEEFF V=3 M=Wrong password';
    const failure = { error: 691, retry: true, challenge, version: 3, text: 'Wrong password' };
    expect(formatMsChapFailure(failure)).toBe(text);
    expect(parseMsChapFailure(text)).toEqual(failure);
  });

  test('fields that others leave out or bend', () => {
    expect(parseMsChapFailure('E=691 R=1 V=3')).toEqual({ error: 691, retry: true, version: 3, text: '' });
    expect(parseMsChapFailure('E=648 R=0 C=0011 V=3')?.challenge).toBeUndefined();
    expect(parseMsChapFailure('E=691 R=0 V=3 M=say E=647 R=1 M=x')).toEqual({
      error: 691,
      retry: false,
      version: 3,
      text: 'say E=647 R=1 M=x',
    });
    expect(parseMsChapFailure('Authentication failure')).toBeUndefined();
    expect(parseMsChapFailure('')).toBeUndefined();
  });
});
