/**
 * Single DES, encryption of one block (FIPS 46-3). Only the three blocks of an MS-CHAP response are made with it, so it
 * works bit by bit from the standard's tables: plain rather than quick, but in plain loops, since strangers can ask for it
 * before they have proved anything. Bits are counted from 1 at the left, as there.
 */

const INITIAL = table(
  '58 50 42 34 26 18 10 2 60 52 44 36 28 20 12 4 62 54 46 38 30 22 14 6 64 56 48 40 32 24 16 8 \
57 49 41 33 25 17 9 1 59 51 43 35 27 19 11 3 61 53 45 37 29 21 13 5 63 55 47 39 31 23 15 7',
);
const FINAL = table(
  '40 8 48 16 56 24 64 32 39 7 47 15 55 23 63 31 38 6 46 14 54 22 62 30 37 5 45 13 53 21 61 29 \
36 4 44 12 52 20 60 28 35 3 43 11 51 19 59 27 34 2 42 10 50 18 58 26 33 1 41 9 49 17 57 25',
);
const EXPANSION = table(
  '32 1 2 3 4 5 4 5 6 7 8 9 8 9 10 11 12 13 12 13 14 15 16 17 16 17 18 19 20 21 20 21 22 23 24 25 \
24 25 26 27 28 29 28 29 30 31 32 1',
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

const permute = (bits: Uint8Array, choice: Uint8Array): Uint8Array => {
  const out = new Uint8Array(choice.length);
  for (let i = 0; i < choice.length; i += 1) out[i] = bits[(choice[i] ?? 0) - 1] ?? 0;
  return out;
};

const bitsOf = (octets: Uint8Array): Uint8Array => {
  const bits = new Uint8Array(octets.length * 8);
  for (let i = 0; i < bits.length; i += 1) bits[i] = ((octets[i >> 3] ?? 0) >> (7 - (i & 7))) & 1;
  return bits;
};

const rotateLeft = (half: Uint8Array, by: number): Uint8Array => {
  const out = new Uint8Array(half.length);
  out.set(half.subarray(by));
  out.set(half.subarray(0, by), half.length - by);
  return out;
};

const roundKeys = (key: Uint8Array): Uint8Array[] => {
  const chosen = permute(bitsOf(key), CHOICE_1);
  let left: Uint8Array = chosen.slice(0, 28);
  let right: Uint8Array = chosen.slice(28);
  const keys: Uint8Array[] = [];
  for (const by of ROTATIONS) {
    left = rotateLeft(left, by);
    right = rotateLeft(right, by);
    const both = new Uint8Array(56);
    both.set(left);
    both.set(right, 28);
    keys.push(permute(both, CHOICE_2));
  }
  return keys;
};

const cipherFunction = (right: Uint8Array, key: Uint8Array): Uint8Array => {
  const expanded = permute(right, EXPANSION);
  const selected = new Uint8Array(32);
  for (let s = 0; s < 8; s += 1) {
    let six = 0;
    for (let i = 0; i < 6; i += 1) six = (six << 1) | ((expanded[6 * s + i] ?? 0) ^ (key[6 * s + i] ?? 0));
    const row = ((six >> 4) & 2) | (six & 1);
    const value = SELECTIONS[s]?.[row * 16 + ((six >> 1) & 15)] ?? 0;
    for (let i = 0; i < 4; i += 1) selected[4 * s + i] = (value >> (3 - i)) & 1;
  }
  return permute(selected, PERMUTATION);
};

/**
 * The 8-octet DES key of 7 octets: seven key bits an octet, then the bit that makes its parity odd (RFC 2759 section
 * 9.3).
 */
export const desKeyWithParity = (seven: Uint8Array): Uint8Array => {
  const bits = bitsOf(seven);
  const key = new Uint8Array(8);
  for (let octet = 0; octet < 8; octet += 1) {
    let value = 0;
    let ones = 0;
    for (let i = 0; i < 7; i += 1) {
      const bit = bits[7 * octet + i] ?? 0;
      value = (value << 1) | bit;
      ones += bit;
    }
    key[octet] = (value << 1) | (ones % 2 === 0 ? 1 : 0);
  }
  return key;
};

/** Encrypts 8 octets under an 8-octet key; the parity bits are not looked at. */
export const desEncrypt = (clear: Uint8Array, key: Uint8Array): Uint8Array => {
  const start = permute(bitsOf(clear), INITIAL);
  let left: Uint8Array = start.slice(0, 32);
  let right: Uint8Array = start.slice(32);
  for (const roundKey of roundKeys(key)) {
    const mixed = cipherFunction(right, roundKey);
    for (let i = 0; i < 32; i += 1) mixed[i] = (mixed[i] ?? 0) ^ (left[i] ?? 0);
    left = right;
    right = mixed;
  }
  const swapped = new Uint8Array(64);
  swapped.set(right);
  swapped.set(left, 32);
  const bits = permute(swapped, FINAL);
  const out = new Uint8Array(8);
  for (let i = 0; i < 64; i += 1) out[i >> 3] = ((out[i >> 3] ?? 0) << 1) | (bits[i] ?? 0);
  return out;
};
