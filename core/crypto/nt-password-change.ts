import { equalBytes } from '../bytes/bytes.ts';
import { desEncrypt, desKeyWithParity } from './des.ts';
import { ntPasswordHash } from './ms-chap-v2.ts';
import { rc4 } from './rc4.ts';
import { utf16le } from './utf16le.ts';

/** What a Change-Password packet proves and carries: RFC 2759 sections 8.9 to 8.13, RFC 2433 sections A.11 to A.14. */

const PASSWORD_OCTETS = 512;
/** A PWBLOCK: 512 octets with the password at their end, then its length in octets (4 octets, least significant first). */
export const PW_BLOCK_LENGTH = PASSWORD_OCTETS + 4;

/**
 * NewPasswordEncryptedWithOldNtPasswordHash, section 8.9: 516 octets. `fill` is random, as long as the block; a password
 * over 256 UTF-16 units is cut.
 */
export const encryptNewPassword = (newPassword: string, oldHash: Uint8Array, fill: Uint8Array): Uint8Array => {
  const password = utf16le(newPassword.slice(0, PASSWORD_OCTETS / 2));
  const block = new Uint8Array(PW_BLOCK_LENGTH);
  block.set(fill.subarray(0, PASSWORD_OCTETS));
  block.set(password, PASSWORD_OCTETS - password.length);
  block[PASSWORD_OCTETS] = password.length & 0xff;
  block[PASSWORD_OCTETS + 1] = password.length >>> 8;
  return rc4(oldHash, block);
};

/** The reverse; undefined when the block was not made with this hash (or names an impossible length). */
export const decryptNewPassword = (encrypted: Uint8Array, oldHash: Uint8Array): string | undefined => {
  if (encrypted.length !== PW_BLOCK_LENGTH) return undefined;
  const block = rc4(oldHash, encrypted);
  const [l0 = 0, l1 = 0, l2 = 0, l3 = 0] = block.subarray(PASSWORD_OCTETS);
  const length = l0 | (l1 << 8);
  if (l2 !== 0 || l3 !== 0 || length > PASSWORD_OCTETS || length % 2 !== 0) return undefined;
  let password = '';
  for (let at = PASSWORD_OCTETS - length; at < PASSWORD_OCTETS; at += 2) {
    password += String.fromCharCode((block[at] ?? 0) | ((block[at + 1] ?? 0) << 8));
  }
  return password;
};

/** NtPasswordHashEncryptedWithBlock, section 8.13: 16 octets. */
export const encryptOldHash = (oldHash: Uint8Array, newHash: Uint8Array): Uint8Array => {
  const cypher = new Uint8Array(16);
  for (let half = 0; half < 2; half += 1) {
    const key = desKeyWithParity(newHash.subarray(7 * half, 7 * half + 7));
    cypher.set(desEncrypt(oldHash.subarray(8 * half, 8 * half + 8), key), 8 * half);
  }
  return cypher;
};

/** The two encrypted fields of a Change-Password packet. */
export interface PasswordChange {
  /** 516 octets. */
  readonly encryptedPassword: Uint8Array;
  /** 16 octets. */
  readonly encryptedHash: Uint8Array;
}

/** What the peer sends. `fill` is random, 516 octets. */
export const sealPasswordChange = (newPassword: string, oldHash: Uint8Array, fill: Uint8Array): PasswordChange => ({
  encryptedPassword: encryptNewPassword(newPassword, oldHash, fill),
  encryptedHash: encryptOldHash(oldHash, ntPasswordHash(newPassword)),
});

/** The new password, when both fields were made by somebody who knows the old hash; undefined otherwise. */
export const openPasswordChange = (change: PasswordChange, oldHash: Uint8Array): string | undefined => {
  const password = decryptNewPassword(change.encryptedPassword, oldHash);
  if (password === undefined) return undefined;
  const fits = equalBytes(encryptOldHash(oldHash, ntPasswordHash(password)), change.encryptedHash);
  return fits ? password : undefined;
};
