import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../core/bytes/hex.ts';
import { emptyGreHeader, greLength, parseGre, writeGre } from '../../../core/wire/gre.ts';

const parse = (hex: string) => {
  const bytes = fromHex(hex);
  const header = emptyGreHeader();
  return parseGre(bytes, 0, bytes.length, header) ?? header;
};
const write = (callId: number, payload: number, sequence: number, acknowledgment: number): string => {
  const bytes = new Uint8Array(greLength(sequence, acknowledgment));
  writeGre(bytes, 0, callId, payload, sequence, acknowledgment);
  return toHex(bytes);
};

describe('RFC 2637 section 4.1: enhanced GRE header', () => {
  it('reads the example of MS-PTPT section 4: data and acknowledgment, 12 octets for call FAEA', () => {
    expect(parse(`3081880b 000c faea 0000000f 0000000f ${'00'.repeat(12)}`)).toEqual({
      headerLength: 16,
      payloadLength: 12,
      callId: 0xfaea,
      sequence: 15,
      acknowledgment: 15,
    });
  });

  it('reads data without acknowledgment', () => {
    expect(parse('3001880b 0002 1234 00000000 ff03')).toMatchObject({
      headerLength: 12,
      sequence: 0,
      acknowledgment: -1,
    });
  });

  it('reads a lone acknowledgment: no sequence number, acknowledgment at octet 8, 12 octets in all', () => {
    expect(parse('2081880b 0000 1234 ffffffff')).toEqual({
      headerLength: 12,
      payloadLength: 0,
      callId: 0x1234,
      sequence: -1,
      acknowledgment: 0xffffffff,
    });
  });

  it.each([
    ['data', 0x2222, 5, 0, -1, '3001880b0005222200000000'],
    ['data and acknowledgment', 0xfaea, 12, 15, 15, '3081880b000cfaea0000000f0000000f'],
    ['a lone acknowledgment', 1, 0, -1, 0xfffffffe, '2081880b00000001fffffffe'],
  ])('writes %s', (_name, call, payload, sequence, acknowledgment, expected) => {
    expect(write(call, payload, sequence, acknowledgment)).toBe(expected);
  });

  it('takes octets behind the payload for padding', () => {
    expect(parse('3001880b 0002 1234 00000000 ff03 0000 0000')).toMatchObject({ payloadLength: 2 });
  });

  it.each([
    ['checksum present', 'b001880b 0000 1234 00000000', 'malformed'],
    ['routing present', '7001880b 0000 1234 00000000', 'malformed'],
    ['strict source route', '3801880b 0000 1234 00000000', 'malformed'],
    ['recursion control', '3101880b 0000 1234 00000000', 'malformed'],
    ['a flag bit', '3009880b 0000 1234 00000000', 'malformed'],
    ['no key', '1001880b 0000 1234 00000000', 'malformed'],
    ['payload without sequence number', '2081880b 0001 1234 00000000 00', 'malformed'],
    ['neither payload nor acknowledgment', '2001880b 0000 1234', 'malformed'],
    ['version 0', '3000880b 0000 1234 00000000', 'unsupported'],
    ['another protocol type', '30010800 0000 1234 00000000', 'unsupported'],
    ['payload length beyond the datagram', '3001880b 0003 1234 00000000 ff03', 'truncated'],
  ])('refuses %s', (_name, hex, reason) => {
    expect(parse(hex)).toBe(reason);
  });

  it('refuses every truncation of a full header', () => {
    const whole = '3081880b000cfaea0000000f0000000f';
    for (let octets = 0; octets < 16; octets += 1) expect(parse(whole.slice(0, 2 * octets))).toBe('truncated');
  });
});
