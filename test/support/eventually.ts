import { vi } from 'vitest';
import { PATIENCE_MS } from './patience.ts';

/** Until `look` throws no more; what it returns. What makes time go on belongs in `look`. */
export const eventually = <T>(look: () => T | Promise<T>, interval = 10): Promise<T> =>
  vi.waitFor(look, { timeout: PATIENCE_MS, interval });

/** Until `look` is neither false nor nothing. */
export const eventuallyTrue = <T>(look: () => T | Promise<T>, interval = 10) =>
  vi.waitUntil(look, { timeout: PATIENCE_MS, interval });
