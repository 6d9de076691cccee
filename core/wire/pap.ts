import { asciiBytes, asciiText } from '../bytes/ascii.ts';
import { readU16, writeU16 } from '../bytes/bytes.ts';

/** Password Authentication Protocol packets (RFC 1334 section 2.2). Strings hold one octet a character. */
export const PAP_CODE = { request: 1, ack: 2, nak: 3 } as const;

export type PapPacket =
  | {
      readonly kind: 'request';
      readonly identifier: number;
      readonly peerId: string;
      /** A secret. */
      readonly password: Uint8Array;
    }
  | { readonly kind: 'ack' | 'nak'; readonly identifier: number; readonly message: string };

const HEADER = 4;
/** The most a length octet can say. */
export const PAP_FIELD_MAX = 255;

/**
 * Total: undefined on octets that are no PAP packet. Octets behind the Length field are padding. Acks and Naks without a
 * Msg-Length, which some peers send, have an empty message.
 */
export const parsePap = (bytes: Uint8Array): PapPacket | undefined => {
  const length = readU16(bytes, 2);
  if (bytes.length < HEADER || length < HEADER || length > bytes.length) return undefined;
  const identifier = bytes[1] ?? 0;
  const data = bytes.subarray(HEADER, length);
  switch (bytes[0]) {
    case PAP_CODE.request: {
      const peerId = field(data, 0);
      const password = peerId === undefined ? undefined : field(data, 1 + peerId.length);
      if (peerId === undefined || password === undefined) return undefined;
      return { kind: 'request', identifier, peerId: asciiText(peerId), password: password.slice() };
    }
    case PAP_CODE.ack:
    case PAP_CODE.nak: {
      const message = data.length === 0 ? data : field(data, 0);
      if (message === undefined) return undefined;
      return { kind: bytes[0] === PAP_CODE.ack ? 'ack' : 'nak', identifier, message: asciiText(message) };
    }
    default:
      return undefined;
  }
};

/** Fields are cut at 255 octets. */
export const writePap = (packet: PapPacket): Uint8Array => {
  const fields =
    packet.kind === 'request' ? [asciiBytes(packet.peerId), packet.password] : [asciiBytes(packet.message)];
  const cut = fields.map((one) => one.subarray(0, PAP_FIELD_MAX));
  const out = new Uint8Array(HEADER + cut.reduce((sum, one) => sum + 1 + one.length, 0));
  out[0] = PAP_CODE[packet.kind];
  out[1] = packet.identifier;
  writeU16(out, 2, out.length);
  let at = HEADER;
  for (const one of cut) {
    out[at] = one.length;
    out.set(one, at + 1);
    at += 1 + one.length;
  }
  return out;
};

/** A field of a length octet and that many octets. */
const field = (data: Uint8Array, at: number): Uint8Array | undefined => {
  const length = data[at];
  if (length === undefined || at + 1 + length > data.length) return undefined;
  return data.subarray(at + 1, at + 1 + length);
};
