import type { Instant } from '../time.ts';

export interface Clock {
  now(): Instant;
  /** Runs `task` once at or after `when`; calling the result cancels it. */
  schedule(when: Instant, task: () => void): () => void;
}
