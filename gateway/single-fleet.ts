import type { Fleet } from '../core/ports/fleet.ts';

/** A gateway of one process: there is nobody else to tell. */
export const SINGLE_FLEET: Fleet = {
  index: 0,
  count: 1,
  restarted: false,
  publish: () => undefined,
  subscribe: () => undefined,
};
