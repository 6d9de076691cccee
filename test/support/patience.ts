/** Longer than anything takes on a busy machine, in milliseconds: this bounds what never comes and judges no speed. */
export const PATIENCE_MS = 60_000;
