export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}
export const none: Counts;
export function add(a: Counts, b: Counts): Counts;
export function countLine(counts: Counts): string;
export function lastCounts(text: string): Counts | undefined;
export function exitCode(counts: Counts): 0 | 1;
