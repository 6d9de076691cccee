import { readU16, writeU16 } from '../bytes/bytes.ts';

/** What MS-CHAPv1 puts into CHAP packets (RFC 2433), and the Change-Password packets of both versions. */

/** Octets of an MS-CHAPv1 Challenge value (RFC 2433 section 5) and Response value (section 6). */
export const MS_CHAP_V1_CHALLENGE_LENGTH = 8;
export const MS_CHAP_V1_RESPONSE_LENGTH = 49;

/** The value of an MS-CHAPv1 Response without its LAN Manager part, which nobody may use any more. */
export interface MsChapV1Response {
  readonly ntResponse: Uint8Array;
  /** False: only the LAN Manager response counts. */
  readonly useNt: boolean;
}

/** Undefined unless it has 49 octets. */
export const parseMsChapV1Response = (value: Uint8Array): MsChapV1Response | undefined =>
  value.length === MS_CHAP_V1_RESPONSE_LENGTH
    ? { ntResponse: value.slice(24, 48), useNt: ((value[48] ?? 0) & 1) !== 0 }
    : undefined;

/** With an empty LAN Manager field and the flag "use Windows NT compatible challenge response". */
export const writeMsChapV1Response = (ntResponse: Uint8Array): Uint8Array => {
  const value = new Uint8Array(MS_CHAP_V1_RESPONSE_LENGTH);
  value.set(ntResponse.subarray(0, 24), 24);
  value[48] = 1;
  return value;
};

/** Codes of Change Password packets: RFC 2433 sections 9 and 10, RFC 2759 section 7. */
export const CHANGE_PASSWORD_CODE = { version1: 5, version2: 6, version3: 7 } as const;

/** What code 6 carries behind the header (RFC 2433 section 10), without the LAN Manager fields. */
export interface MsChapV1Change {
  /** 516 octets. */
  readonly encryptedPassword: Uint8Array;
  /** 16 octets. */
  readonly encryptedHash: Uint8Array;
  /** 24 octets. */
  readonly ntResponse: Uint8Array;
  /** False: only the LAN Manager fields count. */
  readonly useNt: boolean;
}

const V1_CHANGE_LENGTH = 516 + 16 + 516 + 16 + 24 + 24 + 2;

/** Undefined unless it has 1114 octets. */
export const parseMsChapV1Change = (data: Uint8Array): MsChapV1Change | undefined =>
  data.length === V1_CHANGE_LENGTH
    ? {
        encryptedPassword: data.slice(0, 516),
        encryptedHash: data.slice(516, 532),
        ntResponse: data.slice(1088, 1112),
        useNt: (readU16(data, 1112) & 1) !== 0,
      }
    : undefined;

/** LAN Manager fields are zero (SHOULD of section 10). */
export const writeMsChapV1Change = (change: Omit<MsChapV1Change, 'useNt'>): Uint8Array => {
  const data = new Uint8Array(V1_CHANGE_LENGTH);
  data.set(change.encryptedPassword.subarray(0, 516));
  data.set(change.encryptedHash.subarray(0, 16), 516);
  data.set(change.ntResponse.subarray(0, 24), 1088);
  writeU16(data, 1112, 1);
  return data;
};

/** What code 7 carries behind the header (RFC 2759 section 7). */
export interface MsChapV2Change {
  /** 516 octets. */
  readonly encryptedPassword: Uint8Array;
  /** 16 octets each. */
  readonly encryptedHash: Uint8Array;
  readonly peerChallenge: Uint8Array;
  /** 24 octets. */
  readonly ntResponse: Uint8Array;
}

const V2_CHANGE_LENGTH = 516 + 16 + 16 + 8 + 24 + 2;

/** Undefined unless it has 582 octets. The reserved octets and flags are not looked at. */
export const parseMsChapV2Change = (data: Uint8Array): MsChapV2Change | undefined =>
  data.length === V2_CHANGE_LENGTH
    ? {
        encryptedPassword: data.slice(0, 516),
        encryptedHash: data.slice(516, 532),
        peerChallenge: data.slice(532, 548),
        ntResponse: data.slice(556, 580),
      }
    : undefined;

export const writeMsChapV2Change = (change: MsChapV2Change): Uint8Array => {
  const data = new Uint8Array(V2_CHANGE_LENGTH);
  data.set(change.encryptedPassword.subarray(0, 516));
  data.set(change.encryptedHash.subarray(0, 16), 516);
  data.set(change.peerChallenge.subarray(0, 16), 532);
  data.set(change.ntResponse.subarray(0, 24), 556);
  return data;
};
