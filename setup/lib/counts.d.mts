export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}
/** A test with the first line of why it failed or did not run. */
export interface Named {
  readonly name: string;
  readonly reason: string;
}
export const none: Counts;
export function add(a: Counts, b: Counts): Counts;
export function countLine(counts: Counts): string;
export function lastCounts(text: string): Counts | undefined;
export function failureList(failures: readonly Named[]): string;
export function failuresIn(text: string): string[];
export function exitCode(counts: Counts): 0 | 1;
