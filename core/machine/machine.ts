import type { Instant } from '../time.ts';

/**
 * A protocol machine without I/O: inputs in, effects out, time as an argument. `handle` and `handleTimeout` never
 * throw on anything a peer can cause. One driver (gateway/session/driver.ts) executes the effects in order.
 */
export interface Machine<Input, Effect> {
  handle(input: Input, now: Instant): readonly Effect[];
  /** When `handleTimeout` wants to be called next. */
  nextTimeout(): Instant | undefined;
  /** May be called early or late; does only what is due at `now`. */
  handleTimeout(now: Instant): readonly Effect[];
}
