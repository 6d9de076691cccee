import { expect, test } from 'vitest';
import { fromHex, toHex } from '../../../core/bytes/hex.ts';
import { getStartKey, MppeSessionKey, msChapV1MasterKeys } from '../../../core/crypto/mppe-keys.ts';
import { hashNtPasswordHash, ntPasswordHash } from '../../../core/crypto/ms-chap-v2.ts';

const CHALLENGE = fromHex('102DB5DF085D3041');
const hash = ntPasswordHash('clientPass');

test('2.5.3: the 128-bit key of both directions', () => {
  expect(toHex(hash)).toBe('44ebba8d5312b8d611474411f56989ae');
  expect(toHex(hashNtPasswordHash(hash))).toBe('41c00c584bd2d91c4017a2a12fa59f3f');
  // Step 3 prints CA as the eighth octet, step 4 the same key with C1: CA is a misprint.
  expect(toHex(getStartKey(CHALLENGE, hashNtPasswordHash(hash)))).toBe('a8947850cfc0acc1d1789fb62ddcddb0');
  const { send, receive, strengths } = msChapV1MasterKeys(hash, CHALLENGE);
  for (const master of [send, receive]) {
    expect(toHex(new MppeSessionKey(master, 128).key)).toBe('59d159bc09f76f1da2a86a28ffec0b1e');
  }
  expect(strengths).toEqual([128]);
});
