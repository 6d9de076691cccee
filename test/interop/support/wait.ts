import { setTimeout as pause } from 'node:timers/promises';
import { PATIENCE_MS } from '../../support/patience.ts';

/**
 * Asks until the answer is not undefined, and fails after a bound: for conditions of the outside world that announce
 * nothing.
 */
export async function waitFor<T>(
  what: string,
  ask: () => T | undefined | Promise<T | undefined>,
  timeoutMs = PATIENCE_MS,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() >= end) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await pause(25);
  }
}
