import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { EspAlgorithm, SecurityAssociation } from '../../core/ports/security-associations.ts';
import { ipv4Packet } from './ipv4-packets.ts';

/** ESP as the other end does it, written from the RFCs without anything of the plug-in: with `Buffer` and `bigint`. */
export interface EspSide {
  readonly spi: number;
  readonly algorithm: EspAlgorithm;
  readonly esn: boolean;
}

const u32 = (value: number | bigint): Buffer => {
  const b = Buffer.alloc(4);
  b.writeUInt32BE(Number(BigInt(value) & 0xffffffffn));
  return b;
};

const upper = (side: EspSide, sequence: bigint): Buffer => (side.esn ? u32(sequence >> 32n) : Buffer.alloc(0));

const gcm = (algorithm: EspAlgorithm & { name: 'aes-gcm-16' }, iv: Buffer) => {
  const key = Buffer.from(algorithm.key.subarray(0, -4));
  const nonce = Buffer.concat([algorithm.key.subarray(-4), iv]);
  return { key, nonce, cipher: `aes-${key.length * 8}-gcm` as 'aes-128-gcm' };
};

/** Payload, padding 1, 2, 3 ..., pad length, next header. */
export const espClear = (payload: Uint8Array, nextHeader: number, block: number): Buffer => {
  const padding: number[] = [];
  while ((payload.length + padding.length + 2) % block !== 0) padding.push(padding.length + 1);
  return Buffer.concat([payload, Buffer.from([...padding, padding.length, nextHeader])]);
};

/** A whole ESP packet with these clear octets; `iv` is 8 octets for GCM and 16 for CBC. */
export const espSealClear = (side: EspSide, sequence: bigint, clear: Buffer, iv: Buffer): Buffer => {
  const head = Buffer.concat([u32(side.spi), u32(sequence)]);
  const { algorithm } = side;
  if (algorithm.name === 'aes-gcm-16') {
    const { key, nonce, cipher } = gcm(algorithm, iv);
    const work = createCipheriv(cipher, key, nonce);
    work.setAAD(Buffer.concat([u32(side.spi), upper(side, sequence), u32(sequence)]));
    const text = Buffer.concat([work.update(clear), work.final()]);
    return Buffer.concat([head, iv, text, work.getAuthTag()]);
  }
  const work = createCipheriv(`aes-${algorithm.key.length * 8}-cbc`, algorithm.key, iv).setAutoPadding(false);
  const sealed = Buffer.concat([head, iv, work.update(clear), work.final()]);
  const mac = createHmac('sha256', algorithm.integrityKey).update(sealed).update(upper(side, sequence)).digest();
  return Buffer.concat([sealed, mac.subarray(0, 16)]);
};

const BLOCK = { 'aes-gcm-16': 4, 'aes-cbc-hmac-sha2-256-128': 16 } as const;
const IV = { 'aes-gcm-16': 8, 'aes-cbc-hmac-sha2-256-128': 16 } as const;

export const espSeal = (side: EspSide, sequence: bigint, payload: Uint8Array, nextHeader: number): Buffer => {
  const iv = Buffer.alloc(IV[side.algorithm.name], Number(sequence & 0xffn));
  iv.writeUInt32BE(Number(sequence & 0xffffffffn));
  return espSealClear(side, sequence, espClear(payload, nextHeader, BLOCK[side.algorithm.name]), iv);
};

export interface Opened {
  readonly payload: Buffer;
  readonly nextHeader: number;
}

/** Throws when the packet is not what such a side would have sent with this number. */
export const espOpen = (side: EspSide, sequence: bigint, packet: Uint8Array): Opened => {
  const b = Buffer.from(packet);
  const { algorithm } = side;
  if (b.readUInt32BE(0) !== side.spi) throw new Error('another SPI');
  if (b.readUInt32BE(4) !== Number(sequence & 0xffffffffn)) throw new Error(`sequence ${b.readUInt32BE(4)}`);
  const iv = b.subarray(8, 8 + IV[algorithm.name]);
  const text = b.subarray(8 + iv.length, -16);
  let clear: Buffer;
  if (algorithm.name === 'aes-gcm-16') {
    const { key, nonce, cipher } = gcm(algorithm, iv);
    const work = createDecipheriv(cipher, key, nonce);
    work.setAAD(Buffer.concat([u32(side.spi), upper(side, sequence), u32(sequence)]));
    work.setAuthTag(b.subarray(-16));
    clear = Buffer.concat([work.update(text), work.final()]);
  } else {
    const mac = createHmac('sha256', algorithm.integrityKey)
      .update(b.subarray(0, -16))
      .update(upper(side, sequence))
      .digest();
    if (!mac.subarray(0, 16).equals(b.subarray(-16))) throw new Error('wrong ICV');
    const work = createDecipheriv(`aes-${algorithm.key.length * 8}-cbc`, algorithm.key, iv).setAutoPadding(false);
    clear = Buffer.concat([work.update(text), work.final()]);
  }
  const padding = clear[clear.length - 2] ?? 0;
  const payload = clear.subarray(0, clear.length - 2 - padding);
  const expected = Array.from({ length: padding }, (_, i) => i + 1);
  if (!clear.subarray(payload.length, -2).equals(Buffer.from(expected))) throw new Error('wrong padding');
  return { payload, nextHeader: clear[clear.length - 1] ?? 0 };
};

/** An IPv4 packet with ESP in it. */
export const espIpv4 = (source: Ipv4, destination: Ipv4, esp: Uint8Array): Uint8Array =>
  ipv4Packet({ source, destination, protocol: 50, payload: esp });

const octets = (count: number, first: number): Uint8Array => Uint8Array.from({ length: count }, (_, i) => first + i);

export const GCM_KEYS: EspAlgorithm = { name: 'aes-gcm-16', key: octets(36, 1) };
export const CBC_KEYS: EspAlgorithm = {
  name: 'aes-cbc-hmac-sha2-256-128',
  key: octets(16, 10),
  integrityKey: octets(32, 60),
};

/** An association for tests, of the user alice, with what differs. */
export const association = (
  host: Ipv4,
  differs: Partial<SecurityAssociation> & Pick<SecurityAssociation, 'direction'>,
): SecurityAssociation => ({
  name: 'test',
  spi: differs.direction === 'in' ? 0x1001 : 0x2001,
  owner: { identity: 'alice' },
  mode: 'transport',
  host,
  algorithm: GCM_KEYS,
  esn: false,
  ...differs,
});
