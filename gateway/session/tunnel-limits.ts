import type { Session } from '../../core/datapath/session.ts';
import { USER_TRAFFIC } from '../../core/datapath/user-traffic.ts';
import type { UserProfile } from '../../core/ports/profile.ts';
import { after, earliest, type Instant, instant } from '../../core/time.ts';

/** How long sessions may last, in ms; 0 is without end. */
export interface SessionLimits {
  /** Without user data in either direction. */
  readonly idleMs: number;
  readonly sessionMs: number;
}

const SECOND_MS = 1000;

export type LimitReached = {
  readonly reason: 'idle' | 'session-timeout';
  readonly detail: string;
};

/** The clock of one session: begins when its network is up, asks the data path when user data last passed. */
export class TunnelLimits {
  private readonly session: Session;
  private readonly limits: SessionLimits;
  private readonly idleMs: number;
  private readonly endsAt: Instant | undefined;
  private readonly sessionMs: number;
  readonly begunAt: Instant;

  constructor(session: Session, limits: SessionLimits, profile: UserProfile, now: Instant) {
    this.session = session;
    this.limits = limits;
    this.idleMs = profile.idleSeconds === undefined ? limits.idleMs : profile.idleSeconds * SECOND_MS;
    this.sessionMs = profile.sessionSeconds === undefined ? limits.sessionMs : profile.sessionSeconds * SECOND_MS;
    this.begunAt = now;
    this.endsAt = this.sessionMs > 0 ? after(now, this.sessionMs) : undefined;
  }

  /** The same time used, under what the back-end says of the user now. */
  withProfile(profile: UserProfile): TunnelLimits {
    return new TunnelLimits(this.session, this.limits, profile, this.begunAt);
  }

  nextTimeout(): Instant | undefined {
    return earliest(this.endsAt, this.idleAt);
  }

  /** What has run out by now, if anything has. */
  reached(now: Instant): LimitReached | undefined {
    if (this.endsAt !== undefined && now >= this.endsAt) {
      return { reason: 'session-timeout', detail: `the session has lasted ${this.sessionMs / SECOND_MS} s` };
    }
    const { idleAt } = this;
    if (idleAt !== undefined && now >= idleAt) {
      return { reason: 'idle', detail: `no user data for ${this.idleMs / SECOND_MS} s` };
    }
    return undefined;
  }

  private get idleAt(): Instant | undefined {
    const traffic = this.session.get(USER_TRAFFIC);
    // Without a stage that looks at it nobody knows.
    if (this.idleMs === 0 || traffic === undefined) return undefined;
    return after(instant(Math.max(traffic.lastUsed, this.begunAt)), this.idleMs);
  }
}
