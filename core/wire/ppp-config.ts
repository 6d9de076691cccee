import { concatBytes, equalBytes, readU16, writeU16 } from '../bytes/bytes.ts';

/** Codes common to LCP and the network control protocols (RFC 1661 section 5), and their extensions. */
export const CODE = {
  configureRequest: 1,
  configureAck: 2,
  configureNak: 3,
  configureReject: 4,
  terminateRequest: 5,
  terminateAck: 6,
  codeReject: 7,
  /** LCP only, as are the next five. */
  protocolReject: 8,
  echoRequest: 9,
  echoReply: 10,
  discardRequest: 11,
  /** RFC 1570 section 1.1. */
  identification: 12,
  /** RFC 1570 section 1.2. */
  timeRemaining: 13,
  /** CCP only (RFC 1962 section 3.1). */
  resetRequest: 14,
  resetAck: 15,
} as const;

/** Octets before the data of such a packet: code, identifier, length. */
export const CONFIG_HEADER = 4;

/** One packet of LCP, CCP, IPCP, ... (RFC 1661 section 5). `data` is a window on the frame it was read from. */
export interface ConfigPacket {
  readonly code: number;
  readonly identifier: number;
  readonly data: Uint8Array;
}

/** Octets behind the Length field are padding; undefined when Length is below 4 or beyond the frame. */
export const parseConfigPacket = (frame: Uint8Array): ConfigPacket | undefined => {
  if (frame.length < CONFIG_HEADER) return undefined;
  const length = readU16(frame, 2);
  if (length < CONFIG_HEADER || length > frame.length) return undefined;
  return { code: frame[0] ?? 0, identifier: frame[1] ?? 0, data: frame.subarray(CONFIG_HEADER, length) };
};

export const encodeConfigPacket = (code: number, identifier: number, data: Uint8Array): Uint8Array => {
  const out = new Uint8Array(CONFIG_HEADER + data.length);
  out[0] = code;
  out[1] = identifier;
  writeU16(out, 2, out.length);
  out.set(data, CONFIG_HEADER);
  return out;
};

/** One Configuration Option; `data` does not hold the type and length octets (RFC 1661 section 6). */
export interface ConfigOption {
  readonly type: number;
  readonly data: Uint8Array;
}

/** Undefined when an option's Length is below 2 or runs past the end. */
export const parseOptions = (data: Uint8Array): readonly ConfigOption[] | undefined => {
  const options: ConfigOption[] = [];
  let at = 0;
  while (at < data.length) {
    const length = data[at + 1] ?? 0;
    if (length < 2 || at + length > data.length) return undefined;
    options.push({ type: data[at] ?? 0, data: data.subarray(at + 2, at + length) });
    at += length;
  }
  return options;
};

/** Option data longer than 253 octets cannot be expressed and is the caller's mistake. */
export const encodeOptions = (options: readonly ConfigOption[]): Uint8Array =>
  concatBytes(...options.map((option) => concatBytes(Uint8Array.of(option.type, option.data.length + 2), option.data)));

export const sameOption = (a: ConfigOption, b: ConfigOption): boolean =>
  a.type === b.type && equalBytes(a.data, b.data);
