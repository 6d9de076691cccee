import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../core/ports/log.ts';

/** Does its work while something more is there, and rejects before the work begins when that cannot be had. */
export type Around = <T>(work: () => Promise<T>) => Promise<T>;

const RETRY_MS = 2_000;

/**
 * In a process that has taken over, what cannot be had must not end the tunnels: the work begins without it, and it is tried
 * again until it is there or the work is over.
 */
export const goOnWithout = async <T>(
  around: Around,
  work: () => Promise<T>,
  log: Log,
  retryMs = RETRY_MS,
): Promise<T> => {
  let running: Promise<T> | undefined;
  const once = (): Promise<T> => {
    running ??= work();
    return running;
  };
  try {
    return await around(once);
  } catch (cause) {
    if (running !== undefined) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    log.error('upgrade.goes-on-without', `the tunnels go on, and this is tried again every few seconds: ${why}`);
  }
  let over = false;
  const served = once().finally(() => {
    over = true;
  });
  while (!over) {
    await Promise.race([served, sleep(retryMs, undefined, { ref: false })]);
    if (over) break;
    let there = false;
    try {
      return await around(() => {
        there = true;
        log.info('upgrade.complete', 'what could not be had after the upgrade is there now');
        return served;
      });
    } catch (cause) {
      if (there) throw cause;
    }
  }
  return served;
};
