import { asciiBytes } from '../bytes/ascii.ts';
import { hashNtPasswordHash } from './ms-chap-v2.ts';
import { Rc4 } from './rc4.ts';
import { sha1, sha1Compress, sha1Init } from './sha1.ts';

/** MPPE keys: RFC 3079 sections 2 and 3 (from MS-CHAPv1 and v2) and RFC 3078 section 7 (key changes). */

const PAD_1 = new Uint8Array(40);
const PAD_2 = new Uint8Array(40).fill(0xf2);
const MAGIC_1 = asciiBytes('This is the MPPE Master Key');
const MAGIC_2 = asciiBytes('On the client side, this is the send key; on the server side, it is the receive key.');
const MAGIC_3 = asciiBytes('On the client side, this is the receive key; on the server side, it is the send key.');

/** GetMasterKey, RFC 3079 section 3.4: 16 octets. */
export const getMasterKey = (passwordHashHash: Uint8Array, ntResponse: Uint8Array): Uint8Array =>
  sha1(passwordHashHash, ntResponse, MAGIC_1).slice(0, 16);

/** GetAsymmetricStartKey, RFC 3079 section 3.4: 8 or 16 octets. */
export const getAsymmetricStartKey = (
  masterKey: Uint8Array,
  length: 8 | 16,
  isSend: boolean,
  isServer: boolean,
): Uint8Array => sha1(masterKey, PAD_1, isSend === isServer ? MAGIC_3 : MAGIC_2, PAD_2).slice(0, length);

/** The authenticator is the "server" of RFC 3079: in PPTP the side that was called. */
export type KeySide = 'authenticator' | 'peer';

/** Both master session keys of an MS-CHAPv2 exchange, 16 octets each (8-octet keys are their first halves). */
export const msChapV2MasterKeys = (
  passwordHash: Uint8Array,
  ntResponse: Uint8Array,
  side: KeySide,
): { readonly send: Uint8Array; readonly receive: Uint8Array } => {
  const masterKey = getMasterKey(hashNtPasswordHash(passwordHash), ntResponse);
  const isServer = side === 'authenticator';
  return {
    send: getAsymmetricStartKey(masterKey, 16, true, isServer),
    receive: getAsymmetricStartKey(masterKey, 16, false, isServer),
  };
};

/** GetStartKey, RFC 3079 section 2.4: 16 octets, from the challenge of 8 octets. */
export const getStartKey = (challenge: Uint8Array, passwordHashHash: Uint8Array): Uint8Array =>
  sha1(passwordHashHash, passwordHashHash, challenge).slice(0, 16);

/**
 * Both keys of an MS-CHAPv1 exchange: the same one (RFC 3079 section 2). It serves 128 bits only; the others would be made
 * of the LAN Manager hash, which nobody should keep.
 */
export const msChapV1MasterKeys = (
  passwordHash: Uint8Array,
  challenge: Uint8Array,
): { readonly send: Uint8Array; readonly receive: Uint8Array; readonly strengths: readonly [128] } => {
  const key = getStartKey(challenge, hashNtPasswordHash(passwordHash));
  return { send: key, receive: key.slice(), strengths: [128] };
};

export type KeyStrength = 40 | 56 | 128;

const interimTables = new Rc4();

/**
 * A key as octets of its own, for those who do many key changes at once: start key, session key and strength. Keys take
 * 16 octets; one of 8 octets is there twice, which is the same key to RC4.
 */
export const KEY_RECORD = { size: 48, start: 0, key: 16, strength: 32 } as const;

/** What is hashed for a key of so many octets, without its two keys. */
const messageOf = (length: 8 | 16): Int32Array => {
  const message = new Int32Array(32);
  const pad = (2 * length + 40) / 4;
  message.fill(0xf2f2f2f2, pad, pad + 10);
  message[pad + 10] = 0x80000000;
  message[31] = (2 * length + 80) * 8;
  return message;
};

/**
 * StartKey | SHApad1 | SessionKey | SHApad2, padded as SHA-1 wants it: always two blocks of 16 words. All keys share them,
 * and the digest: there are two keys for each of very many tunnels.
 */
const SHORT_MESSAGE = messageOf(8);
const LONG_MESSAGE = messageOf(16);
const digest = new Int32Array(5);

const loadWords = (message: Int32Array, at: number, key: Uint8Array): void => {
  for (let i = 0; i < key.length; i += 4) {
    message[at + (i >> 2)] =
      ((key[i] as number) << 24) |
      ((key[i + 1] as number) << 16) |
      ((key[i + 2] as number) << 8) |
      (key[i + 3] as number);
  }
};

/** Cut to the key length, or padded with zeroes on the left (RFC 3079 section 4.1). */
const fitted = (masterKey: Uint8Array, length: number): Uint8Array => {
  const start = new Uint8Array(length);
  start.set(masterKey.subarray(0, length), Math.max(0, length - masterKey.length));
  return start;
};

/** What a key is made of; 8 octets for 40 and 56 bits, 16 for 128. */
export interface SessionKeyState {
  readonly start: Uint8Array;
  readonly current: Uint8Array;
  readonly strength: KeyStrength;
}

/** The key of one direction. Starts as the initial session key of RFC 3079; `change` allocates nothing. */
export class MppeSessionKey {
  /** Which stream of a `MppeWork` it is, while that is made up. */
  stream = 0;
  private current: Uint8Array;
  private readonly strength: KeyStrength;
  private readonly start: Uint8Array;

  /** `masterKey` is kept, not copied, where it has the key's length: it does not change. */
  constructor(masterKey: Uint8Array, strength: KeyStrength) {
    const length = strength === 128 ? 16 : 8;
    this.strength = strength;
    this.start = masterKey.length === length ? masterKey : fitted(masterKey, length);
    this.current = this.start.slice();
    this.hash();
    this.reduce();
  }

  /** The current session key: 8 octets for 40 and 56 bits, 16 for 128. Read only for others, and not to be kept. */
  get key(): Uint8Array {
    return this.current;
  }

  /** One key change (RFC 3078 section 7.3). */
  change(): void {
    this.hash();
    interimTables.init(this.key);
    interimTables.apply(this.key, 0, this.key.length);
    this.reduce();
  }

  /** A key that goes on where another one was. */
  static restored({ start, current, strength }: SessionKeyState): MppeSessionKey {
    const key = new MppeSessionKey(start, strength);
    key.current.set(current.subarray(0, key.current.length));
    return key;
  }

  state(): SessionKeyState {
    return { start: this.start, current: this.current.slice(), strength: this.strength };
  }

  /** The same key as it was in the beginning, to be changed apart from this one. */
  twin(): MppeSessionKey {
    return new MppeSessionKey(this.start, this.strength);
  }

  /** Puts back a key that `key` held before. */
  restore(earlier: Uint8Array): void {
    this.key.set(earlier);
  }

  /** Writes the record of this key to `record[at ..]`. */
  save(record: Uint8Array, at: number): void {
    const { key, start } = this;
    const mask = key.length - 1;
    for (let i = 0; i < 16; i += 1) {
      record[at + KEY_RECORD.start + i] = start[i & mask] as number;
      record[at + KEY_RECORD.key + i] = key[i & mask] as number;
    }
    record[at + KEY_RECORD.strength] = this.strength;
  }

  /** Takes a key that others have changed, from `keys[at ..]`. */
  load(keys: Uint8Array, at: number): void {
    const { key } = this;
    for (let i = 0; i < key.length; i += 1) key[i] = keys[at + i] as number;
  }

  /** As `load`, but into `spare`, which takes the place of the key before: that is returned, as it was. */
  replace(spare: Uint8Array, keys: Uint8Array, at: number): Uint8Array {
    const before = this.current;
    this.current = spare;
    this.load(keys, at);
    return before;
  }

  /** GetNewKeyFromSHA: the interim key, into `key`. */
  private hash(): void {
    const { key, start } = this;
    const message = key.length === 16 ? LONG_MESSAGE : SHORT_MESSAGE;
    loadWords(message, 0, start);
    loadWords(message, (key.length + 40) >> 2, key);
    sha1Init(digest);
    sha1Compress(digest, message, 0);
    sha1Compress(digest, message, 16);
    for (let i = 0; i < key.length; i += 1) key[i] = (digest[i >> 2] as number) >>> (24 - 8 * (i & 3));
  }

  /** Known first octets take the effective strength down to 40 or 56 bits. */
  private reduce(): void {
    if (this.strength === 128) return;
    this.key[0] = 0xd1;
    if (this.strength === 56) return;
    this.key[1] = 0x26;
    this.key[2] = 0x9e;
  }
}
