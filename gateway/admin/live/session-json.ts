import { formatIpv4 } from '../../../core/bytes/ipv4-address.ts';
import { formatPrefix64 } from '../../../core/bytes/ipv6-address.ts';
import { GRE_CHANNEL } from '../../../core/datapath/gre-channel.ts';
import type { UserProfile } from '../../../core/ports/profile.ts';
import type { Instant } from '../../../core/time.ts';
import { formatNetwork } from '../../session/inner-networks.ts';
import type { LiveTunnel } from '../../session/live-tunnel.ts';
import type { SessionDetail, SessionProfile, SessionRow } from '../api/sessions.ts';

const SECOND_MS = 1000;

/** The gateway's clock and the time of day, taken together, so that all of one answer agrees. */
export interface Now {
  readonly at: Instant;
  /** ms since 1970. */
  readonly wall: number;
}

export interface Rates {
  readonly rateIn: number;
  readonly rateOut: number;
}

/** ms since 1970, whole. */
export const wallMs = (now: Now, at: Instant): number => Math.round(now.wall - (now.at - at));
const iso = (now: Now, at: Instant): string => new Date(wallMs(now, at)).toISOString();
export const sessionSeconds = (now: Now, openedAt: Instant): number => Math.round((now.at - openedAt) / SECOND_MS);

export const dropsOf = ({ session }: LiveTunnel): number => {
  let dropped = 0;
  for (const count of session.drops.values()) dropped += count;
  return dropped;
};

export const sessionRow = (tunnel: LiveTunnel, { rateIn, rateOut }: Rates, now: Now): SessionRow => {
  const { session, upAt } = tunnel;
  const gre = session.get(GRE_CHANNEL);
  return {
    id: session.id,
    state: upAt === undefined ? 'setup' : 'up',
    peer: tunnel.peerName,
    user: session.identity ?? null,
    method: tunnel.facts()?.method ?? null,
    address: session.address === undefined ? null : formatIpv4(session.address),
    encryption: tunnel.encryption,
    openedAt: iso(now, tunnel.openedAt),
    upAt: upAt === undefined ? null : iso(now, upAt),
    seconds: sessionSeconds(now, tunnel.openedAt),
    packetsIn: gre?.received ?? 0,
    packetsOut: gre?.sent ?? 0,
    octetsIn: gre?.receivedOctets ?? 0,
    octetsOut: gre?.sentOctets ?? 0,
    rateIn,
    rateOut,
    dropped: dropsOf(tunnel),
    traceId: tunnel.traceId,
  };
};

/** What holds where a profile says nothing, in seconds; 0: no limit. */
export interface ProfileDefaults {
  readonly idleTimeout: number;
  readonly sessionTimeout: number;
}

const orNone = (value: number | undefined): number | null => (value === undefined || value === 0 ? null : value);

export const profileJson = (profile: UserProfile, ppp: ProfileDefaults): SessionProfile => ({
  rateUp: profile.rate?.up?.bitsPerSecond ?? null,
  rateDown: profile.rate?.down?.bitsPerSecond ?? null,
  filter: profile.filter ?? null,
  idleSeconds: orNone(profile.idleSeconds ?? ppp.idleTimeout),
  sessionSeconds: orNone(profile.sessionSeconds ?? ppp.sessionTimeout),
  quotaOctets: profile.quotaOctets ?? null,
  routes: (profile.routes ?? []).map(formatNetwork),
});

export const sessionDetail = (
  tunnel: LiveTunnel,
  rates: Rates,
  now: Now,
  told: Pick<SessionDetail, 'phases' | 'timeline'>,
  ppp: ProfileDefaults,
): SessionDetail => {
  const { session } = tunnel;
  const gre = session.get(GRE_CHANNEL);
  const heard = gre?.lastReceived;
  const facts = tunnel.facts();
  return {
    ...sessionRow(tunnel, rates, now),
    callId: session.call.localCallId,
    peerCallId: session.call.peerCallId,
    local: formatIpv4(session.call.local),
    ipv6: session.ipv6 === undefined ? null : formatPrefix64(session.ipv6.prefix),
    lost: gre?.queue.lost ?? 0,
    silentSeconds: heard === undefined ? null : Math.round((now.at - heard) / SECOND_MS),
    drops: Object.fromEntries(session.drops),
    attributes: Object.fromEntries(session.attributes),
    profile: facts === undefined ? null : profileJson(facts.profile, ppp),
    phases: told.phases,
    timeline: told.timeline,
  };
};
