import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../../core/bytes/hex.ts';
import {
  describeProtocol,
  PPP,
  pppHeaderLength,
  pppHeaderSize,
  pppProtocol,
  readPppHeader,
  writePppHeader,
} from '../../../../core/wire/ppp.ts';

const read = (text: string, from = 0): string => {
  const bytes = fromHex(text);
  const header = readPppHeader(bytes, from, bytes.length);
  return header < 0 ? 'cut' : `${pppProtocol(header).toString(16)}+${pppHeaderLength(header)}`;
};

describe('readPppHeader', () => {
  it.each([
    ['ff03 c021 01', 'c021+4'],
    ['c021 01', 'c021+2'],
    ['ff03 0021 45', '21+4'],
    ['ff03 21 45', '21+3'],
    ['21 45', '21+1'],
    ['00fd 90', 'fd+2'],
    ['fd 90', 'fd+1'],
    ['21', '21+1'],
    // Not FF 03: what follows is taken for a protocol, and an unknown one at that.
    ['ff04', 'ff+1'],
    // An even second octet breaks the rules; it stays what it is and is nobody's protocol.
    ['c022 00', 'c022+2'],
    ['', 'cut'],
    ['ff03', 'cut'],
    ['ff03 c0', 'cut'],
    ['00', 'cut'],
  ])('"%s" is %s', (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  it('reads inside a window', () => {
    expect(read('aabb 21 45', 2)).toBe('21+1');
    expect(readPppHeader(fromHex('aabb2145'), 2, 2)).toBe(-1);
    expect(readPppHeader(fromHex('c021'), 0, 1)).toBe(-1);
  });

  it('is total', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), fc.nat(10), fc.nat(10), (bytes, from, to) => {
        const header = readPppHeader(bytes, from, to);
        if (header >= 0) expect(from + pppHeaderLength(header)).toBeLessThanOrEqual(Math.min(to, bytes.length));
      }),
    );
  });
});

describe('writePppHeader', () => {
  const write = (protocol: number, sendAcfc: boolean, sendPfc: boolean): string => {
    const bytes = new Uint8Array(6);
    const length = writePppHeader(bytes, 1, protocol, { sendAcfc, sendPfc });
    expect(length).toBe(pppHeaderSize(protocol, { sendAcfc, sendPfc }));
    expect([bytes[0], ...bytes.subarray(1 + length)].every((octet) => octet === 0)).toBe(true);
    return toHex(bytes.subarray(1, 1 + length));
  };

  it('leaves out what the peer allows, but never anything of LCP', () => {
    expect(write(PPP.ipv4, false, false)).toBe('ff030021');
    expect(write(PPP.ipv4, true, false)).toBe('0021');
    expect(write(PPP.ipv4, false, true)).toBe('ff0321');
    expect(write(PPP.ipv4, true, true)).toBe('21');
    expect(write(PPP.ccp, true, true)).toBe('80fd');
    expect(write(PPP.lcp, true, true)).toBe('ff03c021');
  });

  it('is read back as it was written', () => {
    const legal = fc.integer({ min: 0, max: 0x7f7f }).map((n) => ((n & 0x7f00) << 1) | ((n & 0x7f) << 1) | 1);
    fc.assert(
      fc.property(legal, fc.boolean(), fc.boolean(), (protocol, sendAcfc, sendPfc) => {
        fc.pre(protocol !== 0xff);
        const bytes = new Uint8Array(4);
        const length = writePppHeader(bytes, 0, protocol, { sendAcfc, sendPfc });
        const header = readPppHeader(bytes, 0, length);
        expect([pppProtocol(header), pppHeaderLength(header)]).toEqual([protocol, length]);
      }),
    );
  });
});

describe('describeProtocol', () => {
  it('names what it knows', () => {
    expect([describeProtocol(0x8057), describeProtocol(0x4021)]).toEqual(['ipv6cp (0x8057)', '0x4021']);
  });
});
