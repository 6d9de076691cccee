import type { RandomSource } from '../../core/ports/random.ts';

/** Octets that look random and are the same for the same seed (xorshift32). */
export const seededRandom = (seed = 1): RandomSource => {
  let x = seed >>> 0 || 1;
  return {
    bytes: (length) =>
      Uint8Array.from({ length }, () => {
        x ^= x << 13;
        x ^= x >>> 17;
        x ^= x << 5;
        x >>>= 0;
        return x & 0xff;
      }),
  };
};
