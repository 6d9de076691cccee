import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toHex } from '../../../core/bytes/hex.ts';
import { desKeyWithParity } from '../../../core/crypto/des.ts';
import { ntPasswordHash } from '../../../core/crypto/ms-chap-v2.ts';
import {
  decryptNewPassword,
  encryptNewPassword,
  encryptOldHash,
  openPasswordChange,
  sealPasswordChange,
} from '../../../core/crypto/nt-password-change.ts';
import { rc4 } from '../../../core/crypto/rc4.ts';
import { utf16le } from '../../../core/crypto/utf16le.ts';

const OLD = ntPasswordHash('clientPass');
const fill = (octet: number): Uint8Array => new Uint8Array(516).fill(octet);
/** Single DES by way of triple DES with one key three times, which OpenSSL still has. */
const desOracle = (clear: Uint8Array, key: Uint8Array): string => {
  const cipher = createCipheriv('des-ede3-ecb', Buffer.concat([key, key, key]), null).setAutoPadding(false);
  return toHex(Buffer.concat([cipher.update(clear), cipher.final()]));
};

// The RFC prints no example of these routines; their parts are checked against it and other implementations elsewhere.

describe('8.9, 8.10 NewPasswordEncryptedWithOldNtPasswordHash', () => {
  test('the password stands right before its length in octets, behind random ones, all under RC4', () => {
    const clear = rc4(OLD, encryptNewPassword('MyPw', OLD, fill(0xaa)));
    expect(clear).toHaveLength(516);
    expect(toHex(clear.subarray(0, 504))).toBe('aa'.repeat(504));
    expect(clear.subarray(504, 512)).toEqual(utf16le('MyPw'));
    expect(toHex(clear.subarray(512))).toBe('08000000');
  });

  test('lengths from none to 256 characters come back; a longer one is cut', () => {
    for (const length of [0, 1, 128, 255, 256]) {
      const password = 'é'.repeat(length);
      expect(decryptNewPassword(encryptNewPassword(password, OLD, fill(1)), OLD)).toBe(password);
    }
    expect(decryptNewPassword(encryptNewPassword('x'.repeat(257), OLD, fill(1)), OLD)).toBe('x'.repeat(256));
  });

  test('impossible lengths and sizes are no password', () => {
    const broken = (lengthOctets: readonly number[]): Uint8Array => {
      const clear = fill(0x41);
      clear.set(lengthOctets, 512);
      return rc4(OLD, clear);
    };
    for (const octets of [
      [3, 0, 0, 0],
      [2, 2, 0, 0],
      [0, 0, 1, 0],
      [2, 0, 0, 128],
    ]) {
      expect(decryptNewPassword(broken(octets), OLD)).toBeUndefined();
    }
    expect(decryptNewPassword(broken([0, 2, 0, 0]), OLD)).toHaveLength(256);
    expect(decryptNewPassword(new Uint8Array(515), OLD)).toBeUndefined();
  });
});

test('8.12, 8.13 OldNtPasswordHashEncryptedWithNewNtPasswordHash: DES under the first 14 octets of the new hash', () => {
  const fresh = ntPasswordHash('newPass');
  const expected =
    desOracle(OLD.subarray(0, 8), desKeyWithParity(fresh.subarray(0, 7))) +
    desOracle(OLD.subarray(8), desKeyWithParity(fresh.subarray(7, 14)));
  expect(toHex(encryptOldHash(OLD, fresh))).toBe(expected);
});

test('what is sealed opens under the old hash only, and only whole', () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 256 }),
      fc.uint8Array({ minLength: 516, maxLength: 516 }),
      (password, random) => {
        const cut = password.slice(0, 256);
        const sealed = sealPasswordChange(cut, OLD, random);
        expect(openPasswordChange(sealed, OLD)).toBe(cut);
        expect(openPasswordChange(sealed, ntPasswordHash('other'))).toBeUndefined();
        const { encryptedHash } = sealed;
        const bent = encryptedHash.with(0, (encryptedHash[0] ?? 0) ^ 1);
        expect(openPasswordChange({ ...sealed, encryptedHash: bent }, OLD)).toBeUndefined();
      },
    ),
    { numRuns: 50 },
  );
});
