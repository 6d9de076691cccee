import { readU16, writeU16 } from '../bytes/bytes.ts';

/** EAP packets (RFC 3748 section 4; RFC 2284 section 2.2 for the PPP protocol). */
export const EAP_PROTOCOL = 0xc227;

export const EAP_CODE = { request: 1, response: 2, success: 3, failure: 4 } as const;

/** Types of Requests and Responses (RFC 3748 section 5; IANA for the rest). */
export const EAP_TYPE = {
  identity: 1,
  notification: 2,
  /** Responses only: names the types that the peer would rather use. */
  nak: 3,
  md5Challenge: 4,
  tls: 13,
  msChapV2: 26,
  expanded: 254,
} as const;

export type EapPacket =
  | {
      readonly kind: 'request' | 'response';
      readonly identifier: number;
      readonly type: number;
      /** What follows the Type field. */
      readonly data: Uint8Array;
    }
  | { readonly kind: 'success' | 'failure'; readonly identifier: number };

const HEADER = 4;
/** Octets of a Request or Response before its type data. */
export const EAP_OVERHEAD = HEADER + 1;

/** Total: undefined on octets that are no EAP packet, and on unknown codes. `data` is a copy without padding. */
export const parseEap = (bytes: Uint8Array): EapPacket | undefined => {
  const length = readU16(bytes, 2);
  if (bytes.length < HEADER || length < HEADER || length > bytes.length) return undefined;
  const identifier = bytes[1] ?? 0;
  switch (bytes[0]) {
    case EAP_CODE.request:
    case EAP_CODE.response: {
      if (length < EAP_OVERHEAD) return undefined;
      const kind = bytes[0] === EAP_CODE.request ? 'request' : 'response';
      return { kind, identifier, type: bytes[HEADER] ?? 0, data: bytes.slice(EAP_OVERHEAD, length) };
    }
    case EAP_CODE.success:
      return { kind: 'success', identifier };
    case EAP_CODE.failure:
      return { kind: 'failure', identifier };
    default:
      return undefined;
  }
};

export const writeEap = (packet: EapPacket): Uint8Array => {
  const typed = packet.kind === 'request' || packet.kind === 'response';
  const out = new Uint8Array(typed ? EAP_OVERHEAD + packet.data.length : HEADER);
  out[0] = EAP_CODE[packet.kind];
  out[1] = packet.identifier;
  writeU16(out, 2, out.length);
  if (typed) {
    out[HEADER] = packet.type;
    out.set(packet.data, EAP_OVERHEAD);
  }
  return out;
};

/** The type data of an MD5-Challenge in either direction: Value-Size, Value, Name (RFC 3748 section 5.4). */
export interface EapMd5 {
  readonly value: Uint8Array;
  readonly name: Uint8Array;
}

/** Undefined when the value is longer than the packet or empty. */
export const parseEapMd5 = (data: Uint8Array): EapMd5 | undefined => {
  const size = data[0] ?? 0;
  return size === 0 || 1 + size > data.length
    ? undefined
    : { value: data.slice(1, 1 + size), name: data.slice(1 + size) };
};

/** `value` has at most 255 octets. */
export const writeEapMd5 = ({ value, name }: EapMd5): Uint8Array => {
  const out = new Uint8Array(1 + value.length + name.length);
  out[0] = value.length;
  out.set(value, 1);
  out.set(name, 1 + value.length);
  return out;
};
