import type { Counts, Named } from './counts.mjs';

export interface RunOptions {
  /** The checkout. */
  readonly cwd: string;
  /** Path of the Node to use; this one if left out. */
  readonly node?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdout?: 'inherit' | 'ignore';
}
export interface RunReport {
  readonly counts: Counts;
  readonly failures: readonly Named[];
  readonly notRun: readonly Named[];
  /** What passed at the second try only, and why not at the first. */
  readonly again: readonly Named[];
}
/** An argument for it. */
export const allProcessors: string;
export function runVitest(args: readonly string[], options: RunOptions): Promise<RunReport>;
