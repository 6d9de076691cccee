import { paddedBlocks, wordOctets } from './digest-blocks.ts';

const SHIFTS = [
  [3, 7, 11, 19],
  [3, 5, 9, 13],
  [3, 9, 11, 15],
] as const;
/** Order in which each round takes the sixteen words of a block (RFC 1320 section 3.4). */
const ORDERS = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
  [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
] as const;
const CONSTANTS = [0, 0x5a827999, 0x6ed9eba1] as const;

const mix = (round: number, b: number, c: number, d: number): number => {
  if (round === 0) return (b & c) | (~b & d);
  if (round === 1) return (b & c) | (b & d) | (c & d);
  return b ^ c ^ d;
};

const compress = (state: Int32Array, words: Int32Array): void => {
  let a = state[0] ?? 0;
  let b = state[1] ?? 0;
  let c = state[2] ?? 0;
  let d = state[3] ?? 0;
  for (let round = 0; round < 3; round += 1) {
    const order = ORDERS[round] ?? ORDERS[0];
    const shifts = SHIFTS[round] ?? SHIFTS[0];
    for (let step = 0; step < 16; step += 1) {
      const sum = (a + mix(round, b, c, d) + (words[order[step] ?? 0] ?? 0) + (CONSTANTS[round] ?? 0)) | 0;
      const by = shifts[step & 3] ?? 0;
      a = d;
      d = c;
      c = b;
      b = (sum << by) | (sum >>> (32 - by));
    }
  }
  state[0] = ((state[0] ?? 0) + a) | 0;
  state[1] = ((state[1] ?? 0) + b) | 0;
  state[2] = ((state[2] ?? 0) + c) | 0;
  state[3] = ((state[3] ?? 0) + d) | 0;
};

/** MD4 (RFC 1320): 16 octets. Broken as a hash; here only because NT password hashes are made of it. */
export const md4 = (bytes: Uint8Array): Uint8Array => {
  const view = paddedBlocks([bytes], true);
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  const words = new Int32Array(16);
  for (let at = 0; at < view.byteLength; at += 64) {
    for (let i = 0; i < 16; i += 1) words[i] = view.getInt32(at + 4 * i, true);
    compress(state, words);
  }
  return wordOctets(state, true);
};
