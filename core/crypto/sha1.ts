import { paddedBlocks, wordOctets } from './digest-blocks.ts';

const schedule = new Int32Array(80);

/** Puts `state` (5 words) to the initial value of FIPS 180-4 section 5.3.1. */
export const sha1Init = (state: Int32Array): void => {
  state[0] = 0x67452301;
  state[1] = 0xefcdab89;
  state[2] = 0x98badcfe;
  state[3] = 0x10325476;
  state[4] = 0xc3d2e1f0;
};

/** One block: the 16 big-endian words at `words[at ..]` into `state`. Allocates nothing. */
export const sha1Compress = (state: Int32Array, words: Int32Array, at: number): void => {
  const w = schedule;
  for (let i = 0; i < 16; i += 1) w[i] = words[at + i] as number;
  for (let i = 16; i < 80; i += 1) {
    const x = (w[i - 3] as number) ^ (w[i - 8] as number) ^ (w[i - 14] as number) ^ (w[i - 16] as number);
    w[i] = (x << 1) | (x >>> 31);
  }
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  let e = state[4] as number;
  let next = 0;
  for (let i = 0; i < 20; i += 1) {
    next = (((a << 5) | (a >>> 27)) + (d ^ (b & (c ^ d))) + e + (w[i] as number) + 0x5a827999) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (let i = 20; i < 40; i += 1) {
    next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + (w[i] as number) + 0x6ed9eba1) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (let i = 40; i < 60; i += 1) {
    next = (((a << 5) | (a >>> 27)) + ((b & c) | (d & (b | c))) + e + (w[i] as number) + 0x8f1bbcdc) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (let i = 60; i < 80; i += 1) {
    next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + (w[i] as number) + 0xca62c1d6) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  state[0] = ((state[0] as number) + a) | 0;
  state[1] = ((state[1] as number) + b) | 0;
  state[2] = ((state[2] as number) + c) | 0;
  state[3] = ((state[3] as number) + d) | 0;
  state[4] = ((state[4] as number) + e) | 0;
};

/** SHA-1 (FIPS 180-4) over the parts one after the other: 20 octets. */
export const sha1 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const view = paddedBlocks(parts, false);
  const state = new Int32Array(5);
  const words = new Int32Array(16);
  sha1Init(state);
  for (let block = 0; block < view.byteLength; block += 64) {
    for (let i = 0; i < 16; i += 1) words[i] = view.getInt32(block + 4 * i);
    sha1Compress(state, words, 0);
  }
  return wordOctets(state, false);
};
