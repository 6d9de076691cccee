import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../../core/bytes/hex.ts';
import { parsePptpMessage, writePptpMessage } from '../../../core/wire/pptp-message.ts';
import { CONTROL_VECTORS, MS_PTPT_EXCHANGE } from '../../vectors/rfc2637-control-messages.ts';

describe('RFC 2637 section 2: the 15 control messages', () => {
  test('every Control Message Type from 1 to 15 has a vector', () => {
    expect(CONTROL_VECTORS.map((v) => fromHex(v.hex)[9])).toEqual(Array.from({ length: 15 }, (_, i) => i + 1));
  });

  for (const { section, length, hex, message } of CONTROL_VECTORS) {
    test(`${section} ${message.kind} is ${length} octets and is read and written byte for byte`, () => {
      const bytes = fromHex(hex);
      expect(bytes.length).toBe(length);
      expect(parsePptpMessage(bytes)).toEqual(message);
      expect(toHex(writePptpMessage(message))).toBe(toHex(bytes));
    });
  }

  for (const { hex, message, section } of CONTROL_VECTORS) {
    test(`${section} reserved fields are ignored on receipt and written as zero`, () => {
      const zeroed = fromHex(hex);
      const bytes = zeroed.slice();
      bytes[10] = 0xff;
      bytes[11] = 0xee;
      expect(parsePptpMessage(bytes)).toEqual(message);
      expect(writePptpMessage(message)).toEqual(zeroed);
    });
  }
});

describe('MS-PTPT section 4: the exchange of a Windows client and server (built from its field values)', () => {
  for (const { section, length, hex, message } of MS_PTPT_EXCHANGE) {
    test(section, () => {
      const bytes = fromHex(hex);
      expect(bytes.length).toBe(length);
      expect(parsePptpMessage(bytes)).toEqual(message);
      expect(toHex(writePptpMessage(message))).toBe(toHex(bytes));
    });
  }
});
