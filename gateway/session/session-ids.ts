import { randomBytes } from 'node:crypto';
import { type SessionId, sessionId } from '../../core/ports/ids.ts';

const DIGITS = 12;

/**
 * Names for sessions: twelve hexadecimal digits that nobody can guess. Those of a worker begin with its index, so that
 * they are unique in the whole gateway and show whose a session is; there are at most 16 workers.
 */
export const sessionIds = (worker?: number): (() => SessionId) => {
  const front = worker === undefined ? '' : worker.toString(16);
  return () =>
    sessionId(
      front +
        randomBytes(DIGITS / 2)
          .toString('hex')
          .slice(front.length),
    );
};

/** The index of the worker that gave this name; undefined when it is no such name. */
export const workerOfSession = (id: string): number | undefined =>
  /^[0-9a-f]{12}$/.test(id) ? Number.parseInt(id.slice(0, 1), 16) : undefined;
