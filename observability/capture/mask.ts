import { readU16 } from '../../core/bytes/bytes.ts';
import { emptyGreHeader, GRE_MAX_HEADER, parseGre } from '../../core/wire/gre.ts';
import { PPP, pppHeaderLength, pppProtocol, readPppHeader } from '../../core/wire/ppp.ts';

/**
 * How much of a frame may be in a capture that is not to hold secrets. Authentication frames (PAP passwords, CHAP and EAP
 * proofs) show code, identifier and length and no more; so does what quotes them.
 */
const FIRST_LINK_PROTOCOL = 0xc000;
/** Of the link's own protocols those that carry no proof of anybody. A protocol that is not known is not shown. */
const HARMLESS: ReadonlySet<number> = new Set([PPP.lcp, PPP.lqr]);
/** Code, identifier, length. */
const CONTROL_HEADER = 4;
const CODE_REJECT = 7;
const PROTOCOL_REJECT = 8;

const header = emptyGreHeader();

const isSecret = (protocol: number): boolean => protocol >= FIRST_LINK_PROTOCOL && !HARMLESS.has(protocol);

/** Octets of the information field of `protocol` at `bytes[at ..]` that may be shown, of `length`. */
const shownOf = (protocol: number, bytes: Uint8Array, at: number, length: number): number => {
  if (isSecret(protocol)) return Math.min(length, CONTROL_HEADER);
  if (protocol !== PPP.lcp || length <= CONTROL_HEADER) return length;
  const code = bytes[at];
  if (code === PROTOCOL_REJECT && isSecret(readU16(bytes, at + CONTROL_HEADER))) {
    return Math.min(length, CONTROL_HEADER + 2);
  }
  // A rejected Protocol-Reject may quote in turn.
  if (code === CODE_REJECT && bytes[at + CONTROL_HEADER] === PROTOCOL_REJECT) {
    return Math.min(length, 2 * CONTROL_HEADER);
  }
  return length;
};

/** Of a PPP frame with or without FF 03, the octets that may be shown. */
export const shownOfFrame = (bytes: Uint8Array, at: number, length: number): number => {
  const head = readPppHeader(bytes, at, at + length);
  if (head < 0) return length;
  const skip = pppHeaderLength(head);
  return skip + shownOf(pppProtocol(head), bytes, at + skip, length - skip);
};

/** Of a GRE packet. What is no enhanced GRE may hold anything: its header is all that is shown. */
export const shownOfGre = (bytes: Uint8Array, at: number, length: number): number => {
  if (parseGre(bytes, at, length, header) !== undefined) return Math.min(length, GRE_MAX_HEADER);
  const { headerLength, payloadLength } = header;
  const shown = shownOfFrame(bytes, at + headerLength, payloadLength);
  return shown < payloadLength ? headerLength + shown : length;
};
