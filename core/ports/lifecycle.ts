import type { CancelSignal } from './cancel.ts';
import type { HandOver } from './handover.ts';

/** Started in declared order, stopped in reverse. `stop` must survive a half-done or never-done `start`. */
export interface Lifecycle {
  readonly name: string;
  start(signal: CancelSignal): Promise<void>;
  stop(): Promise<void>;
  /**
   * Two processes may have it started at a time, one of which takes over and then the other ends without `stop`: it holds no
   * port, no lock and nothing that has to be written.
   */
  readonly runsBeside?: boolean;
  /** How another process goes on with it. A gateway with a part that has neither is not upgraded without dropping tunnels. */
  readonly handOver?: HandOver;
}
