import { printable } from '../../../core/bytes/ascii.ts';
import { parseIpv4 } from '../../../core/bytes/ipv4-address.ts';
import { sessionId } from '../../../core/ports/ids.ts';
import type { ProfileChange, RateLimit, UserProfile } from '../../../core/ports/profile.ts';
import type { SessionEnding } from '../../../core/ports/session-facts.ts';
import type { LiveTunnel } from '../../session/live-tunnel.ts';
import type {
  Disconnected,
  DisconnectOrder,
  SessionChange,
  SessionDetail,
  SessionsPage,
  SessionsQuery,
} from '../api/sessions.ts';
import { liveOf } from '../live/live-of.ts';
import { sessionDetail } from '../live/session-json.ts';
import { isUser } from '../live/user-names.ts';
import { recordDetail } from '../record-json.ts';
import { type AdminDeps, AdminError, type AdminRoute } from '../route.ts';
import { fromSpec } from '../spec.ts';
import { CHANGE_SESSION, DISCONNECT, DISCONNECT_SESSION, SESSION, SESSIONS } from '../specs/sessions.ts';

interface OfSession {
  readonly Params: { readonly id: string };
}

const LONGEST_REASON = 200;

/** How a session ends for an operator: CDN with the result code Admin Shutdown (RFC 2637 section 2.13). */
const endingFor = (reason: string | undefined): SessionEnding => ({
  reason: 'administrative',
  detail: reason === undefined ? 'disconnected by an operator' : `operator: ${printable(reason, LONGEST_REASON)}`,
});

const find = ({ gateway }: AdminDeps, id: string): LiveTunnel => {
  const tunnel = gateway.live.one(sessionId(id));
  if (tunnel === undefined) throw noSession(id);
  return tunnel;
};
const noSession = (id: string): AdminError => new AdminError(404, 'NO_SESSION', `There is no session ${id}.`);

const show = (tunnel: LiveTunnel, deps: AdminDeps): SessionDetail => {
  const { journal, clock, config } = deps;
  const live = liveOf(deps);
  const entry = journal.entry(tunnel.session.id);
  const told = entry === undefined ? { phases: [], timeline: [] } : recordDetail(entry, clock);
  return sessionDetail(tunnel, live.rates(tunnel), live.now(), told, config.ppp);
};

const limit = (wanted: number | null | undefined, before: RateLimit | undefined): RateLimit | undefined => {
  if (wanted === undefined) return before;
  return wanted === null ? undefined : { bitsPerSecond: wanted };
};

/** The change as sessions take it, where the two directions of a rate are one. */
const profileChange = (profile: UserProfile | undefined, change: SessionChange): ProfileChange => {
  const { rateUp, rateDown, ...others } = change;
  const rest = Object.fromEntries(Object.entries(others).map(([key, value]) => [key, value ?? undefined]));
  if (rateUp === undefined && rateDown === undefined) return rest;
  const [up, down] = [limit(rateUp, profile?.rate?.up), limit(rateDown, profile?.rate?.down)];
  const rate = { ...(up === undefined ? {} : { up }), ...(down === undefined ? {} : { down }) };
  return { ...rest, rate: up === undefined && down === undefined ? undefined : rate };
};

const fits = ({ session }: LiveTunnel, { id, user, address, peer }: DisconnectOrder): boolean =>
  (id === undefined || session.id === id) &&
  (user === undefined || isUser(user, session.identity)) &&
  (address === undefined || session.address === parseIpv4(address)) &&
  (peer === undefined || session.call.peer === parseIpv4(peer));

export const sessionsRoute: AdminRoute = (app, deps) => {
  const live = liveOf(deps);

  app.route<{ Querystring: SessionsQuery }>({
    ...fromSpec(SESSIONS),
    handler: async ({ query }): Promise<SessionsPage | undefined> => {
      const { pages } = await live.look({ queries: [query], stats: false });
      return pages[0];
    },
  });

  app.route<OfSession>({
    ...fromSpec(SESSION),
    handler: ({ params }) => show(find(deps, params.id), deps),
  });

  app.route<OfSession & { readonly Body: SessionChange }>({
    ...fromSpec(CHANGE_SESSION),
    handler: ({ params, body }) => {
      const tunnel = find(deps, params.id);
      const answer = tunnel.change(profileChange(tunnel.facts()?.profile, body));
      if (answer.ok) return show(tunnel, deps);
      if (answer.why === 'gone') throw noSession(params.id);
      const message = `The session ${params.id} cannot be changed so: ${answer.detail.replace(/\.$/, '')}.`;
      throw new AdminError(409, 'CHANGE_REFUSED', message);
    },
  });

  app.route<OfSession & { readonly Querystring: { readonly reason?: string } }>({
    ...fromSpec(DISCONNECT_SESSION),
    handler: async (request): Promise<Disconnected> => {
      const { id } = request.params;
      const { reason } = request.query;
      if (reason !== undefined) request.audited = { reason };
      const disconnected = await live.disconnect([id], endingFor(reason));
      if (disconnected.length === 0) throw noSession(id);
      return { disconnected };
    },
  });

  app.route<{ Body: DisconnectOrder }>({
    ...fromSpec(DISCONNECT),
    handler: async (request): Promise<Disconnected> => {
      const ids = [...deps.gateway.live.all()]
        .filter((tunnel) => fits(tunnel, request.body))
        .map(({ session }) => session.id);
      const disconnected = await live.disconnect(ids, endingFor(request.body.reason));
      request.audited = { disconnected: disconnected.length };
      return { disconnected };
    },
  });
};
