/** For settings that decide by being empty whether something is bound at the start: that stays so until the next one. */
export const bothOrNeither = (from: readonly unknown[], to: readonly unknown[]): boolean =>
  (from.length === 0) === (to.length === 0);
