import { createCipheriv, createHash } from 'node:crypto';
import fc from 'fast-check';
import { md4 as md4Oracle } from 'hash-wasm';
import { describe, expect, test } from 'vitest';
import { asciiBytes } from '../../../../core/bytes/ascii.ts';
import { fromHex, toHex } from '../../../../core/bytes/hex.ts';
import { desEncrypt, desKeyWithParity } from '../../../../core/crypto/des.ts';
import { md4 } from '../../../../core/crypto/md4.ts';
import { md5 } from '../../../../core/crypto/md5.ts';
import { Rc4, rc4 } from '../../../../core/crypto/rc4.ts';
import { sha1 } from '../../../../core/crypto/sha1.ts';
import { utf16le } from '../../../../core/crypto/utf16le.ts';

const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + 3) & 0xff);

describe('MD4', () => {
  test.each([
    ['', '31d6cfe0d16ae931b73c59d7e0c089c0'],
    ['a', 'bde52cb31de33e46245e05fbdbd6fb24'],
    ['abc', 'a448017aaf21d8525fc10ae87aa6729d'],
    ['message digest', 'd9130a8164549fe818874806e1c7014b'],
    ['abcdefghijklmnopqrstuvwxyz', 'd79e1c308aa5bbcdeea8ed63df412da9'],
    ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '043f8582f241db351ce627e153e7f0e4'],
    [
      '12345678901234567890123456789012345678901234567890123456789012345678901234567890',
      'e33b4ddc9c38f2199c3e7b164fcc0536',
    ],
  ])('RFC 1320 section A.5: %j', (text, digest) => {
    expect(toHex(md4(asciiBytes(text)))).toBe(digest);
  });

  test('agrees with another implementation at every length up to three blocks', async () => {
    for (let length = 0; length <= 192; length += 1) {
      expect(toHex(md4(pattern(length)))).toBe(await md4Oracle(pattern(length)));
    }
  });
});

describe('MD5', () => {
  test('agrees with node:crypto at every length up to three blocks, however it is cut', () => {
    for (let length = 0; length <= 192; length += 1) {
      const bytes = pattern(length);
      const expected = createHash('md5').update(bytes).digest('hex');
      expect(toHex(md5(bytes))).toBe(expected);
      expect(toHex(md5(bytes.subarray(0, length >> 1), bytes.subarray(length >> 1)))).toBe(expected);
    }
  });
});

describe('SHA-1', () => {
  test('agrees with node:crypto at every length up to three blocks, however it is cut', () => {
    for (let length = 0; length <= 192; length += 1) {
      const bytes = pattern(length);
      const cut = Math.floor(length / 3);
      const expected = createHash('sha1').update(bytes).digest('hex');
      expect(toHex(sha1(bytes.subarray(0, cut), bytes.subarray(cut)))).toBe(expected);
    }
  });
});

describe('DES', () => {
  test('classic worked example', () => {
    expect(toHex(desEncrypt(fromHex('0123456789abcdef'), fromHex('133457799bbcdff1')))).toBe('85e813540f0ab405');
  });

  test('agrees with node:crypto (triple DES with one key) on any key and block', () => {
    const octets = fc.uint8Array({ minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(octets, octets, (key, block) => {
        const oracle = createCipheriv('des-ede3-ecb', Buffer.concat([key, key, key]), null).setAutoPadding(false);
        expect(toHex(desEncrypt(block, key))).toBe(oracle.update(block).toString('hex'));
      }),
      { numRuns: 300 },
    );
  });

  test('seven octets become eight of odd parity, with the same 56 bits in order', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 7, maxLength: 7 }), (seven) => {
        const key = desKeyWithParity(seven);
        const bits = [...seven].map((octet) => octet.toString(2).padStart(8, '0')).join('');
        expect([...key].map((octet) => octet.toString(2).padStart(8, '0').slice(0, 7)).join('')).toBe(bits);
        for (const octet of key) expect(octet.toString(2).replace(/0/g, '').length % 2).toBe(1);
      }),
    );
  });
});

describe('RC4', () => {
  test.each([
    ['Key', 'Plaintext', 'bbf316e8d940af0ad3'],
    ['Wiki', 'pedia', '1021bf0420'],
    ['Secret', 'Attack at dawn', '45a01f645fc35b383552544b9bf5'],
  ])('well-known stream: %s', (key, clear, cipher) => {
    expect(toHex(rc4(asciiBytes(key), asciiBytes(clear)))).toBe(cipher);
  });

  test('a stream goes on across calls, leaves other octets alone and starts over with init', () => {
    const key = asciiBytes('Secret');
    const whole = rc4(key, pattern(100));
    const slab = new Uint8Array(110);
    slab.set(pattern(100), 5);
    const tables = new Rc4();
    tables.init(key);
    tables.apply(slab, 5, 33);
    tables.apply(slab, 38, 0);
    tables.apply(slab, 38, 67);
    expect(slab.subarray(5, 105)).toEqual(whole);
    expect(toHex(slab.subarray(0, 5)) + toHex(slab.subarray(105))).toBe('00'.repeat(10));
    tables.init(key);
    tables.apply(slab, 5, 100);
    expect(slab.subarray(5, 105)).toEqual(pattern(100));
  });
});

test('UTF-16LE keeps code units, surrogates too', () => {
  expect(toHex(utf16le('aé€😀'))).toBe(Buffer.from('aé€😀', 'utf16le').toString('hex'));
});
