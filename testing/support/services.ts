import type { Fleet } from '../../core/ports/fleet.ts';
import type { FoundSession, SessionDirectory } from '../../core/ports/session-directory.ts';

/** A directory of these sessions, which can be neither ended nor changed. */
export const testSessions = (found: readonly FoundSession[] = []): SessionDirectory => ({
  find: async ({ id, identity, address, peer }) =>
    found.filter(
      ({ facts }) =>
        (id === undefined || facts.id === id) &&
        (identity === undefined || facts.identity === identity) &&
        (address === undefined || facts.address === address) &&
        (peer === undefined || facts.call.peer === peer),
    ),
  disconnect: async () => false,
  change: async () => ({ ok: false, why: 'gone', detail: 'There is no such session.' }),
});

/** A gateway of one process: nobody else is there to be told anything. */
export const testFleet = (): Fleet => ({
  index: 0,
  count: 1,
  restarted: false,
  publish: () => undefined,
  subscribe: () => undefined,
});
