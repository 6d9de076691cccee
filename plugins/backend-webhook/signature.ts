import { createHmac, timingSafeEqual } from 'node:crypto';

/** Seconds since 1970, in decimal. */
export const TIMESTAMP_HEADER = 'x-pptp-timestamp';
/** 32 hexadecimal digits, new for each question. */
export const NONCE_HEADER = 'x-pptp-nonce';
/** "v1=" and 64 hexadecimal digits. */
export const SIGNATURE_HEADER = 'x-pptp-signature';

/** What is signed begins with its direction, so that a question never passes for an answer. */
export type Signed = 'request' | 'answer';

const digest = (secret: string, what: Signed, timestamp: string, nonce: string, body: Uint8Array): Buffer =>
  createHmac('sha256', secret).update(`${what}\n${timestamp}\n${nonce}\n`).update(body).digest();

export const sign = (secret: string, what: Signed, timestamp: string, nonce: string, body: Uint8Array): string =>
  `v1=${digest(secret, what, timestamp, nonce, body).toString('hex')}`;

/** Undefined: signed by who has the secret, for this nonce, within the tolerance. Otherwise a sentence. */
export const signatureFault = (
  secret: string,
  what: Signed,
  signed: {
    readonly timestamp: string | undefined;
    readonly nonce: string;
    readonly signature: string | undefined;
    readonly body: Uint8Array;
  },
  nowSeconds: number,
  toleranceSeconds: number,
): string | undefined => {
  const { timestamp, nonce, signature, body } = signed;
  if (timestamp === undefined || !/^\d{1,12}$/.test(timestamp)) return `it has no ${TIMESTAMP_HEADER}`;
  const hex = /^v1=([0-9a-f]{64})$/.exec(signature ?? '')?.[1];
  if (hex === undefined) return `it has no ${SIGNATURE_HEADER} of the form v1=...`;
  if (!timingSafeEqual(digest(secret, what, timestamp, nonce, body), Buffer.from(hex, 'hex'))) {
    return 'its signature is wrong: the secrets differ, or it is not the answer to this question';
  }
  const seconds = Math.abs(nowSeconds - Number(timestamp));
  return seconds > toleranceSeconds ? `the clocks are ${Math.round(seconds)} seconds apart` : undefined;
};
