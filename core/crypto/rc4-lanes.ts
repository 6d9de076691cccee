/**
 * RC4 of four texts at once. Each octet of RC4 waits for what the octet before stored in the table; texts with tables of
 * their own do not wait for each other. The tables belong to the module, so that the compiler knows their lengths: with
 * that, and with the four lanes, V8 needs about two thirds of the time.
 */

const IDENTITY = Uint8Array.from({ length: 256 }, (_, i) => i);
const A = new Uint8Array(256);
const B = new Uint8Array(256);
const C = new Uint8Array(256);
const D = new Uint8Array(256);

/** Texts that `rc4Lanes` takes. */
export const LANES = 4;

/** Where the tables stand after `together`: i is the same for all. */
let i = 0;
let jA = 0;
let jB = 0;
let jC = 0;
let jD = 0;

/** Turns `data[offset .. offset + length)` in place, with the 16 octets at `keys[key ..]`. */
export const rc4Lane = (keys: Uint8Array, key: number, data: Uint8Array, offset: number, length: number): void => {
  A.set(IDENTITY);
  let j = 0;
  for (let at = 0; at < 256; at += 1) {
    const a = A[at] as number;
    j = (j + a + (keys[key + (at & 15)] as number)) & 0xff;
    A[at] = A[j] as number;
    A[j] = a;
  }
  i = 0;
  jA = 0;
  alone(A, 0, data, offset, length);
};

/**
 * The same for the texts `offsets[lane]`, `lengths[lane]` of `data`, each with its own key at `keys[keysAt[lane] ..]`.
 * Quickest when all are of the same length.
 */
export const rc4Lanes = (
  keys: Uint8Array,
  keysAt: Int32Array,
  data: Uint8Array,
  offsets: Int32Array,
  lengths: Int32Array,
): void => {
  const a = lengths[0] as number;
  const b = lengths[1] as number;
  const c = lengths[2] as number;
  const d = lengths[3] as number;
  const atA = offsets[0] as number;
  const atB = offsets[1] as number;
  const atC = offsets[2] as number;
  const atD = offsets[3] as number;
  const shortest = Math.min(a, b, c, d);
  schedule(keys, keysAt[0] as number, keysAt[1] as number, keysAt[2] as number, keysAt[3] as number);
  together(data, atA, atB, atC, atD, shortest);
  alone(A, jA, data, atA + shortest, a - shortest);
  alone(B, jB, data, atB + shortest, b - shortest);
  alone(C, jC, data, atC + shortest, c - shortest);
  alone(D, jD, data, atD + shortest, d - shortest);
};

const schedule = (keys: Uint8Array, keyA: number, keyB: number, keyC: number, keyD: number): void => {
  A.set(IDENTITY);
  B.set(IDENTITY);
  C.set(IDENTITY);
  D.set(IDENTITY);
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let at = 0; at < 256; at += 1) {
    const octet = at & 15;
    const sA = A[at] as number;
    a = (a + sA + (keys[keyA + octet] as number)) & 0xff;
    A[at] = A[a] as number;
    A[a] = sA;
    const sB = B[at] as number;
    b = (b + sB + (keys[keyB + octet] as number)) & 0xff;
    B[at] = B[b] as number;
    B[b] = sB;
    const sC = C[at] as number;
    c = (c + sC + (keys[keyC + octet] as number)) & 0xff;
    C[at] = C[c] as number;
    C[c] = sC;
    const sD = D[at] as number;
    d = (d + sD + (keys[keyD + octet] as number)) & 0xff;
    D[at] = D[d] as number;
    D[d] = sD;
  }
};

/** The first `length` octets of all four, which start at the four places. */
const together = (data: Uint8Array, atA: number, atB: number, atC: number, atD: number, length: number): void => {
  let at = 0;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let done = 0; done < length; done += 1) {
    at = (at + 1) & 0xff;
    let x = A[at] as number;
    a = (a + x) & 0xff;
    let y = A[a] as number;
    A[a] = x;
    A[at] = y;
    data[atA + done] = (data[atA + done] as number) ^ (A[(x + y) & 0xff] as number);
    x = B[at] as number;
    b = (b + x) & 0xff;
    y = B[b] as number;
    B[b] = x;
    B[at] = y;
    data[atB + done] = (data[atB + done] as number) ^ (B[(x + y) & 0xff] as number);
    x = C[at] as number;
    c = (c + x) & 0xff;
    y = C[c] as number;
    C[c] = x;
    C[at] = y;
    data[atC + done] = (data[atC + done] as number) ^ (C[(x + y) & 0xff] as number);
    x = D[at] as number;
    d = (d + x) & 0xff;
    y = D[d] as number;
    D[d] = x;
    D[at] = y;
    data[atD + done] = (data[atD + done] as number) ^ (D[(x + y) & 0xff] as number);
  }
  i = at;
  jA = a;
  jB = b;
  jC = c;
  jD = d;
};

/** The next `length` octets of one, from `i` on. */
const alone = (s: Uint8Array, from: number, data: Uint8Array, offset: number, length: number): void => {
  let at = i;
  let j = from;
  const end = offset + length;
  for (let to = offset; to < end; to += 1) {
    at = (at + 1) & 0xff;
    const x = s[at] as number;
    j = (j + x) & 0xff;
    const y = s[j] as number;
    s[j] = x;
    s[at] = y;
    data[to] = (data[to] as number) ^ (s[(x + y) & 0xff] as number);
  }
};
