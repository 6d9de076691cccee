/**
 * Single DES, encryption of one block (FIPS 46-3), for the three blocks of an MS-CHAP response. Strangers can ask for it
 * before they have proved anything, so it works on words of 32 bits and allocates next to nothing; the tables are the
 * standard's. Bits are counted from 1 at the left, as there.
 */

const INITIAL = table(
  '58 50 42 34 26 18 10 2 60 52 44 36 28 20 12 4 62 54 46 38 30 22 14 6 64 56 48 40 32 24 16 8 \
57 49 41 33 25 17 9 1 59 51 43 35 27 19 11 3 61 53 45 37 29 21 13 5 63 55 47 39 31 23 15 7',
);
const FINAL = table(
  '40 8 48 16 56 24 64 32 39 7 47 15 55 23 63 31 38 6 46 14 54 22 62 30 37 5 45 13 53 21 61 29 \
36 4 44 12 52 20 60 28 35 3 43 11 51 19 59 27 34 2 42 10 50 18 58 26 33 1 41 9 49 17 57 25',
);
const PERMUTATION = table('16 7 20 21 29 12 28 17 1 15 23 26 5 18 31 10 2 8 24 14 32 27 3 9 19 13 30 6 22 11 4 25');
const CHOICE_1 = table(
  '57 49 41 33 25 17 9 1 58 50 42 34 26 18 10 2 59 51 43 35 27 19 11 3 60 52 44 36 \
63 55 47 39 31 23 15 7 62 54 46 38 30 22 14 6 61 53 45 37 29 21 13 5 28 20 12 4',
);
const CHOICE_2 = table(
  '14 17 11 24 1 5 3 28 15 6 21 10 23 19 12 4 26 8 16 7 27 20 13 2 41 52 31 37 47 55 30 40 \
51 45 33 48 44 49 39 56 34 53 46 42 50 36 29 32',
);
const ROTATIONS = table('1 1 2 2 2 2 2 2 1 2 2 2 2 2 2 1');

/** One selection function a line: four rows of sixteen values, a hexadecimal digit each. */
const SELECTIONS = [
  'e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d',
  'f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9',
  'a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c',
  '7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e',
  '2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453',
  'c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d',
  '4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c',
  'd2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b',
].map((line) => Uint8Array.from(line, (digit) => Number.parseInt(digit, 16)));

function table(numbers: string): Uint8Array {
  return Uint8Array.from(numbers.split(' '), Number);
}

/** Bits `choice[from .. from + count]` of the 64 in `high` and `low`, side by side. */
const pick = (high: number, low: number, choice: Uint8Array, from: number, count: number): number => {
  let out = 0;
  for (let i = from; i < from + count; i += 1) {
    const bit = choice[i] ?? 0;
    out = (out << 1) | ((bit <= 32 ? high >>> (32 - bit) : low >>> (64 - bit)) & 1);
  }
  return out;
};

/** The same of the 28 bits of `half`, 24 of them; `before` bits precede it. */
const pickOfHalf = (half: number, choice: Uint8Array, from: number, before: number): number => {
  let out = 0;
  for (let i = from; i < from + 24; i += 1) out = (out << 1) | ((half >>> (28 + before - (choice[i] ?? 0))) & 1);
  return out;
};

/** What six bits become in one selection function and the permutation behind it: 64 words for each function. */
const SELECTED = new Int32Array(8 * 64);
for (let s = 0; s < 8; s += 1) {
  for (let six = 0; six < 64; six += 1) {
    const row = ((six >> 4) & 2) | (six & 1);
    const value = SELECTIONS[s]?.[row * 16 + ((six >> 1) & 15)] ?? 0;
    SELECTED[64 * s + six] = pick(value << (28 - 4 * s), 0, PERMUTATION, 0, 32);
  }
}

const word = (octets: Uint8Array, at: number): number =>
  ((octets[at] ?? 0) << 24) | ((octets[at + 1] ?? 0) << 16) | ((octets[at + 2] ?? 0) << 8) | (octets[at + 3] ?? 0);

const rotateHalf = (half: number, by: number): number => ((half << by) | (half >>> (28 - by))) & 0xfffffff;

/** The cipher function. `left` and `right`: the halves of the round's key, six bits for each selection function. */
const cipherFunction = (block: number, left: number, right: number): number => {
  let out = 0;
  for (let s = 0; s < 8; s += 1) {
    // The expansion: bits 4s to 4s + 5, where bit 0 is the last and bit 33 the first.
    const by = (4 * s + 5) & 31;
    const six = ((block << by) | (block >>> (32 - by))) & 63;
    const key = (s < 4 ? left >>> (18 - 6 * s) : right >>> (42 - 6 * s)) & 63;
    out |= SELECTED[64 * s + (six ^ key)] ?? 0;
  }
  return out;
};

/**
 * The 8-octet DES key of 7 octets: seven key bits an octet, then the bit that makes its parity odd (RFC 2759 section
 * 9.3).
 */
export const desKeyWithParity = (seven: Uint8Array): Uint8Array => {
  const key = new Uint8Array(8);
  for (let octet = 0; octet < 8; octet += 1) {
    const pair = ((seven[octet - 1] ?? 0) << 8) | (seven[octet] ?? 0);
    const bits = (pair >> (octet + 1)) & 0x7f;
    let ones = 0;
    for (let rest = bits; rest !== 0; rest >>= 1) ones += rest & 1;
    key[octet] = (bits << 1) | (ones % 2 === 0 ? 1 : 0);
  }
  return key;
};

/** Encrypts 8 octets under an 8-octet key; the parity bits are not looked at. */
export const desEncrypt = (clear: Uint8Array, key: Uint8Array): Uint8Array => {
  let left = pick(word(clear, 0), word(clear, 4), INITIAL, 0, 32);
  let right = pick(word(clear, 0), word(clear, 4), INITIAL, 32, 32);
  let c = pick(word(key, 0), word(key, 4), CHOICE_1, 0, 28);
  let d = pick(word(key, 0), word(key, 4), CHOICE_1, 28, 28);
  for (const by of ROTATIONS) {
    c = rotateHalf(c, by);
    d = rotateHalf(d, by);
    const mixed = left ^ cipherFunction(right, pickOfHalf(c, CHOICE_2, 0, 0), pickOfHalf(d, CHOICE_2, 24, 28));
    left = right;
    right = mixed;
  }
  const out = new Uint8Array(8);
  const view = new DataView(out.buffer);
  view.setInt32(0, pick(right, left, FINAL, 0, 32));
  view.setInt32(4, pick(right, left, FINAL, 32, 32));
  return out;
};
