import type { CliTerminal } from './terminal.ts';
import { durationText } from './units.ts';

const EACH_MS = 1000;

/** Shows, to a person, how long it takes already: once a second until it is over. */
export const whileWaiting = async <T>(
  { progress }: Pick<CliTerminal, 'progress'>,
  what: string,
  work: Promise<T>,
): Promise<T> => {
  if (progress === undefined) return work;
  const begun = performance.now();
  let isShown = false;
  const timer = setInterval(() => {
    isShown = true;
    progress(`${what} (${durationText(Math.round((performance.now() - begun) / EACH_MS))})`);
  }, EACH_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    if (isShown) progress('');
  }
};
