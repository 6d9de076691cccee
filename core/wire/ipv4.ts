import { readU16, readU32, writeU16 } from '../bytes/bytes.ts';
import { type Ipv4, ipv4 } from '../bytes/ipv4-address.ts';

/** IPv4 header (RFC 791 section 3.1), read in place. Accessors are safe on any octets after `checkIpv4` said `ok`. */
export const IPV4_HEADER_LENGTH = 20;
export const IP_PROTOCOL = { tcp: 6, gre: 47, ipv6: 41 } as const;

const VERSION_IHL = 0;
const TOTAL_LENGTH = 2;
const FRAGMENT = 6;
const PROTOCOL = 9;
const CHECKSUM = 10;
const SOURCE = 12;
const DESTINATION = 16;
const MORE_FRAGMENTS_AND_OFFSET = 0x3fff;

export type Ipv4Check = 'ok' | 'malformed' | 'truncated';

/** Whether a whole IPv4 packet lies in `length` octets at `at`; octets behind its total length (padding) are allowed. */
export const checkIpv4 = (b: Uint8Array, at: number, length: number): Ipv4Check => {
  if (length < 1) return 'truncated';
  const first = b[at + VERSION_IHL] ?? 0;
  if (first >> 4 !== 4) return 'malformed';
  if (length < IPV4_HEADER_LENGTH) return 'truncated';
  const headerLength = (first & 15) * 4;
  const totalLength = readU16(b, at + TOTAL_LENGTH);
  if (headerLength < IPV4_HEADER_LENGTH || totalLength < headerLength) return 'malformed';
  return totalLength > length ? 'truncated' : 'ok';
};

export const ipv4HeaderLength = (b: Uint8Array, at: number): number => ((b[at + VERSION_IHL] ?? 0) & 15) * 4;
export const ipv4TotalLength = (b: Uint8Array, at: number): number => readU16(b, at + TOTAL_LENGTH);
export const ipv4Protocol = (b: Uint8Array, at: number): number => b[at + PROTOCOL] ?? 0;
export const ipv4Source = (b: Uint8Array, at: number): Ipv4 => ipv4(readU32(b, at + SOURCE));
export const ipv4Destination = (b: Uint8Array, at: number): Ipv4 => ipv4(readU32(b, at + DESTINATION));
/** A part of a fragmented datagram: first, middle or last. */
export const isIpv4Fragment = (b: Uint8Array, at: number): boolean =>
  (readU16(b, at + FRAGMENT) & MORE_FRAGMENTS_AND_OFFSET) !== 0;

/**
 * A header without options: identification 0, DF clear, TTL 64. The checksum is left 0 for a kernel that fills it in
 * (IP_HDRINCL does); others call `writeIpv4Checksum`.
 */
export const writeIpv4Header = (
  b: Uint8Array,
  at: number,
  fields: {
    readonly totalLength: number;
    readonly protocol: number;
    readonly source: number;
    readonly destination: number;
  },
): void => {
  b.fill(0, at, at + IPV4_HEADER_LENGTH);
  b[at + VERSION_IHL] = 0x45;
  writeU16(b, at + TOTAL_LENGTH, fields.totalLength);
  b[at + 8] = 64;
  b[at + PROTOCOL] = fields.protocol;
  writeU16(b, at + SOURCE, fields.source >>> 16);
  writeU16(b, at + SOURCE + 2, fields.source & 0xffff);
  writeU16(b, at + DESTINATION, fields.destination >>> 16);
  writeU16(b, at + DESTINATION + 2, fields.destination & 0xffff);
};

export const writeIpv4Checksum = (b: Uint8Array, at: number): void => {
  writeU16(b, at + CHECKSUM, 0);
  writeU16(b, at + CHECKSUM, onesComplement(sumWords(b, at, ipv4HeaderLength(b, at))));
};

/** Unfolded sum of 16-bit words (RFC 1071); an odd last octet counts as the high half of a word. */
export const sumWords = (b: Uint8Array, at: number, length: number, start = 0): number => {
  let sum = start;
  const end = at + length;
  for (let i = at; i + 1 < end; i += 2) sum += readU16(b, i);
  if (length % 2 === 1) sum += (b[end - 1] ?? 0) << 8;
  return sum;
};

/** Folds a sum and complements it: the value of a checksum field. */
export const onesComplement = (sum: number): number => {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
};

/** The checksum after one aligned 16-bit word changed: HC' = ~(~HC + ~m + m') (RFC 1624, equation 3). */
export const updateChecksum = (checksum: number, before: number, after: number): number =>
  onesComplement((~checksum & 0xffff) + (~before & 0xffff) + after);
