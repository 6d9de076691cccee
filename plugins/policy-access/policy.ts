import { formatIpv4 } from '../../core/bytes/ipv4-address.ts';
import type { SessionView } from '../../core/datapath/session.ts';
import type { Lifecycle } from '../../core/ports/lifecycle.ts';
import type { AdmissionRequest, PolicyAnswer, SessionPolicy } from '../../core/ports/policy.ts';
import type { UserProfile } from '../../core/ports/profile.ts';
import type { SessionDirectory } from '../../core/ports/session-directory.ts';
import type { SessionFacts } from '../../core/ports/session-facts.ts';
import type { SessionListener } from '../../core/ports/session-listener.ts';
import { ofUser } from '../policy-kit/names.ts';
import { holds } from '../policy-kit/reading.ts';
import type { WatchedFile } from '../policy-kit/watched-file.ts';
import type { AccessRules } from './rules.ts';

const SECOND_MS = 1000;

/** From where, when and by which methods users may log in. A session ends when its window of time closes. */
export class AccessPolicy implements SessionPolicy, SessionListener, Lifecycle {
  readonly name = 'policy-access';
  private readonly file: WatchedFile<AccessRules>;
  private readonly sessions: SessionDirectory;
  /** When the window closes in which a session came in, in ms since 1970. */
  private readonly closing = new WeakMap<SessionView, number>();

  constructor(file: WatchedFile<AccessRules>, sessions: SessionDirectory) {
    this.file = file;
    this.sessions = sessions;
  }

  /** It only reads a file. */
  get runsBeside(): boolean {
    return true;
  }

  /** Rejects with CONFIG_FILE when the rules cannot be used. */
  async start(): Promise<void> {
    await this.file.load();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  async admit({ session, identity, method, profile, at }: AdmissionRequest): Promise<PolicyAnswer> {
    const { everyone, users } = await this.file.current();
    const { sources, methods, times } = ofUser(users, identity) ?? everyone;
    const { peer } = session.call;
    if (sources !== undefined && !sources.some((network) => holds(network, peer))) {
      return refusal('source-not-allowed', `The user may not log in from ${formatIpv4(peer)}.`);
    }
    if (methods !== undefined && !methods.includes(method)) {
      return refusal('method-not-allowed', `The user may not log in with ${method}.`);
    }
    this.closing.delete(session);
    if (times === undefined) return { admit: true };
    if (!times.isOpen(at)) return refusal('time-not-allowed', 'The user may not log in at this time.');
    const closes = times.closesAt(at);
    if (closes === undefined) return { admit: true };
    this.closing.set(session, closes);
    // The time of a session counts from when it came up, and who proves itself again has been up for some time.
    const [found] = await this.sessions.find({ id: session.id });
    const since = found?.facts.upAt ?? at;
    return { admit: true, profile: within(profile, secondsTo(closes, since)) };
  }

  /** Its profile says by now when its time is over. */
  restored(): void {}

  up(facts: SessionFacts, session: SessionView): void {
    this.keepWithin(facts, session);
  }

  changed(facts: SessionFacts, session: SessionView): void {
    this.keepWithin(facts, session);
  }

  /** Policies that were asked later, and whoever changes a session, may have given it more time. */
  private keepWithin({ id, upAt, profile }: SessionFacts, session: SessionView): void {
    const closes = this.closing.get(session);
    if (closes === undefined || upAt === undefined) return;
    const { sessionSeconds } = within(profile, secondsTo(closes, upAt));
    if (sessionSeconds === profile.sessionSeconds) return;
    // It is a session of this worker, and who is not there any more needs no end.
    this.sessions.change(id, { sessionSeconds }).catch(() => undefined);
  }
}

const secondsTo = (closes: number, since: number): number => Math.max(1, Math.ceil((closes - since) / SECOND_MS));

/** 0 is "no limit". */
const within = (profile: UserProfile, seconds: number): UserProfile => {
  const { sessionSeconds = 0 } = profile;
  return { ...profile, sessionSeconds: sessionSeconds === 0 ? seconds : Math.min(sessionSeconds, seconds) };
};

const refusal = (denial: string, detail: string): PolicyAnswer => ({ admit: false, denial, detail });
