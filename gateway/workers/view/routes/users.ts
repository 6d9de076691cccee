import type { UserLine } from '../../../admin/api/operations.ts';
import type { Disconnected } from '../../../admin/api/sessions.ts';
import { putUserChanges } from '../../../admin/routes/users.ts';
import { USERS } from '../../../admin/specs/operations.ts';
import { DISCONNECT } from '../../../admin/specs/sessions.ts';
import { everyWorker, isGood, partOf, type ViewRoute } from '../view-route.ts';
import { DISCONNECT_MS } from './sessions.ts';

/** All workers read the same file; each counts its own sessions. */
const users = everyWorker<{ readonly users: readonly UserLine[] }>(USERS, (parts) => {
  const lines = new Map<string, UserLine>();
  for (const line of parts.flatMap(({ body }) => body.users)) {
    const sessions = (lines.get(line.name)?.sessions ?? 0) + line.sessions;
    lines.set(line.name, { ...line, sessions });
  }
  return { users: [...lines.values()] };
});

/** The supervisor changes the file itself, and workers see it. */
export const usersView: ViewRoute = (app, deps) => {
  users(app, deps);
  putUserChanges(app, {
    config: deps.config,
    disconnect: async (user, actor) => {
      const body = { user, reason: 'the user was removed' };
      const request = { method: DISCONNECT.method, path: DISCONNECT.url, body, actor };
      const { replies, missing } = await deps.crew.all(request, DISCONNECT_MS);
      return {
        disconnected: replies.filter(isGood).flatMap((reply) => partOf<Disconnected>(reply).body.disconnected),
        ...(missing.length === 0 ? {} : { missing }),
      };
    },
  });
};
