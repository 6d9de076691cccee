import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomFillSync,
  timingSafeEqual,
} from 'node:crypto';
import { readU32, writeU32 } from '../../core/bytes/bytes.ts';
import type { EspTransform } from '../../core/datapath/ipsec-transform.ts';
import type { EspAlgorithm } from '../../core/ports/security-associations.ts';
import { ESP_HEADER_LENGTH } from '../../core/wire/esp.ts';

/** A transform that can say what it was made of, for another process of this gateway. */
export interface OwnTransform extends EspTransform {
  /** With its keys: secrets. */
  algorithm(): EspAlgorithm;
}

/** Writes the IV of the next packet: for GCM 8 octets that no packet under the same key ever had or has. */
export type WriteIv = (b: Uint8Array, at: number) => void;

const SALT = 4;
const GCM_IV = 8;
const CBC_IV = 16;
const ICV = 16;
const CBC_BLOCK = 16;
/** RFC 4303 section 2.4: the trailer ends on four octets. */
const STREAM_BLOCK = 4;
/** IVs are taken out of so much randomness at a time. */
const RANDOM_OCTETS = 4096;

/** AES in Galois/Counter Mode (RFC 4106): `key` is that of AES, `salt` the four octets that are not on the wire. */
class AesGcm implements OwnTransform {
  readonly name = 'aes-gcm-16';
  readonly ivLength = GCM_IV;
  readonly icvLength = ICV;
  readonly block = STREAM_BLOCK;
  private readonly cipher: 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm';
  private readonly key: KeyObject;
  private readonly nonce: Uint8Array;
  private readonly aad = new Uint8Array(12);
  private readonly writeIv: WriteIv;

  constructor(key: Uint8Array, writeIv: WriteIv) {
    const octets = key.length - SALT;
    this.cipher = octets === 16 ? 'aes-128-gcm' : octets === 24 ? 'aes-192-gcm' : 'aes-256-gcm';
    this.key = createSecretKey(key.subarray(0, octets));
    this.nonce = new Uint8Array(SALT + GCM_IV);
    this.nonce.set(key.subarray(octets));
    this.writeIv = writeIv;
  }

  seal(b: Uint8Array, at: number, length: number, high: number): void {
    const iv = at + ESP_HEADER_LENGTH;
    const start = iv + GCM_IV;
    const end = at + length - ICV;
    this.writeIv(b, iv);
    this.takeNonce(b, iv);
    const cipher = createCipheriv(this.cipher, this.key, this.nonce, { authTagLength: ICV });
    cipher.setAAD(this.associated(b, at, high));
    b.set(cipher.update(b.subarray(start, end)), start);
    cipher.final();
    b.set(cipher.getAuthTag(), end);
  }

  open(b: Uint8Array, at: number, length: number, high: number): boolean {
    const iv = at + ESP_HEADER_LENGTH;
    const start = iv + GCM_IV;
    const end = at + length - ICV;
    this.takeNonce(b, iv);
    const decipher = createDecipheriv(this.cipher, this.key, this.nonce, { authTagLength: ICV });
    decipher.setAAD(this.associated(b, at, high));
    decipher.setAuthTag(b.subarray(end, end + ICV));
    const clear = decipher.update(b.subarray(start, end));
    try {
      decipher.final();
    } catch {
      return false;
    }
    b.set(clear, start);
    return true;
  }

  algorithm(): EspAlgorithm {
    const key = Buffer.concat([this.key.export(), this.nonce.subarray(0, SALT)]);
    return { name: this.name, key: new Uint8Array(key) };
  }

  private takeNonce(b: Uint8Array, iv: number): void {
    for (let i = 0; i < GCM_IV; i += 1) this.nonce[SALT + i] = b[iv + i] ?? 0;
  }

  /** RFC 4106 section 5: SPI and sequence number, the extended one whole. */
  private associated(b: Uint8Array, at: number, high: number): Uint8Array {
    const { aad } = this;
    writeU32(aad, 0, readU32(b, at));
    if (high < 0) {
      writeU32(aad, 4, readU32(b, at + 4));
      return aad.subarray(0, ESP_HEADER_LENGTH);
    }
    writeU32(aad, 4, high);
    writeU32(aad, 8, readU32(b, at + 4));
    return aad;
  }
}

/** AES-CBC (RFC 3602) with HMAC-SHA-256-128 (RFC 4868) over everything before the ICV, and the unseen upper half. */
class AesCbcHmac implements OwnTransform {
  readonly name = 'aes-cbc-hmac-sha2-256-128';
  readonly ivLength = CBC_IV;
  readonly icvLength = ICV;
  readonly block = CBC_BLOCK;
  private readonly cipher: string;
  private readonly key: KeyObject;
  private readonly integrityKey: KeyObject;
  private readonly writeIv: WriteIv;
  private readonly upper = new Uint8Array(4);

  constructor(key: Uint8Array, integrityKey: Uint8Array, writeIv: WriteIv) {
    this.cipher = `aes-${key.length * 8}-cbc`;
    this.key = createSecretKey(key);
    this.integrityKey = createSecretKey(integrityKey);
    this.writeIv = writeIv;
  }

  seal(b: Uint8Array, at: number, length: number, high: number): void {
    const iv = at + ESP_HEADER_LENGTH;
    const start = iv + CBC_IV;
    const end = at + length - ICV;
    this.writeIv(b, iv);
    const cipher = createCipheriv(this.cipher, this.key, b.subarray(iv, start)).setAutoPadding(false);
    b.set(cipher.update(b.subarray(start, end)), start);
    cipher.final();
    b.set(this.check(b, at, end, high), end);
  }

  open(b: Uint8Array, at: number, length: number, high: number): boolean {
    const iv = at + ESP_HEADER_LENGTH;
    const start = iv + CBC_IV;
    const end = at + length - ICV;
    if (!timingSafeEqual(this.check(b, at, end, high), b.subarray(end, end + ICV))) return false;
    const decipher = createDecipheriv(this.cipher, this.key, b.subarray(iv, start)).setAutoPadding(false);
    b.set(decipher.update(b.subarray(start, end)), start);
    decipher.final();
    return true;
  }

  algorithm(): EspAlgorithm {
    return {
      name: this.name,
      key: new Uint8Array(this.key.export()),
      integrityKey: new Uint8Array(this.integrityKey.export()),
    };
  }

  private check(b: Uint8Array, at: number, end: number, high: number): Uint8Array {
    const hmac = createHmac('sha256', this.integrityKey).update(b.subarray(at, end));
    if (high >= 0) {
      writeU32(this.upper, 0, high);
      hmac.update(this.upper);
    }
    return hmac.digest().subarray(0, ICV);
  }
}

/** Random IVs, as CBC needs them; drawn many at a time. */
export const randomIvs = (): WriteIv => {
  const pool = new Uint8Array(RANDOM_OCTETS);
  let used = RANDOM_OCTETS;
  return (b, at) => {
    if (used + CBC_IV > RANDOM_OCTETS) {
      randomFillSync(pool);
      used = 0;
    }
    b.set(pool.subarray(used, used + CBC_IV), at);
    used += CBC_IV;
  };
};

export interface IvSources {
  readonly counted: WriteIv;
  readonly random: WriteIv;
}

/** Undefined, with a sentence for the operator, when the lengths of the keys are wrong. */
export const createTransform = (algorithm: EspAlgorithm, ivs: IvSources): OwnTransform | string => {
  const octets = algorithm.name === 'aes-gcm-16' ? algorithm.key.length - SALT : algorithm.key.length;
  if (octets !== 16 && octets !== 24 && octets !== 32) {
    return algorithm.name === 'aes-gcm-16'
      ? 'the key of aes-gcm-16 must have 20, 28 or 36 octets: that of AES and a salt of 4'
      : 'the key of AES-CBC must have 16, 24 or 32 octets';
  }
  if (algorithm.name === 'aes-gcm-16') return new AesGcm(algorithm.key, ivs.counted);
  if (algorithm.integrityKey.length !== 32) return 'the integrity key of HMAC-SHA2-256 must have 32 octets';
  return new AesCbcHmac(algorithm.key, algorithm.integrityKey, ivs.random);
};
