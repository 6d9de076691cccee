import { type KeyStrength, MppeSessionKey } from '../crypto/mppe-keys.ts';
import { rc4 } from '../crypto/rc4.ts';
import { KEY_SIZE, type MppeKernel, MppeWork } from './mppe-kernel.ts';

const STRENGTHS: readonly KeyStrength[] = [128, 40, 56];
const SLOT = 1700;
/** Streams and packets of each trial: alone, in twos and threes, full houses, many streams that end at different times. */
const TRIALS = [
  [1, 1],
  [1, 2],
  [1, 7],
  [1, 64],
  [2, 5],
  [3, 64],
  [5, 17],
  [23, 64],
] as const;
/** Around the sizes where lanes and loops end. */
const LENGTHS = [1400, 0, 1, 3, 52, 64, 254, 255, 256, 257, 1399, 1401, 1600] as const;

/** Octets that look like any; the same ones every time. */
const noise = (seed: number, length: number): Uint8Array => {
  let state = seed + 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state >>> 16;
  });
};

/**
 * Lets a kernel work and compares every octet with what MPPE does one packet after the other. Returns what is wrong with
 * the kernel, undefined when it may be used. Takes some milliseconds.
 */
export const findKernelFault = (kernel: MppeKernel): string | undefined => {
  const work = new MppeWork(64);
  for (const [streams, packets] of TRIALS) {
    const keys = Array.from({ length: streams }, (_, at) => newKey(at));
    const slab = noise(packets, packets * SLOT);
    const expected = slab.slice();
    const expectedKeys: Uint8Array[] = [];
    work.clear();
    work.slab = slab;
    for (let packet = 0; packet < packets; packet += 1) {
      const key = keys[packet % streams] as MppeSessionKey;
      work.add(key, packet * SLOT + (packet % 5), LENGTHS[(packet * streams) % LENGTHS.length] as number);
    }
    for (let packet = 0; packet < packets; packet += 1) {
      const key = keys[packet % streams] as MppeSessionKey;
      const at = work.offsetOf(packet);
      key.change();
      expected.set(rc4(key.key, expected.subarray(at, at + work.lengthOf(packet))), at);
      expectedKeys.push(key.key.slice());
    }
    const fault = run(kernel, work) ?? compare(work, expected, expectedKeys);
    if (fault !== undefined) return `${fault} (${packets} packets of ${streams} streams)`;
  }
  return undefined;
};

const newKey = (at: number): MppeSessionKey =>
  new MppeSessionKey(noise(at, 16), STRENGTHS[at % STRENGTHS.length] as KeyStrength);

const run = (kernel: MppeKernel, work: MppeWork): string | undefined => {
  try {
    kernel.run(work);
    return undefined;
  } catch (cause) {
    return `it threw: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
};

const compare = (work: MppeWork, expected: Uint8Array, keys: readonly Uint8Array[]): string | undefined => {
  if (!expected.every((octet, at) => octet === work.slab[at])) return 'its packets differ from the reference';
  const same = keys.every((key, packet) =>
    Array.from({ length: KEY_SIZE }, (_, i) => i).every(
      (i) => work.keys[KEY_SIZE * packet + i] === key[i & (key.length - 1)],
    ),
  );
  return same ? undefined : 'its keys differ from the reference';
};
