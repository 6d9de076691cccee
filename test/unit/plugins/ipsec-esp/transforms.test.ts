import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../../core/bytes/hex.ts';
import type { EspTransform } from '../../../../core/datapath/ipsec-transform.ts';
import type { EspAlgorithm } from '../../../../core/ports/security-associations.ts';
import { writeEspHeader, writeEspTrailer } from '../../../../core/wire/esp.ts';
import { createTransform, randomIvs } from '../../../../plugins/ipsec-esp/transforms.ts';
import { CBC_KEYS, espClear, espSealClear, GCM_KEYS } from '../../../support/esp-peer.ts';

const create = (algorithm: EspAlgorithm, iv: Uint8Array): EspTransform => {
  const fixed = (b: Uint8Array, at: number): void => b.set(iv, at);
  const transform = createTransform(algorithm, { counted: fixed, random: fixed });
  if (typeof transform === 'string') throw new Error(transform);
  return transform;
};

describe('AES-CBC with HMAC-SHA2-256-128', () => {
  // RFC 3602 section 4, case 5: "Sample transport-mode ESP packet (ping 192.168.123.100)".
  const key = fromHex('90d382b4 10eeba7a d938c46c ec1a82bf');
  const iv = fromHex('e96e8c08 ab465763 fd098d45 dd3ff893');
  const ping = fromHex(
    `08000ebd a70a0000 8e9c083d b95b0700 08090a0b 0c0d0e0f 10111213 14151617
     18191a1b 1c1d1e1f 20212223 24252627 28292a2b 2c2d2e2f 30313233 34353637`,
  );
  const encrypted = `f663c25d325c18c6a9453e194e120849a4870b66cc6b9965330013b4898dc856a4699e523a55db08
    0b59ec3a8e4b7e52775b07d1db34ed9c538ab50c551b874aa269add047ad2d5913ac19b7cfbad4a6`.replace(/\s+/g, '');
  const integrityKey = new Uint8Array(32).fill(0x0b);

  it('encrypts the sample packet of RFC 3602 to the octets that are printed there', () => {
    const transform = create({ name: 'aes-cbc-hmac-sha2-256-128', key, integrityKey }, iv);
    const packet = new Uint8Array(8 + 16 + 80 + 16);
    writeEspHeader(packet, 0, 0x4321, 1);
    packet.set(ping, 24);
    writeEspTrailer(packet, 24 + 64, 14, 1);
    transform.seal(packet, 0, packet.length, -1);
    expect(toHex(packet.subarray(0, 8))).toBe('0000432100000001');
    expect(toHex(packet.subarray(8, 24))).toBe(toHex(iv));
    expect(toHex(packet.subarray(24, 104))).toBe(encrypted);
    expect(transform.open(packet, 0, packet.length, -1)).toBe(true);
    expect(toHex(packet.subarray(24, 88))).toBe(toHex(ping));
  });

  it('has an ICV over everything before it, and over the upper half that is not sent', () => {
    // Derived: HMAC-SHA-256 by an independent call (RFC 4868 has no packets).
    for (const [high, sequence, esn] of [
      [-1, 7n, false],
      [0, 7n, true],
      [5, (5n << 32n) | 7n, true],
    ] as const) {
      const transform = create(CBC_KEYS, iv);
      const clear = espClear(ping, 1, 16);
      const packet = new Uint8Array(24 + clear.length + 16);
      writeEspHeader(packet, 0, 0x4321, 7);
      packet.set(clear, 24);
      transform.seal(packet, 0, packet.length, high);
      const side = { spi: 0x4321, algorithm: CBC_KEYS, esn };
      expect(toHex(packet)).toBe(toHex(espSealClear(side, sequence, clear, Buffer.from(iv))));
      expect(transform.open(packet.slice(), 0, packet.length, high < 0 ? 0 : high + 1)).toBe(false);
    }
  });
});

describe('AES-GCM-16', () => {
  it.each([20, 28, 36])('with a key of %i octets makes packets as an independent implementation does', (octets) => {
    // Derived: no ESP packets are published with the RFC.
    const algorithm: EspAlgorithm = { name: 'aes-gcm-16', key: Uint8Array.from({ length: octets }, (_, i) => i * 3) };
    const iv = fromHex('4956ed7e3b244cfe');
    for (const [high, sequence, esn] of [
      [-1, 0x87654321n, false],
      [0x2468ace0, 0x2468ace0_87654321n, true],
    ] as const) {
      const transform = create(algorithm, iv);
      const clear = espClear(fromHex('45000048 69900000 80114db7 c0a80102'), 4, 4);
      const packet = new Uint8Array(16 + clear.length + 16);
      writeEspHeader(packet, 0, 0x4321, 0x87654321);
      packet.set(clear, 16);
      transform.seal(packet, 0, packet.length, high);
      const side = { spi: 0x4321, algorithm, esn };
      expect(toHex(packet)).toBe(toHex(espSealClear(side, sequence, clear, Buffer.from(iv))));
      expect(transform.open(packet.slice(), 0, packet.length, high < 0 ? 0 : -1)).toBe(false);
      expect(transform.open(packet, 0, packet.length, high)).toBe(true);
      expect(toHex(packet.subarray(16, -16))).toBe(toHex(clear));
    }
  });

  it('encrypts as test case 4 of the GCM specification (McGrew and Viega), the nonce being salt and IV', () => {
    // The associated data of that case are no ESP header, so it shows the ciphertext alone.
    const salt = fromHex('cafebabe');
    const key = new Uint8Array([...fromHex('feffe9928665731c6d6a8f9467308308'), ...salt]);
    const transform = create({ name: 'aes-gcm-16', key }, fromHex('facedbaddecaf888'));
    const plain = fromHex(
      `d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39`,
    );
    const packet = new Uint8Array(16 + plain.length + 16);
    packet.set(plain, 16);
    transform.seal(packet, 0, packet.length, -1);
    expect(toHex(packet.subarray(16, -16))).toBe(
      '42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091',
    );
  });
});

describe('initialization vectors', () => {
  const take = (write: (b: Uint8Array, at: number) => void, octets: number): string => {
    const b = new Uint8Array(octets);
    write(b, 0);
    return toHex(b);
  };

  it('that are random do not come again', () => {
    const write = randomIvs();
    const drawn = Array.from({ length: 1000 }, () => take(write, 16));
    expect(new Set(drawn).size).toBe(1000);
  });
});

it('keys of the wrong length are refused with a sentence', () => {
  const ivs = { counted: () => undefined, random: () => undefined };
  const short = new Uint8Array(16);
  expect(createTransform({ name: 'aes-gcm-16', key: short }, ivs)).toContain('20, 28 or 36');
  expect(
    createTransform(
      { name: 'aes-cbc-hmac-sha2-256-128', key: new Uint8Array(20), integrityKey: new Uint8Array(32) },
      ivs,
    ),
  ).toContain('16, 24 or 32');
  expect(
    createTransform({ name: 'aes-cbc-hmac-sha2-256-128', key: short, integrityKey: new Uint8Array(20) }, ivs),
  ).toContain('32 octets');
  expect(typeof createTransform(GCM_KEYS, ivs)).toBe('object');
});
