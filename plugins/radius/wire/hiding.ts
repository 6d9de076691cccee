import { concatBytes } from '../../../core/bytes/bytes.ts';
import { md5 } from '../../../core/crypto/md5.ts';

/** What RADIUS hides with MD5 and the shared secret: RFC 2865 section 5.2, RFC 2868 section 3.5, RFC 2548 section 2.4. */

const BLOCK = 16;
/** The most that RFC 2865 section 5.2 allows. */
export const MAX_PASSWORD_LENGTH = 128;

const padded = (plain: Uint8Array, least: number): Uint8Array => {
  const out = new Uint8Array(Math.max(least, Math.ceil(plain.length / BLOCK) * BLOCK));
  out.set(plain);
  return out;
};

/** b(1) = MD5(secret | first), b(i) = MD5(secret | c(i-1)); each block of 16 octets is XORed with its b. */
const chain = (text: Uint8Array, secret: Uint8Array, first: Uint8Array, hiding: boolean): Uint8Array => {
  const out = new Uint8Array(text.length);
  let before = first;
  for (let at = 0; at < text.length; at += BLOCK) {
    const mask = md5(secret, before);
    for (let i = at; i < at + BLOCK && i < text.length; i += 1) out[i] = (text[i] ?? 0) ^ (mask[i - at] ?? 0);
    before = (hiding ? out : text).slice(at, at + BLOCK);
  }
  return out;
};

/** The value of User-Password. Undefined: the password has more than 128 octets. */
export const hidePassword = (
  password: Uint8Array,
  secret: Uint8Array,
  requestAuthenticator: Uint8Array,
): Uint8Array | undefined =>
  password.length > MAX_PASSWORD_LENGTH
    ? undefined
    : chain(padded(password, BLOCK), secret, requestAuthenticator, true);

/** The reverse, without the padding. Undefined: no value of User-Password. */
export const revealPassword = (
  value: Uint8Array,
  secret: Uint8Array,
  requestAuthenticator: Uint8Array,
): Uint8Array | undefined => {
  if (value.length === 0 || value.length > MAX_PASSWORD_LENGTH || value.length % BLOCK !== 0) return undefined;
  const plain = chain(value, secret, requestAuthenticator, false);
  return plain.slice(0, plain.findLastIndex((octet) => octet !== 0) + 1);
};

/**
 * MS-CHAP-MPPE-Keys (RFC 2548 section 2.4.1): 8 octets of a LAN Manager key, 16 of the NT one, 8 of zeroes, hidden as a
 * password is. Undefined: no such value.
 */
export const revealMsChapKeys = (
  value: Uint8Array,
  secret: Uint8Array,
  requestAuthenticator: Uint8Array,
): { readonly lmKey: Uint8Array; readonly ntKey: Uint8Array } | undefined => {
  if (value.length !== 2 * BLOCK && value.length !== 24) return undefined;
  const plain = chain(value, secret, requestAuthenticator, false);
  return { lmKey: plain.slice(0, 8), ntKey: plain.slice(8, 24) };
};

export const hideMsChapKeys = (
  lmKey: Uint8Array,
  ntKey: Uint8Array,
  secret: Uint8Array,
  requestAuthenticator: Uint8Array,
): Uint8Array => chain(padded(concatBytes(lmKey, ntKey), 2 * BLOCK), secret, requestAuthenticator, true);

const SALT_LENGTH = 2;

/** `salt`: 2 octets, unique in the packet; its first bit is set here. Salt, then length and secret data, hidden. */
const hideSalted = (plain: Uint8Array, salt: Uint8Array, secret: Uint8Array, authenticator: Uint8Array): Uint8Array => {
  const marked = Uint8Array.of((salt[0] ?? 0) | 0x80, salt[1] ?? 0);
  const text = padded(concatBytes(Uint8Array.of(plain.length), plain), BLOCK);
  return concatBytes(marked, chain(text, secret, concatBytes(authenticator, marked), true));
};

const revealSalted = (
  value: Uint8Array,
  secret: Uint8Array,
  requestAuthenticator: Uint8Array,
): Uint8Array | undefined => {
  const hidden = value.subarray(SALT_LENGTH);
  if (value.length < SALT_LENGTH + BLOCK || hidden.length % BLOCK !== 0) return undefined;
  const salt = value.subarray(0, SALT_LENGTH);
  const plain = chain(hidden, secret, concatBytes(requestAuthenticator, salt), false);
  const length = plain[0] ?? 0;
  return length >= plain.length ? undefined : plain.slice(1, 1 + length);
};

/** The value of MS-MPPE-Send-Key and MS-MPPE-Recv-Key (RFC 2548 sections 2.4.2 and 2.4.3). */
export const hideKey = hideSalted;

/** The key in it. Undefined: not hidden with this secret, for this request. */
export const revealKey = revealSalted;

/** The value of Tunnel-Password (RFC 2868 section 3.5): a tag before it all. */
export const hideTunnelPassword = (
  tag: number,
  password: Uint8Array,
  salt: Uint8Array,
  secret: Uint8Array,
  requestAuthenticator: Uint8Array,
): Uint8Array => concatBytes(Uint8Array.of(tag), hideSalted(password, salt, secret, requestAuthenticator));

export const revealTunnelPassword = (
  value: Uint8Array,
  secret: Uint8Array,
  requestAuthenticator: Uint8Array,
): { readonly tag: number; readonly password: Uint8Array } | undefined => {
  const password = revealSalted(value.subarray(1), secret, requestAuthenticator);
  return password === undefined ? undefined : { tag: value[0] ?? 0, password };
};
