import type { CancelSignal } from './cancel.ts';

/** Started in declared order, stopped in reverse. `stop` must survive a half-done or never-done `start`. */
export interface Lifecycle {
  readonly name: string;
  start(signal: CancelSignal): Promise<void>;
  stop(): Promise<void>;
}
