import { formatIpv4, parseIpv4 } from '../../../core/bytes/ipv4-address.ts';
import type { Lock } from '../../../core/ports/locks.ts';
import type { LockLine } from '../api/operations.ts';
import type { AdminRoute } from '../route.ts';
import { fromSpec } from '../spec.ts';
import { CLEAR_LOCKS, LOCKS } from '../specs/operations.ts';

export interface LocksQuery {
  readonly user?: string;
  readonly source?: string;
}

const line = ({ what, user, source, until }: Lock): LockLine => ({
  what,
  user: user ?? null,
  source: source === undefined ? null : formatIpv4(source),
  until: new Date(until).toISOString(),
});

export const locksRoute: AdminRoute = (app, { gateway }) => {
  app.route({
    ...fromSpec(LOCKS),
    handler: (): { readonly locks: readonly LockLine[] } => ({ locks: gateway.locks.list().map(line) }),
  });

  app.route<{ Querystring: LocksQuery }>({
    ...fromSpec(CLEAR_LOCKS),
    handler: (request): { readonly cleared: number } => {
      const { user, source: text } = request.query;
      const source = text === undefined ? undefined : parseIpv4(text);
      request.audited = { ...(user === undefined ? {} : { user }), ...(text === undefined ? {} : { source: text }) };
      const cleared = gateway.locks.clear({
        ...(user === undefined ? {} : { user }),
        ...(source === undefined ? {} : { source }),
      });
      return { cleared };
    },
  });
};
