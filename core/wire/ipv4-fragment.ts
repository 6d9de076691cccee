import { readU16, writeU16 } from '../bytes/bytes.ts';
import { IPV4_HEADER_LENGTH, ipv4HeaderLength, ipv4TotalLength, writeIpv4Checksum } from './ipv4.ts';

const FLAGS = 6;
const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const OFFSET = 0x1fff;
const COPIED = 0x80;
const END_OF_OPTIONS = 0;
const NO_OPERATION = 1;

export const isDontFragment = (b: Uint8Array, at: number): boolean => (readU16(b, at + FLAGS) & DONT_FRAGMENT) !== 0;

/**
 * The packet in pieces of at most `mtu` octets (RFC 791 section 3.2), each a whole packet with a right checksum;
 * undefined when not even eight octets of data fit. A packet that is a fragment itself is cut further.
 */
export const fragmentIpv4 = (packet: Uint8Array, mtu: number): readonly Uint8Array[] | undefined => {
  const headerLength = ipv4HeaderLength(packet, 0);
  const end = ipv4TotalLength(packet, 0);
  const first = packet.subarray(0, headerLength);
  const later = laterHeader(first);
  const word = readU16(packet, FLAGS);
  const pieces: Uint8Array[] = [];
  for (let at = headerLength; at < end; ) {
    const header = at === headerLength ? first : later;
    const room = mtu - header.length;
    const last = end - at <= room;
    const length = last ? end - at : room & ~7;
    if (length < 8 && !last) return undefined;
    const piece = new Uint8Array(header.length + length);
    piece.set(header);
    piece.set(packet.subarray(at, at + length), header.length);
    writeU16(piece, 2, piece.length);
    const offset = (word & OFFSET) + (at - headerLength) / 8;
    const more = last ? word & MORE_FRAGMENTS : MORE_FRAGMENTS;
    writeU16(piece, FLAGS, (word & ~(OFFSET | MORE_FRAGMENTS)) | more | offset);
    writeIpv4Checksum(piece, 0);
    pieces.push(piece);
    at += length;
  }
  return pieces;
};

/** The header of all pieces but the first: of the options, only those with the copied flag. */
const laterHeader = (header: Uint8Array): Uint8Array => {
  if (header.length === IPV4_HEADER_LENGTH) return header;
  const kept: number[] = [];
  for (let at = IPV4_HEADER_LENGTH; at < header.length; ) {
    const type = header[at] ?? END_OF_OPTIONS;
    if (type === END_OF_OPTIONS) break;
    const length = type === NO_OPERATION ? 1 : (header[at + 1] ?? 0);
    if (length < 1 || (type !== NO_OPERATION && length < 2) || at + length > header.length) break;
    if ((type & COPIED) !== 0) kept.push(...header.subarray(at, at + length));
    at += length;
  }
  while (kept.length % 4 !== 0) kept.push(END_OF_OPTIONS);
  const out = new Uint8Array(IPV4_HEADER_LENGTH + kept.length);
  out.set(header.subarray(0, IPV4_HEADER_LENGTH));
  out.set(kept, IPV4_HEADER_LENGTH);
  out[0] = 0x40 | (out.length / 4);
  return out;
};
