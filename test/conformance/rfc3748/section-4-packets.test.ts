import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../../core/bytes/ascii.ts';
import { fromHex, toHex } from '../../../core/bytes/hex.ts';
import { EAP_TYPE, type EapPacket, parseEap, parseEapMd5, writeEap, writeEapMd5 } from '../../../core/wire/eap.ts';

const VECTORS: readonly (readonly [string, string, EapPacket])[] = [
  ['Request, Identity', '01 05 0005 01', { kind: 'request', identifier: 5, type: 1, data: new Uint8Array(0) }],
  [
    'Response, Identity "al"',
    '02 05 0007 01 616c',
    { kind: 'response', identifier: 5, type: 1, data: asciiBytes('al') },
  ],
  ['Response, Nak for TLS', '02 06 0006 03 0d', { kind: 'response', identifier: 6, type: 3, data: Uint8Array.of(13) }],
  ['Success', '03 07 0004', { kind: 'success', identifier: 7 }],
  ['Failure', '04 ff 0004', { kind: 'failure', identifier: 255 }],
];
const octets = (text: string): Uint8Array => fromHex(text.replaceAll(' ', ''));

describe('RFC 3748 section 4: packets', () => {
  it.each(VECTORS)('%s is read and written', (_name, hex, packet) => {
    expect(parseEap(octets(hex))).toEqual(packet);
    expect(toHex(writeEap(packet))).toBe(hex.replaceAll(' ', ''));
  });

  it.each(VECTORS)('%s with padding behind it is the same packet', (_name, hex, packet) => {
    expect(parseEap(octets(`${hex} 0000ff`))).toEqual(packet);
  });

  it.each(VECTORS)('%s cut anywhere is no packet', (_name, hex) => {
    const whole = octets(hex);
    for (let length = 0; length < whole.length; length += 1)
      expect(parseEap(whole.subarray(0, length))).toBeUndefined();
  });

  it.each([
    ['a code of 0', '00 01 0005 01'],
    ['a code of 5 (Initiate of RFC 6696)', '05 01 0005 01'],
    ['a Request without a type', '01 01 0004'],
    ['a length below the header', '03 01 0003'],
  ])('%s is no packet', (_name, hex) => {
    expect(parseEap(octets(hex))).toBeUndefined();
  });
});

describe('RFC 3748 section 5.4: MD5-Challenge', () => {
  it('is a value with its size, and a name', () => {
    const md5 = { value: fromHex('00112233'), name: asciiBytes('gw') };
    expect(toHex(writeEapMd5(md5))).toBe('04001122336777');
    expect(parseEapMd5(fromHex('04001122336777'))).toEqual(md5);
  });

  it('needs a value that is all there', () => {
    for (const hex of ['', '00', '04001122']) expect(parseEapMd5(fromHex(hex))).toBeUndefined();
  });

  it('has the types of section 5 and of IANA', () => {
    expect(EAP_TYPE).toMatchObject({ identity: 1, notification: 2, nak: 3, md5Challenge: 4, tls: 13, msChapV2: 26 });
  });
});
