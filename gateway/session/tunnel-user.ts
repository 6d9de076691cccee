import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { setClearAllowed } from '../../core/datapath/mppe-state.ts';
import { PEER_HOST_NAME, type Session } from '../../core/datapath/session.ts';
import { SESSION_USAGE } from '../../core/datapath/session-usage.ts';
import { PPP_FRAMING } from '../../core/datapath/stages/ppp.stage.ts';
import type { InnerNetwork, ProfileChange, UserProfile } from '../../core/ports/profile.ts';
import type { ChangeAnswer } from '../../core/ports/session-directory.ts';
import type { SessionEnding, SessionFacts, SessionUsage } from '../../core/ports/session-facts.ts';
import { type Instant, instant } from '../../core/time.ts';
import { formatNetwork } from './inner-networks.ts';
import type { LiveSession } from './live-session.ts';
import { changedProfile, sameProfile } from './profile-change.ts';
import { profileRefusal } from './profiles.ts';
import { sameUser } from './same-user.ts';
import type { TunnelContext } from './tunnel-context.ts';
import type { ProvenUser, Refusal } from './tunnel-entry.ts';
import type { TunnelIpv6 } from './tunnel-ipv6.ts';
import { type LimitReached, TunnelLimits } from './tunnel-limits.ts';
import type { UserSnapshot } from './tunnel-snapshot.ts';

/** What a tunnel knows that its user's facts are made of. */
export interface UserTunnel extends LiveSession {
  readonly peerName: string;
  readonly openedAt: Instant;
  /** When its network first came up. */
  readonly upAt: Instant | undefined;
  /** Leased to it. */
  readonly innerAddress: Ipv4 | undefined;
  /** Undefined: no IPv6 in the tunnels. */
  readonly ipv6: TunnelIpv6 | undefined;
  readonly traceId: string;
  /** "MPPE 128 stateless" and the like, or "none". */
  readonly encryption: string;
}

const NO_ROUTES: readonly InnerNetwork[] = [];

const sameNetwork = (a: InnerNetwork, b: InnerNetwork): boolean =>
  a.network === b.network && a.prefixLength === b.prefixLength;

const NOT_YET: ChangeAnswer = { ok: false, why: 'refused', detail: 'the session is still being set up' };

/** The user of one tunnel: who it is, what holds for this user and for how long, and who is told of it. */
export class TunnelUser {
  private readonly tunnel: UserTunnel;
  private readonly context: TunnelContext;
  private user: ProvenUser;
  private limits: TunnelLimits | undefined;
  private admitted = false;
  /** Networks behind the peer that this session has. */
  private routes = NO_ROUTES;
  /** When the call began, in ms since 1970; made when somebody asks. */
  private startedAt: number | undefined;
  /** What the watchers know; undefined where there are none. */
  private told: SessionFacts | undefined;

  /** `user`: who has just proven who it is. */
  constructor(tunnel: UserTunnel, context: TunnelContext, user: ProvenUser) {
    this.tunnel = tunnel;
    this.context = context;
    this.user = user;
  }

  get profile(): UserProfile {
    return this.user.profile;
  }

  /** Takes the networks and the IPv6 prefix of the profile. `failed` is told when the host does not take a route to them. */
  prepare({ identity, profile }: ProvenUser, failed: (detail: string) => void): Omit<Refusal, 'policy'> | undefined {
    const { session, ipv6 } = this.tunnel;
    const { profiles, replace } = this.context;
    const cannot = profileRefusal(profile, profiles, session.call.peer);
    if (cannot !== undefined) return { denial: 'unsupported', detail: cannot };
    const { routes = NO_ROUTES } = profile;
    const gone = this.routes.filter((one) => !routes.some((kept) => sameNetwork(one, kept)));
    profiles.networks.release(gone, session);
    this.routes = this.routes.filter((one) => !gone.includes(one));
    // The newest log-in of a user wins: the older session is most likely one whose peer is gone.
    const givesWay = (older: Session): boolean => sameUser(older.identity, identity) && replace(older);
    for (;;) {
      const taken = profiles.networks.taken(routes, session);
      if (taken === undefined) break;
      if (givesWay(taken.by)) continue;
      const detail = `the route ${formatNetwork(taken.network)} is already the session ${taken.by.id}'s`;
      return { denial: 'route-in-use', detail };
    }
    const added = routes.filter((one) => !this.routes.some((had) => sameNetwork(one, had)));
    profiles.networks.claim(added, session, failed);
    this.routes = [...this.routes, ...added];
    const why = ipv6?.wish(profile.ipv6Prefix, givesWay, failed);
    return why === undefined ? undefined : { denial: 'prefix-in-use', detail: why };
  }

  /** Undefined: the user is not let in yet. */
  snapshot(): Omit<UserSnapshot, 'profile'> | undefined {
    if (!this.admitted) return undefined;
    const { identity, method } = this.user;
    const lastRecordAt = this.context.watchers?.lastRecordAt(this.tunnel);
    return {
      identity,
      method,
      routes: this.routes.map(({ network, prefixLength }) => ({ network, prefixLength })),
      begunAt: this.limits?.begunAt,
      startedAt: this.startedAt,
      told: this.told !== undefined,
      lastRecordAt: lastRecordAt === undefined ? undefined : instant(lastRecordAt),
    };
  }

  /** In a process that takes over; the tunnel is there, with all that its facts are made of. */
  restore({ routes, begunAt, startedAt, told, lastRecordAt }: UserSnapshot): void {
    const { session } = this.tunnel;
    const { profiles, clock, limits, watchers } = this.context;
    const { profile } = this.user;
    this.admitted = true;
    this.routes = routes;
    this.startedAt = startedAt;
    profiles.networks.restore(routes, session);
    profiles.shapes.apply(session, profile, clock.now());
    if (limits !== undefined && begunAt !== undefined)
      this.limits = new TunnelLimits(session, limits, profile, begunAt);
    if (watchers === undefined || !told) return;
    this.told = this.facts();
    watchers.restore(this.tunnel, this.told, lastRecordAt ?? clock.now());
  }

  /** The tunnel has ended. */
  giveBack(): void {
    this.context.profiles.networks.release(this.routes, this.tunnel.session);
    this.routes = NO_ROUTES;
  }

  /** The user is let in, first or again, and perhaps as somebody else: this holds from now on. */
  admit(user: ProvenUser): void {
    const { session } = this.tunnel;
    // Who proves to be the same user again goes on with the time used so far; another user has times of its own.
    this.limits = sameUser(session.identity, user.identity) ? this.limits?.withProfile(user.profile) : undefined;
    session.identity = user.identity;
    const narrowed = this.admitted && this.profile.encryption !== undefined;
    this.user = user;
    this.admitted = true;
    const { profiles, clock } = this.context;
    const { shapes, overhead, clearAllowed } = profiles;
    shapes.apply(session, user.profile, clock.now());
    const { mtu, encryption } = user.profile;
    if (encryption !== undefined || narrowed) {
      setClearAllowed(session, clearAllowed && encryption?.required !== true);
    }
    const framing = session.get(PPP_FRAMING);
    if (mtu !== undefined && framing !== undefined) framing.peerMru = Math.min(framing.peerMru, mtu + overhead);
  }

  /** The network of the session is up, first or again. */
  up(): void {
    const { tunnel, context } = this;
    const { limits, watchers } = context;
    if (limits !== undefined) {
      this.limits ??= new TunnelLimits(tunnel.session, limits, this.user.profile, context.clock.now());
    }
    if (watchers === undefined) return;
    if (this.told !== undefined) {
      this.tellChange();
      return;
    }
    this.told = this.facts();
    watchers.up(tunnel, this.told);
  }

  change(change: ProfileChange): ChangeAnswer {
    if (!this.admitted) return NOT_YET;
    const profile = changedProfile(this.user.profile, change);
    const { profiles, clock } = this.context;
    const cannot = profiles.shapes.refusal(profile);
    if (cannot !== undefined) return { ok: false, why: 'refused', detail: cannot };
    this.user = { ...this.user, profile };
    profiles.shapes.apply(this.tunnel.session, profile, clock.now());
    this.limits = this.limits?.withProfile(profile);
    this.tellChange();
    return { ok: true };
  }

  /** The peer has another IPv6 prefix now. */
  ipv6Up(): void {
    this.tellChange();
  }

  /** The session is over: told as it was last told of, whatever went back since and whoever proved to be somebody else. */
  down(ending: SessionEnding): void {
    if (this.told === undefined) return;
    this.context.watchers?.down(this.tunnel, this.told, ending, usageOf(this.tunnel.session));
  }

  nextTimeout(): Instant | undefined {
    return this.limits?.nextTimeout();
  }

  /** What has run out by now, told once. */
  reached(now: Instant): LimitReached | undefined {
    const reached = this.limits?.reached(now);
    if (reached !== undefined) this.limits = undefined;
    return reached;
  }

  facts(): SessionFacts {
    const { session, peerName, openedAt, upAt, innerAddress, traceId, encryption } = this.tunnel;
    const { clock, wallClock } = this.context;
    const { identity, method, profile } = this.user;
    this.startedAt ??= Math.round(wallClock.now() - (clock.now() - openedAt));
    const hostName = session.attributes.get(PEER_HOST_NAME);
    return {
      id: session.id,
      call: session.call,
      peerName,
      ...(hostName === undefined ? {} : { hostName }),
      identity,
      method,
      address: upAt === undefined ? undefined : innerAddress,
      ipv6Prefix: session.ipv6?.prefix,
      encryption,
      profile,
      startedAt: this.startedAt,
      upAt: upAt === undefined ? undefined : Math.round(this.startedAt + (upAt - openedAt)),
      traceId,
    };
  }

  /** Of a session that watchers know: its address, its user or its profile may be another one now. */
  private tellChange(): void {
    if (this.told === undefined) return;
    const before = this.told;
    const now = this.facts();
    const ipv6Prefix = now.ipv6Prefix ?? before.ipv6Prefix;
    this.told = { ...now, ipv6Prefix };
    const same =
      now.identity === before.identity &&
      now.address === before.address &&
      ipv6Prefix?.high === before.ipv6Prefix?.high &&
      ipv6Prefix?.low === before.ipv6Prefix?.low &&
      sameProfile(now.profile, before.profile);
    if (!same) this.context.watchers?.changed(this.tunnel, this.told);
  }
}

const NOTHING_USED: SessionUsage = { octetsIn: 0, octetsOut: 0, packetsIn: 0, packetsOut: 0 };

export const usageOf = (session: Session): SessionUsage => {
  const counters = session.get(SESSION_USAGE);
  return counters === undefined ? NOTHING_USED : { ...counters };
};
