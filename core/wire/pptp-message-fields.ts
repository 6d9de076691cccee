import { readU16, writeU16, writeU32 } from '../bytes/bytes.ts';

/** RFC 2637 section 1.4: in every message, only to check that the stream is still in step. */
export const PPTP_MAGIC = 0x1a2b3c4d;
/** PPTP Message Type 1, Control Message; type 2 (management) is not defined (RFC 2637 section 1.4). */
export const PPTP_CONTROL_MESSAGE = 1;
/** Version 1, revision 0 (RFC 2637 section 1.4). */
export const PPTP_VERSION = 0x0100;
/** Host Name, Vendor Name, Phone Number, Subaddress, Dialed and Dialing Number (RFC 2637 sections 2.1, 2.7, 2.9). */
export const PPTP_TEXT_OCTETS = 64;
/** Call Statistics (RFC 2637 section 2.13). */
export const PPTP_STATISTICS_OCTETS = 128;

/** Control Message Type (RFC 2637 section 1.4). */
export const CONTROL_TYPE = {
  startControlConnectionRequest: 1,
  startControlConnectionReply: 2,
  stopControlConnectionRequest: 3,
  stopControlConnectionReply: 4,
  echoRequest: 5,
  echoReply: 6,
  outgoingCallRequest: 7,
  outgoingCallReply: 8,
  incomingCallRequest: 9,
  incomingCallReply: 10,
  incomingCallConnected: 11,
  callClearRequest: 12,
  callDisconnectNotify: 13,
  wanErrorNotify: 14,
  setLinkInfo: 15,
} as const;

/** Octets of each message, indexed by Control Message Type (RFC 2637 sections 2.1 to 2.15). */
const LENGTHS: readonly number[] = [0, 156, 156, 16, 16, 16, 20, 168, 32, 220, 24, 28, 16, 148, 40, 24];

/** Octets of a whole message of this Control Message Type; undefined for a type the RFC does not define. */
export const controlMessageLength = (controlType: number): number | undefined =>
  controlType === 0 ? undefined : LENGTHS[controlType];

/** The longest message, Incoming-Call-Request: more never has to be kept for reassembly. */
export const MAX_CONTROL_MESSAGE = 220;
/** Length, message type, magic cookie, control message type, reserved. */
export const CONTROL_HEADER = 12;

/** A zeroed message with its header written, so that reserved fields are zero. */
export const newControlMessage = (controlType: number): Uint8Array => {
  const length = LENGTHS[controlType] ?? CONTROL_HEADER;
  const out = new Uint8Array(length);
  writeU16(out, 0, length);
  writeU16(out, 2, PPTP_CONTROL_MESSAGE);
  writeU32(out, 4, PPTP_MAGIC);
  writeU16(out, 8, controlType);
  return out;
};

/**
 * A fixed-size text field without the zeros at its end, one UTF-16 unit per octet. Zeros inside are kept: Windows puts
 * a binary GUID into Subaddress, and a message must be written back as it was read.
 */
export const readText = (b: Uint8Array, at: number, octets: number): string => {
  let end = Math.min(at + octets, b.length);
  while (end > at && b[end - 1] === 0) end -= 1;
  let text = '';
  for (let i = at; i < end; i += 1) text += String.fromCharCode(b[i] ?? 0);
  return text;
};

/** Writes into a zeroed field; what does not fit is cut, units above 0xFF become `?`. */
export const writeText = (b: Uint8Array, at: number, octets: number, text: string): void => {
  const end = Math.min(octets, text.length);
  for (let i = 0; i < end; i += 1) {
    const unit = text.charCodeAt(i);
    b[at + i] = unit > 0xff ? 0x3f : unit;
  }
};

/** What a text field says to a person: up to the first zero octet. */
export const textBeforeNul = (field: string): string => {
  const nul = field.indexOf('\0');
  return nul < 0 ? field : field.slice(0, nul);
};

/**
 * What makes a control message unusable (RFC 2637 sections 1.4 and 3): each one ends the control connection.
 * `bad-length` also stands for a length that is not the one of the Control Message Type.
 */
export const PPTP_MESSAGE_FAULTS = [
  'truncated',
  'bad-length',
  'bad-message-type',
  'bad-magic',
  'bad-control-type',
] as const;
export type PptpMessageFault = (typeof PPTP_MESSAGE_FAULTS)[number];

const LENGTH_SET: ReadonlySet<number> = new Set(LENGTHS.slice(1));

/**
 * Checks as much of a header as `available` octets show, in the order of the octets, so that the answer does not depend
 * on how TCP cut the stream. Undefined: nothing wrong so far.
 */
export const checkControlHeader = (b: Uint8Array, available: number): PptpMessageFault | undefined => {
  if (available >= 2 && !LENGTH_SET.has(readU16(b, 0))) return 'bad-length';
  if (available >= 4 && readU16(b, 2) !== PPTP_CONTROL_MESSAGE) return 'bad-message-type';
  if (available >= 8 && (readU16(b, 4) !== PPTP_MAGIC >>> 16 || readU16(b, 6) !== (PPTP_MAGIC & 0xffff))) {
    return 'bad-magic';
  }
  if (available >= 10) {
    const length = controlMessageLength(readU16(b, 8));
    if (length === undefined) return 'bad-control-type';
    if (length !== readU16(b, 0)) return 'bad-length';
  }
  return undefined;
};
