import { describe, expect, it } from 'vitest';
import { fromHex } from '../../../../core/bytes/hex.ts';
import { formatIpv4 } from '../../../../core/bytes/ipv4-address.ts';
import {
  checkIpv4,
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  isIpv4Fragment,
  onesComplement,
  sumWords,
  updateChecksum,
  writeIpv4Checksum,
  writeIpv4Header,
} from '../../../../core/wire/ipv4.ts';
import { address } from '../../../support/batches.ts';

/** A UDP packet, 192.168.0.1 to 192.168.0.199, of 115 octets: the worked checksum example b861. */
const HEADER = fromHex('45 00 00 73 00 00 40 00 40 11 b8 61 c0 a8 00 01 c0 a8 00 c7');
const packet = (): Uint8Array => {
  const bytes = new Uint8Array(115);
  bytes.set(HEADER);
  return bytes;
};

describe('IPv4 header', () => {
  it('is read field by field, at any offset', () => {
    const slab = new Uint8Array(200);
    slab.set(packet(), 33);
    expect(checkIpv4(slab, 33, 115)).toBe('ok');
    expect(ipv4HeaderLength(slab, 33)).toBe(20);
    expect(ipv4TotalLength(slab, 33)).toBe(115);
    expect(ipv4Protocol(slab, 33)).toBe(17);
    expect(formatIpv4(ipv4Source(slab, 33))).toBe('192.168.0.1');
    expect(formatIpv4(ipv4Destination(slab, 33))).toBe('192.168.0.199');
    expect(isIpv4Fragment(slab, 33)).toBe(false);
  });

  it('is written with TTL 64, DF clear, and the checksum on request', () => {
    const bytes = new Uint8Array(22).fill(0xee);
    const fields = {
      totalLength: 84,
      protocol: 47,
      source: address('10.0.0.1'),
      destination: address('203.0.113.255'),
    };
    writeIpv4Header(bytes, 1, fields);
    expect(bytes).toEqual(fromHex('ee 45000054 00000000 402f0000 0a000001 cb0071ff ee'));
    writeIpv4Checksum(bytes, 1);
    expect(onesComplement(sumWords(bytes, 1, 20))).toBe(0);
  });

  it('has the checksum of the worked example', () => {
    const bytes = packet();
    bytes.fill(0, 10, 12);
    writeIpv4Checksum(bytes, 0);
    expect(bytes.subarray(0, 20)).toEqual(HEADER);
  });

  it('is truncated at every length short of the whole', () => {
    for (let length = 0; length < 115; length += 1) expect(checkIpv4(packet(), 0, length)).toBe('truncated');
    expect(checkIpv4(packet(), 0, 115)).toBe('ok');
  });

  it('may have padding behind it', () => {
    expect(checkIpv4(new Uint8Array([...packet(), 0, 0, 0]), 0, 118)).toBe('ok');
  });

  it.each<[string, ...number[]]>([
    ['version 6', 0, 0x65],
    ['version 0', 0, 0x05],
    ['header length below 20', 0, 0x44],
    ['header length beyond the total', 0, 0x4f, 3, 40],
    ['total length below the header', 3, 19],
  ])('is malformed: %s', (_, ...patches) => {
    const bytes = packet();
    for (let i = 0; i < patches.length; i += 2) bytes[patches[i] ?? 0] = patches[i + 1] ?? 0;
    expect(checkIpv4(bytes, 0, bytes.length)).toBe('malformed');
  });

  it.each([
    ['first', 0x2000, true],
    ['middle', 0x2010, true],
    ['last', 0x0010, true],
    ['do not fragment', 0x4000, false],
  ])('fragment: %s', (_, word, expected) => {
    const bytes = packet();
    bytes[6] = word >> 8;
    bytes[7] = word & 0xff;
    expect(isIpv4Fragment(bytes, 0)).toBe(expected);
  });
});

describe('incremental checksum', () => {
  it('follows the example of RFC 1624 section 4', () => {
    expect(updateChecksum(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
  });
});
