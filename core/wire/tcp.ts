import { readU16, writeU16 } from '../bytes/bytes.ts';
import { updateChecksum } from './ipv4.ts';

/** TCP header (RFC 9293 section 3.1), read in place. */
const HEADER_LENGTH = 20;
const DATA_OFFSET = 12;
const FLAGS = 13;
const CHECKSUM = 16;
const SYN = 0x02;
const OPTION = { end: 0, nop: 1, mss: 2 } as const;
const MSS_LENGTH = 4;

/** Whether the segment opens a connection (SYN or SYN+ACK); false when the header does not fit. */
export const isTcpSyn = (b: Uint8Array, at: number, length: number): boolean =>
  length >= HEADER_LENGTH && ((b[at + FLAGS] ?? 0) & SYN) !== 0;

/**
 * Where the value of the Maximum Segment Size option stands, or -1: none, or the options are not well formed up to it
 * (then nothing of them is to be believed).
 */
export const findTcpMss = (b: Uint8Array, at: number, length: number): number => {
  if (length < HEADER_LENGTH) return -1;
  const headerLength = ((b[at + DATA_OFFSET] ?? 0) >> 4) * 4;
  if (headerLength < HEADER_LENGTH || headerLength > length) return -1;
  const end = at + headerLength;
  let option = at + HEADER_LENGTH;
  while (option < end) {
    const kind = b[option] ?? OPTION.end;
    if (kind === OPTION.end) return -1;
    if (kind === OPTION.nop) {
      option += 1;
      continue;
    }
    if (option + 1 >= end) return -1;
    const size = b[option + 1] ?? 0;
    if (size < 2 || option + size > end) return -1;
    if (kind === OPTION.mss) return size === MSS_LENGTH ? option + 2 : -1;
    option += size;
  }
  return -1;
};

/** Lowers the MSS of a SYN to `limit` and mends the checksum; never raises it. Returns whether anything changed. */
export const clampTcpMss = (b: Uint8Array, at: number, length: number, limit: number): boolean => {
  if (!isTcpSyn(b, at, length)) return false;
  const field = findTcpMss(b, at, length);
  if (field < 0) return false;
  const before = readU16(b, field);
  if (before <= limit) return false;
  writeU16(b, field, limit);
  // A value across two words adds to the sum with its octets exchanged.
  const aligned = (field - at) % 2 === 0;
  const checksum = readU16(b, at + CHECKSUM);
  writeU16(b, at + CHECKSUM, updateChecksum(checksum, aligned ? before : swap(before), aligned ? limit : swap(limit)));
  return true;
};

const swap = (word: number): number => ((word & 0xff) << 8) | (word >> 8);
