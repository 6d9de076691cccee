import { describe, expect, test } from 'vitest';
import { asciiBytes } from '../../../core/bytes/ascii.ts';
import { toHex } from '../../../core/bytes/hex.ts';
import {
  getAsymmetricStartKey,
  getMasterKey,
  MppeSessionKey,
  msChapV2MasterKeys,
} from '../../../core/crypto/mppe-keys.ts';
import { hashNtPasswordHash, ntPasswordHash } from '../../../core/crypto/ms-chap-v2.ts';
import { rc4 } from '../../../core/crypto/rc4.ts';
import { RFC_EXCHANGE } from '../../support/rfc-exchange.ts';

const hash = ntPasswordHash(RFC_EXCHANGE.password);
const masterKey = getMasterKey(hashNtPasswordHash(hash), RFC_EXCHANGE.ntResponse);

describe('3.5 keys from MS-CHAPv2, server sends', () => {
  test('master key and start keys', () => {
    expect(toHex(masterKey)).toBe('fdece3717a8c838cb388e527ae3cdd31');
    expect(toHex(getAsymmetricStartKey(masterKey, 8, true, true))).toBe('8b7cdc149b993a1b');
    expect(toHex(getAsymmetricStartKey(masterKey, 16, true, true))).toBe('8b7cdc149b993a1ba118cb153f56dccb');
  });

  test.each([
    [40, 'd1269ec49fa62e3e', '929137917e5803d668d75898'],
    // 3.5.2 prints 58 as the last octet and calls the key SendSessionKey40: both are misprints.
    [56, 'd15c00c49fa62e3e', '3f106833fa448da842bc57b8'],
    [128, '405cb2247a7956e6e211007ae27b22d4', '81848317df68846272fb5abe'],
  ] as const)('initial session key of %i bits and the sample message', (strength, key, message) => {
    const session = new MppeSessionKey(
      msChapV2MasterKeys(hash, RFC_EXCHANGE.ntResponse, 'authenticator').send,
      strength,
    );
    expect(toHex(session.key)).toBe(key);
    expect(toHex(rc4(session.key, asciiBytes('test message')))).toBe(message);
  });

  test('what one side sends with, the other receives with', () => {
    const server = msChapV2MasterKeys(hash, RFC_EXCHANGE.ntResponse, 'authenticator');
    const client = msChapV2MasterKeys(hash, RFC_EXCHANGE.ntResponse, 'peer');
    expect(client.receive).toEqual(server.send);
    expect(client.send).toEqual(server.receive);
    expect(toHex(client.send)).not.toBe(toHex(server.send));
  });

  test('4.1: master keys of another length are cut, or padded with zeroes on the left', () => {
    const bytes = (from: number, length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => from + i);
    const padded = new Uint8Array(8);
    padded.set(bytes(1, 5), 3);
    expect(new MppeSessionKey(bytes(1, 5), 40).key).toEqual(new MppeSessionKey(padded, 40).key);
    expect(new MppeSessionKey(bytes(1, 32), 128).key).toEqual(new MppeSessionKey(bytes(1, 16), 128).key);
  });
});
