import { expect, test } from 'vitest';
import { fromHex, toHex } from '../../../core/bytes/hex.ts';
import { desKeyWithParity } from '../../../core/crypto/des.ts';
import { challengeResponse, ntPasswordHash } from '../../../core/crypto/ms-chap-v2.ts';

test('B.2: NT password hash and challenge response of "MyPw"', () => {
  const hash = ntPasswordHash('MyPw');
  expect(toHex(hash)).toBe('fc156af7edcd6c0edde3337d427f4eac');
  expect(toHex(challengeResponse(fromHex('102DB5DF085D3041'), hash))).toBe(
    '4e9d3c8f9cfd385d5bf4d3246791956ca4c351ab409a3d61',
  );
});

test('B.3: DES keys of the first fourteen octets of the hash', () => {
  const hash = ntPasswordHash('MyPw');
  expect(toHex(desKeyWithParity(hash.subarray(0, 7)))).toBe('fd0b5b5e7f6e34d9');
  expect(toHex(desKeyWithParity(hash.subarray(7, 14)))).toBe('0e6e796737ea08fe');
});
