import { deepStrictEqual } from 'node:assert/strict';

/** What a check expects; the message is the whole sentence. */
export function given(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

export const same = (actual: unknown, expected: unknown, message: string): void => {
  deepStrictEqual(actual, expected, message);
};

/** `undefined` is no answer. */
export const present = <T>(value: T | undefined, message: string): T => {
  if (value === undefined) throw new Error(message);
  return value;
};

/** What `run` returned; an exception becomes a failure that says what was done. */
export const withoutThrowing = <T>(what: string, run: () => T): T => {
  try {
    return run();
  } catch (cause) {
    throw new Error(`${what} threw: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
};

const SETTLE_TURNS = 50;
const WATCHDOG_MS = 10_000;

/** Lets promises that need no time come to their end. */
export const settled = async (turns = SETTLE_TURNS): Promise<void> => {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly cause: unknown };

/** How a promise ended, whichever way; fails when it does not end at all. */
export const outcomeOf = async <T>(
  what: string,
  promise: Promise<T>,
  watchdogMs = WATCHDOG_MS,
): Promise<Outcome<T>> => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not end within ${watchdogMs} ms`)), watchdogMs);
  });
  const ended = promise.then(
    (value): Outcome<T> => ({ ok: true, value }),
    (cause: unknown): Outcome<T> => ({ ok: false, cause }),
  );
  try {
    return await Promise.race([ended, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** Everything that an error says, its causes included. */
export const wordsOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return typeof cause === 'string' ? cause : JSON.stringify(cause);
  const own = JSON.stringify({ ...cause });
  return `${cause.name} ${cause.message} ${own} ${cause.cause === undefined ? '' : wordsOf(cause.cause)}`;
};
