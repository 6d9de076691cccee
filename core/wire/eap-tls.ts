import { readU32, writeU32 } from '../bytes/bytes.ts';

/** The type data of EAP-TLS packets (RFC 2716 section 4; unchanged in RFC 5216 section 3). */
const FLAG = { length: 0x80, more: 0x40, start: 0x20 } as const;

export interface EapTlsPacket {
  readonly start: boolean;
  /** More fragments of the message follow. */
  readonly more: boolean;
  /** Octets of the whole message; on its first fragment at least. */
  readonly totalLength?: number;
  readonly data: Uint8Array;
}

/** Octets before the data: flags, and the length where it is given. */
export const EAP_TLS_FLAGS = 1;
export const EAP_TLS_LENGTH = 4;

/** Total: undefined on octets that end before their fields do. An empty packet acknowledges a fragment. */
export const parseEapTls = (bytes: Uint8Array): EapTlsPacket | undefined => {
  const flags = bytes[0];
  if (flags === undefined) return undefined;
  const hasLength = (flags & FLAG.length) !== 0;
  const header = EAP_TLS_FLAGS + (hasLength ? EAP_TLS_LENGTH : 0);
  if (bytes.length < header) return undefined;
  return {
    start: (flags & FLAG.start) !== 0,
    more: (flags & FLAG.more) !== 0,
    ...(hasLength ? { totalLength: readU32(bytes, EAP_TLS_FLAGS) } : {}),
    data: bytes.slice(header),
  };
};

export const writeEapTls = ({ start, more, totalLength, data }: EapTlsPacket): Uint8Array => {
  const header = EAP_TLS_FLAGS + (totalLength === undefined ? 0 : EAP_TLS_LENGTH);
  const out = new Uint8Array(header + data.length);
  out[0] = (totalLength === undefined ? 0 : FLAG.length) | (more ? FLAG.more : 0) | (start ? FLAG.start : 0);
  if (totalLength !== undefined) writeU32(out, EAP_TLS_FLAGS, totalLength);
  out.set(data, header);
  return out;
};
