import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../../core/bytes/hex.ts';
import { desKeyWithParity } from '../../../core/crypto/des.ts';
import {
  challengeHash,
  checkAuthenticatorResponse,
  checkNtResponse,
  generateAuthenticatorResponse,
  generateNtResponse,
  hashNtPasswordHash,
  ntPasswordHash,
} from '../../../core/crypto/ms-chap-v2.ts';
import { RFC_EXCHANGE } from '../../support/rfc-exchange.ts';

const hash = ntPasswordHash(RFC_EXCHANGE.password);

describe('9.2 hash example', () => {
  test('every intermediate value', () => {
    const { authenticatorChallenge, peerChallenge, userName } = RFC_EXCHANGE;
    expect(toHex(challengeHash(peerChallenge, authenticatorChallenge, userName))).toBe('d02e4386bce91226');
    expect(toHex(hash)).toBe('44ebba8d5312b8d611474411f56989ae');
    expect(toHex(hashNtPasswordHash(hash))).toBe('41c00c584bd2d91c4017a2a12fa59f3f');
    expect(generateNtResponse(RFC_EXCHANGE, hash)).toEqual(RFC_EXCHANGE.ntResponse);
    expect(generateAuthenticatorResponse(RFC_EXCHANGE, hash, RFC_EXCHANGE.ntResponse)).toBe(
      RFC_EXCHANGE.authenticatorResponse,
    );
  });

  test('section 4: a domain in front of the user name is left out of the hash', () => {
    const withDomain = { ...RFC_EXCHANGE, userName: 'BIGCO\\User' };
    expect(generateNtResponse(withDomain, hash)).toEqual(RFC_EXCHANGE.ntResponse);
    expect(checkNtResponse(withDomain, hash, RFC_EXCHANGE.ntResponse)).toBe(true);
  });

  test('section 8.8: the authenticator response is checked, whatever the case of its digits', () => {
    const check = (received: string): boolean =>
      checkAuthenticatorResponse(RFC_EXCHANGE, hash, RFC_EXCHANGE.ntResponse, received);
    const right = RFC_EXCHANGE.authenticatorResponse;
    expect(check(right)).toBe(true);
    expect(check(right.toLowerCase())).toBe(true);
    expect(check(`${right.slice(0, -1)}7`)).toBe(false);
    expect(check(right.slice(0, -1))).toBe(false);
    expect(check('')).toBe(false);
    expect(checkNtResponse(RFC_EXCHANGE, ntPasswordHash('clientpass'), RFC_EXCHANGE.ntResponse)).toBe(false);
  });
});

test('9.3 DES keys of "MyPw"', () => {
  const myPw = ntPasswordHash('MyPw');
  expect(toHex(myPw)).toBe(toHex(fromHex('FC156AF7EDCD6C0EDDE3337D427F4EAC')));
  expect(toHex(desKeyWithParity(myPw.subarray(0, 7)))).toBe('fd0b5b5e7f6e34d9');
  expect(toHex(desKeyWithParity(myPw.subarray(7, 14)))).toBe('0e6e796737ea08fe');
});
