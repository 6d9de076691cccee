const FIRST_MS = 500;
const LONGEST_MS = 15_000;
const SPREAD = 0.4;

/** How long to wait before the next attempt, the first being 0. `random` (0 to 1) keeps many browsers from coming at once. */
export const backoffMs = (attempt: number, random: number, wantedMs = 0): number => {
  const grown = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.max(wantedMs, Math.round(grown * (1 - SPREAD / 2 + SPREAD * random)));
};
