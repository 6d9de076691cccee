import { readU16, readU32, writeU16, writeU32 } from '../bytes/bytes.ts';
import type { DropReason } from '../outcome.ts';

/** IP protocol number of GRE, and the GRE protocol type of PPTP's enhanced GRE (RFC 2637 section 4.1). */
export const IP_PROTOCOL_GRE = 47;
export const GRE_PROTOCOL_PPP = 0x880b;

/** First octet: checksum, routing, key, sequence, strict source route, recursion control. */
const FLAG_KEY = 0x20;
const FLAG_SEQUENCE = 0x10;
const FORBIDDEN_FIRST = 0x80 | 0x40 | 0x08 | 0x07;
/** Second octet: acknowledgment present, four flag bits that must be zero, version 1. */
const FLAG_ACK = 0x80;
const FORBIDDEN_SECOND = 0x78;
const VERSION = 1;
const FIXED_LENGTH = 8;

/** The longest enhanced GRE header: fixed part, sequence number, acknowledgment number. */
export const GRE_MAX_HEADER = 16;

/** A decoded header; reused by callers, so that decoding allocates nothing. */
export interface GreHeader {
  headerLength: number;
  payloadLength: number;
  /** The receiver's Call ID. */
  callId: number;
  /** Unsigned 32 bits, or -1 when absent. */
  sequence: number;
  /** Highest sequence number the sender has received: unsigned 32 bits, or -1 when absent. */
  acknowledgment: number;
}

export const emptyGreHeader = (): GreHeader => ({
  headerLength: 0,
  payloadLength: 0,
  callId: 0,
  sequence: -1,
  acknowledgment: -1,
});

/**
 * Decodes the enhanced GRE header at `bytes[at .. at + length)` into `out` (RFC 2637 section 4.1). Octets after the
 * payload are padding and ignored. A header without payload has no sequence number; one with neither payload nor
 * acknowledgment says nothing and is malformed.
 */
export function parseGre(bytes: Uint8Array, at: number, length: number, out: GreHeader): DropReason | undefined {
  if (length < FIXED_LENGTH) return 'truncated';
  const first = bytes[at] ?? 0;
  const second = bytes[at + 1] ?? 0;
  if ((second & 0x07) !== VERSION || readU16(bytes, at + 2) !== GRE_PROTOCOL_PPP) return 'unsupported';
  if ((first & FORBIDDEN_FIRST) !== 0 || (second & FORBIDDEN_SECOND) !== 0 || (first & FLAG_KEY) === 0)
    return 'malformed';
  const hasSequence = (first & FLAG_SEQUENCE) !== 0;
  const hasAck = (second & FLAG_ACK) !== 0;
  const payloadLength = readU16(bytes, at + 4);
  const headerLength = FIXED_LENGTH + (hasSequence ? 4 : 0) + (hasAck ? 4 : 0);
  if (length < headerLength + payloadLength) return 'truncated';
  if (!hasSequence && (payloadLength > 0 || !hasAck)) return 'malformed';
  out.headerLength = headerLength;
  out.payloadLength = payloadLength;
  out.callId = readU16(bytes, at + 6);
  out.sequence = hasSequence ? readU32(bytes, at + FIXED_LENGTH) : -1;
  out.acknowledgment = hasAck ? readU32(bytes, at + headerLength - 4) : -1;
  return undefined;
}

/** Octets that `writeGre` needs for a header with these fields. */
export const greLength = (sequence: number, acknowledgment: number): number =>
  FIXED_LENGTH + (sequence >= 0 ? 4 : 0) + (acknowledgment >= 0 ? 4 : 0);

/** Writes the header at `bytes[at ..]`; -1 leaves sequence or acknowledgment out. */
export function writeGre(
  bytes: Uint8Array,
  at: number,
  peerCallId: number,
  payloadLength: number,
  sequence: number,
  acknowledgment: number,
): void {
  bytes[at] = FLAG_KEY | (sequence >= 0 ? FLAG_SEQUENCE : 0);
  bytes[at + 1] = VERSION | (acknowledgment >= 0 ? FLAG_ACK : 0);
  writeU16(bytes, at + 2, GRE_PROTOCOL_PPP);
  writeU16(bytes, at + 4, payloadLength);
  writeU16(bytes, at + 6, peerCallId);
  let next = at + FIXED_LENGTH;
  if (sequence >= 0) {
    writeU32(bytes, next, sequence);
    next += 4;
  }
  if (acknowledgment >= 0) writeU32(bytes, next, acknowledgment);
}
