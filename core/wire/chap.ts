import { asciiBytes, asciiText } from '../bytes/ascii.ts';
import { readU16, writeU16 } from '../bytes/bytes.ts';
import { fromHex, toHex } from '../bytes/hex.ts';

/** CHAP packets (RFC 1994 section 4) and what MS-CHAPv2 puts into them (RFC 2759 sections 3 to 6). */
export const CHAP_PROTOCOL = 0xc223;

export const CHAP_CODE = {
  challenge: 1,
  response: 2,
  success: 3,
  failure: 4,
} as const;

/** Strings hold one octet a character; octets behind the Length field are padding and left out. */
export type ChapPacket =
  | { readonly kind: 'challenge'; readonly identifier: number; readonly value: Uint8Array; readonly name: string }
  | { readonly kind: 'response'; readonly identifier: number; readonly value: Uint8Array; readonly name: string }
  | { readonly kind: 'success' | 'failure'; readonly identifier: number; readonly message: string }
  | { readonly kind: 'other'; readonly code: number; readonly identifier: number; readonly data: Uint8Array };

const HEADER = 4;

/** Total: undefined on octets that are no CHAP packet. `value` and `data` are copies. */
export const parseChap = (bytes: Uint8Array): ChapPacket | undefined => {
  const length = readU16(bytes, 2);
  if (bytes.length < HEADER || length < HEADER || length > bytes.length) return undefined;
  const code = bytes[0] ?? 0;
  const identifier = bytes[1] ?? 0;
  switch (code) {
    case CHAP_CODE.challenge:
    case CHAP_CODE.response: {
      if (length < HEADER + 1) return undefined;
      const valueEnd = HEADER + 1 + (bytes[HEADER] ?? 0);
      if (valueEnd > length) return undefined;
      const value = bytes.slice(HEADER + 1, valueEnd);
      const name = asciiText(bytes.subarray(valueEnd, length));
      return { kind: code === CHAP_CODE.challenge ? 'challenge' : 'response', identifier, value, name };
    }
    case CHAP_CODE.success:
    case CHAP_CODE.failure: {
      const message = asciiText(bytes.subarray(HEADER, length));
      return { kind: code === CHAP_CODE.success ? 'success' : 'failure', identifier, message };
    }
    default:
      return { kind: 'other', code, identifier, data: bytes.slice(HEADER, length) };
  }
};

/** `value` is cut at 255 octets, the most its size octet can say. */
export const writeChap = (packet: ChapPacket): Uint8Array => {
  switch (packet.kind) {
    case 'challenge':
    case 'response': {
      const value = packet.value.subarray(0, 255);
      const body = new Uint8Array(1 + value.length + packet.name.length);
      body[0] = value.length;
      body.set(value, 1);
      body.set(asciiBytes(packet.name), 1 + value.length);
      return frame(CHAP_CODE[packet.kind], packet.identifier, body);
    }
    case 'success':
    case 'failure':
      return frame(CHAP_CODE[packet.kind], packet.identifier, asciiBytes(packet.message));
    case 'other':
      return frame(packet.code, packet.identifier, packet.data);
  }
};

const frame = (code: number, identifier: number, body: Uint8Array): Uint8Array => {
  const out = new Uint8Array(HEADER + body.length);
  out[0] = code;
  out[1] = identifier;
  writeU16(out, 2, out.length);
  out.set(body, HEADER);
  return out;
};

/** Octets of a Challenge value (RFC 2759 section 3) and of a Response value (section 4). */
export const MS_CHAP_V2_CHALLENGE_LENGTH = 16;
export const MS_CHAP_V2_RESPONSE_LENGTH = 49;

/** The value of an MS-CHAPv2 Response (RFC 2759 section 4). */
export interface MsChapV2Response {
  readonly peerChallenge: Uint8Array;
  readonly ntResponse: Uint8Array;
  /** Reserved, to be zero; Windows 98 sets 0x04. */
  readonly flags: number;
}

/** Undefined unless it has 49 octets. The reserved octets are not looked at. */
export const parseMsChapV2Response = (value: Uint8Array): MsChapV2Response | undefined =>
  value.length === MS_CHAP_V2_RESPONSE_LENGTH
    ? { peerChallenge: value.slice(0, 16), ntResponse: value.slice(24, 48), flags: value[48] ?? 0 }
    : undefined;

export const writeMsChapV2Response = (response: MsChapV2Response): Uint8Array => {
  const value = new Uint8Array(MS_CHAP_V2_RESPONSE_LENGTH);
  value.set(response.peerChallenge.subarray(0, 16));
  value.set(response.ntResponse.subarray(0, 24), 24);
  value[48] = response.flags;
  return value;
};

/** What follows "M=", up to the end. */
const textOf = (message: string): string => /(?:^| )M=([\s\S]*)$/.exec(message)?.[1] ?? '';

/** The message of a Success (RFC 2759 section 5). */
export interface MsChapV2Success {
  /** "S=" and 40 hexadecimal digits. */
  readonly authenticatorResponse: string;
  readonly text: string;
}

/** Undefined when the authenticator response is missing or misshapen. */
export const parseMsChapV2Success = (message: string): MsChapV2Success | undefined => {
  const match = /^S=[0-9A-Fa-f]{40}(?![0-9A-Fa-f])/.exec(message);
  if (match === null) return undefined;
  return { authenticatorResponse: match[0], text: textOf(message) };
};

/** `text` undefined leaves the M field out altogether, which Windows 98 needs. */
export const formatMsChapV2Success = (authenticatorResponse: string, text: string | undefined): string =>
  text === undefined ? authenticatorResponse : `${authenticatorResponse} M=${text}`;

/** Error codes of a Failure (RFC 2759 section 6). */
export const MS_CHAP_ERROR = {
  restrictedLogonHours: 646,
  accountDisabled: 647,
  passwordExpired: 648,
  noDialInPermission: 649,
  authenticationFailure: 691,
  changingPassword: 709,
} as const;

/** The message of a Failure (RFC 2759 section 6; RFC 2433 section 6 knows no C field of 32 digits). */
export interface MsChapFailure {
  readonly error: number;
  readonly retry: boolean;
  /** For the retry: 16 octets. Some authenticators leave it out though it is a MUST. */
  readonly challenge?: Uint8Array;
  readonly version: number;
  readonly text: string;
}

/** Undefined when there is no E field; other fields that are missing or misshapen read as "no". */
export const parseMsChapFailure = (message: string): MsChapFailure | undefined => {
  const fields = message.split(/ ?M=/, 1)[0] ?? '';
  const error = /(?:^| )E=(\d{1,10})(?= |$)/.exec(fields)?.[1];
  if (error === undefined) return undefined;
  const challenge = /(?:^| )C=([0-9A-Fa-f]{32})(?= |$)/.exec(fields)?.[1];
  const version = /(?:^| )V=(\d{1,10})(?= |$)/.exec(fields)?.[1];
  return {
    error: Number(error),
    retry: /(?:^| )R=1(?= |$)/.test(fields),
    ...(challenge === undefined ? {} : { challenge: fromHex(challenge) }),
    version: Number(version ?? 0),
    text: textOf(message),
  };
};

export const formatMsChapFailure = (failure: MsChapFailure): string => {
  const challenge = failure.challenge === undefined ? '' : ` C=${toHex(failure.challenge).toUpperCase()}`;
  const text = failure.text === '' ? '' : ` M=${failure.text}`;
  return `E=${failure.error} R=${failure.retry ? 1 : 0}${challenge} V=${failure.version}${text}`;
};
