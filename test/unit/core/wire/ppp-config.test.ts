import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../../core/bytes/hex.ts';
import {
  encodeConfigPacket,
  encodeOptions,
  parseConfigPacket,
  parseOptions,
  sameOption,
} from '../../../../core/wire/ppp-config.ts';

describe('configuration packets', () => {
  it('are read up to their Length; what follows is padding', () => {
    const packet = parseConfigPacket(fromHex('0107 0008 01040578 00ff'));
    expect(packet).toMatchObject({ code: 1, identifier: 7 });
    expect(toHex(packet?.data ?? new Uint8Array())).toBe('01040578');
  });

  it.each(['', '0107', '0107 0003', '0107 0005', '0107 ffff 00'])(
    'are undefined when Length is wrong: "%s"',
    (text) => {
      expect(parseConfigPacket(fromHex(text))).toBeUndefined();
    },
  );

  it('are read back as written, and nothing throws', () => {
    fc.assert(
      fc.property(fc.nat(255), fc.nat(255), fc.uint8Array({ maxLength: 40 }), (code, identifier, data) => {
        expect(parseConfigPacket(encodeConfigPacket(code, identifier, data))).toEqual({ code, identifier, data });
        parseConfigPacket(data);
        parseOptions(data);
      }),
    );
  });
});

describe('options', () => {
  it.each(['01', '0100', '0101', '0103', '010405', '0702 08'])(
    'are undefined when one runs past the end: %s',
    (text) => {
      expect(parseOptions(fromHex(text))).toBeUndefined();
    },
  );

  it('are read back as written, in order', () => {
    const option = fc.record({ type: fc.nat(255), data: fc.uint8Array({ maxLength: 20 }) });
    fc.assert(
      fc.property(fc.array(option), (options) => {
        expect(parseOptions(encodeOptions(options))).toEqual(options);
      }),
    );
  });

  it('are the same when type and data are', () => {
    const one = { type: 1, data: Uint8Array.of(5, 120) };
    expect(sameOption(one, { type: 1, data: Uint8Array.of(5, 120) })).toBe(true);
    expect(sameOption(one, { type: 2, data: Uint8Array.of(5, 120) })).toBe(false);
    expect(sameOption(one, { type: 1, data: Uint8Array.of(5, 121) })).toBe(false);
  });
});
