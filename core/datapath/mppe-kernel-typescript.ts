import { KEY_RECORD } from '../crypto/mppe-keys.ts';
import { LANES, rc4Lane, rc4Lanes } from '../crypto/rc4-lanes.ts';
import { sha1Compress, sha1Init } from '../crypto/sha1.ts';
import { KEY_SIZE, type MppeKernel, type MppeWork } from './mppe-kernel.ts';

/** StartKey | SHApad1 | SessionKey | SHApad2, padded as SHA-1 wants it: always two blocks of 16 words. */
const message = new Int32Array(32);
const digest = new Int32Array(5);
/** The stream that `message` was made for. */
let prepared = -1;

const loadWords = (from: Uint8Array, at: number, octets: number, word: number): void => {
  for (let i = 0; i < octets; i += 4) {
    message[word + (i >> 2)] =
      ((from[at + i] as number) << 24) |
      ((from[at + i + 1] as number) << 16) |
      ((from[at + i + 2] as number) << 8) |
      (from[at + i + 3] as number);
  }
};

/** All of the message but the session key. */
const prepare = (work: MppeWork, stream: number, length: number): void => {
  prepared = stream;
  const pad = (2 * length + 40) / 4;
  message.fill(0);
  loadWords(work.streams, KEY_RECORD.size * stream + KEY_RECORD.start, length, 0);
  message.fill(0xf2f2f2f2, pad, pad + 10);
  message[pad + 10] = 0x80000000;
  message[31] = (2 * length + 80) * 8;
};

/** One key change (RFC 3078 section 7.3), noted in the stream's record and as the key of `packet`. */
const change = (work: MppeWork, packet: number): void => {
  const { keys, streams } = work;
  const stream = work.streamOf(packet);
  const record = KEY_RECORD.size * stream;
  const strength = streams[record + KEY_RECORD.strength] as number;
  const length = strength === 128 ? 16 : 8;
  if (stream !== prepared) prepare(work, stream, length);
  loadWords(streams, record + KEY_RECORD.key, length, (length + 40) / 4);
  sha1Init(digest);
  sha1Compress(digest, message, 0);
  sha1Compress(digest, message, 16);
  const at = KEY_SIZE * packet;
  for (let i = 0; i < KEY_SIZE; i += 1) {
    const octet = i & (length - 1);
    keys[at + i] = (digest[octet >> 2] as number) >>> (24 - 8 * (octet & 3));
  }
  rc4Lane(keys, at, keys, at, length);
  if (strength !== 128) keys[at] = 0xd1;
  if (strength === 40) {
    keys[at + 1] = 0x26;
    keys[at + 2] = 0x9e;
  }
  if (length < KEY_SIZE) keys.copyWithin(at + length, at, at + length);
  for (let i = 0; i < KEY_SIZE; i += 1) streams[record + KEY_RECORD.key + i] = keys[at + i] as number;
};

/** Packets by length, the longest first. */
let sorted = new Int32Array(64);

const sort = (work: MppeWork): void => {
  if (sorted.length < work.packetCount) sorted = new Int32Array(work.capacity);
  for (let packet = 0; packet < work.packetCount; packet += 1) {
    const length = work.lengthOf(packet);
    let at = packet;
    for (; at > 0 && work.lengthOf(sorted[at - 1] as number) < length; at -= 1) sorted[at] = sorted[at - 1] as number;
    sorted[at] = packet;
  }
};

const keysAt = new Int32Array(LANES);
const offsets = new Int32Array(LANES);
const lengths = new Int32Array(LANES);

/** The kernel that is always there: key changes one by one, packets of about the same length four at a time. */
export const typescriptKernel: MppeKernel = {
  name: 'typescript',
  run(work) {
    const { keys, packetCount, slab } = work;
    prepared = -1;
    for (let packet = 0; packet < packetCount; packet += 1) change(work, packet);
    sort(work);
    let at = 0;
    for (; at + LANES <= packetCount; at += LANES) {
      for (let lane = 0; lane < LANES; lane += 1) {
        const packet = sorted[at + lane] as number;
        keysAt[lane] = KEY_SIZE * packet;
        offsets[lane] = work.offsetOf(packet);
        lengths[lane] = work.lengthOf(packet);
      }
      rc4Lanes(keys, keysAt, slab, offsets, lengths);
    }
    for (; at < packetCount; at += 1) {
      const packet = sorted[at] as number;
      rc4Lane(keys, KEY_SIZE * packet, slab, work.offsetOf(packet), work.lengthOf(packet));
    }
  },
};
