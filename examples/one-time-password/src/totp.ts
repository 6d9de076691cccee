import { createHmac } from 'node:crypto';

/** How long one code is good for, and how many steps a token's clock may be off. */
const STEP_MS = 30_000;
const TOLERANCE = 1;
const DIGITS = 6;

/** RFC 6238 with HMAC-SHA-1 and 6 digits, as authenticator apps have it. */
export const totp = (secret: Uint8Array, step: number): string => {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', secret).update(counter).digest();
  const at = mac.readUInt8(mac.length - 1) & 15;
  return String((mac.readUInt32BE(at) & 0x7fff_ffff) % 10 ** DIGITS).padStart(DIGITS, '0');
};

export const stepAt = (milliseconds: number): number => Math.floor(milliseconds / STEP_MS);

/** The step that the code belongs to; undefined when it is the code of none that counts now. */
export const stepOf = (secret: Uint8Array, code: string, now: number): number | undefined => {
  const current = stepAt(now);
  let found: number | undefined;
  // All are looked at, so that the time it takes says nothing.
  for (let step = current - TOLERANCE; step <= current + TOLERANCE; step += 1) {
    if (totp(secret, step) === code) found ??= step;
  }
  return found;
};

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** RFC 4648 section 6, without padding; undefined when it is none, or less than 80 bits. */
export const fromBase32 = (text: string): Uint8Array | undefined => {
  const octets: number[] = [];
  let bits = 0;
  let value = 0;
  for (const letter of text.toUpperCase()) {
    const digit = BASE32.indexOf(letter);
    if (digit < 0) return undefined;
    value = (value << 5) | digit;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    octets.push((value >> bits) & 255);
    value &= (1 << bits) - 1;
  }
  return octets.length < 10 ? undefined : Uint8Array.from(octets);
};
