import { paddedBlocks, wordOctets } from './digest-blocks.ts';

/** Bits each step rotates by: four values a round (RFC 1321 section 3.4). */
const SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
] as const;
/** Where a round starts among the sixteen words of a block, and how far it steps from one to the next. */
const WALKS = [
  [0, 1],
  [1, 5],
  [5, 3],
  [0, 7],
] as const;
/** The table T of section 3.4: the integer part of 4294967296 times abs(sin(i)), i in radians. */
const SINES = Int32Array.from({ length: 64 }, (_, i) => Math.floor(4294967296 * Math.abs(Math.sin(i + 1))) | 0);

const mix = (round: number, b: number, c: number, d: number): number => {
  if (round === 0) return (b & c) | (~b & d);
  if (round === 1) return (b & d) | (c & ~d);
  if (round === 2) return b ^ c ^ d;
  return c ^ (b | ~d);
};

const compress = (state: Int32Array, words: Int32Array): void => {
  let a = state[0] ?? 0;
  let b = state[1] ?? 0;
  let c = state[2] ?? 0;
  let d = state[3] ?? 0;
  for (let round = 0; round < 4; round += 1) {
    const shifts = SHIFTS[round] ?? SHIFTS[0];
    const [first, stride] = WALKS[round] ?? WALKS[0];
    for (let step = 0; step < 16; step += 1) {
      const word = words[(first + stride * step) & 15] ?? 0;
      const sum = (a + mix(round, b, c, d) + word + (SINES[16 * round + step] ?? 0)) | 0;
      const by = shifts[step & 3] ?? 0;
      a = d;
      d = c;
      c = b;
      b = (b + ((sum << by) | (sum >>> (32 - by)))) | 0;
    }
  }
  state[0] = ((state[0] ?? 0) + a) | 0;
  state[1] = ((state[1] ?? 0) + b) | 0;
  state[2] = ((state[2] ?? 0) + c) | 0;
  state[3] = ((state[3] ?? 0) + d) | 0;
};

/** MD5 (RFC 1321) over the parts one after the other: 16 octets. Broken as a hash; here because CHAP is made of it. */
export const md5 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const view = paddedBlocks(parts, true);
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  const words = new Int32Array(16);
  for (let block = 0; block < view.byteLength; block += 64) {
    for (let i = 0; i < 16; i += 1) words[i] = view.getInt32(block + 4 * i, true);
    compress(state, words);
  }
  return wordOctets(state, true);
};
