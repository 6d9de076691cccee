import type { RandomSource } from '../../core/ports/random.ts';

/** Octets that count upwards from `first`: every challenge differs, every run is the same. */
export const countingRandom = (first = 1): RandomSource => {
  let next = first;
  return {
    bytes: (length) => {
      const out = Uint8Array.from({ length }, (_, i) => (next + i) & 0xff);
      next = (next + length) & 0xff;
      return out;
    },
  };
};
