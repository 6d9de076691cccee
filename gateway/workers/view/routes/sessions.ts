import type { Disconnected, SessionDetail } from '../../../admin/api/sessions.ts';
import { CHANGE_SESSION, DISCONNECT, DISCONNECT_SESSION, SESSION } from '../../../admin/specs/sessions.ts';
import { everyWorker, type Part, type ViewRoute } from '../view-route.ts';

/** A link takes its time to end in order where the peer does not answer any more. */
export const DISCONNECT_MS = 60_000;

/** Ids are of one worker only. */
const theSession = ([part]: readonly Part<SessionDetail>[]): object => ({ ...part?.body, worker: part?.worker });

const allDisconnected = (parts: readonly Part<Disconnected>[]): Disconnected => ({
  disconnected: parts.flatMap(({ body }) => body.disconnected),
});

export const sessionViews: readonly ViewRoute[] = [
  everyWorker(SESSION, theSession),
  everyWorker(CHANGE_SESSION, theSession),
  everyWorker<Disconnected>(DISCONNECT_SESSION, allDisconnected, DISCONNECT_MS),
  everyWorker<Disconnected>(
    DISCONNECT,
    (parts, _deps, request) => {
      const done = allDisconnected(parts);
      request.audited = { disconnected: done.disconnected.length };
      return done;
    },
    DISCONNECT_MS,
  ),
];
