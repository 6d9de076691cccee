import type { SessionId } from '../../core/ports/ids.ts';
import { callId, sessionId } from '../../core/ports/ids.ts';
import type { AdmissionRequest } from '../../core/ports/policy.ts';
import type { UserProfile } from '../../core/ports/profile.ts';
import type { ChangeAnswer, FoundSession, SessionDirectory, SessionQuery } from '../../core/ports/session-directory.ts';
import type { SessionEnding, SessionFacts } from '../../core/ports/session-facts.ts';
import { address, LOCAL, openSession } from './batches.ts';

const NO_USAGE = { octetsIn: 0, octetsOut: 0, packetsIn: 0, packetsOut: 0 };

/** The sessions of a gateway as policies see them; `pause` stands before each look at them and each end of one. */
export class PolicyWorld implements SessionDirectory {
  readonly facts = new Map<SessionId, SessionFacts>();
  readonly ended: { readonly id: SessionId; readonly ending: SessionEnding }[] = [];
  private readonly pause: () => Promise<unknown>;

  constructor(pause: () => Promise<unknown> = () => Promise.resolve()) {
    this.pause = pause;
  }

  /** Somebody has proven to be this user. */
  proven(id: string, identity: string, startedAt: number, more: Partial<SessionFacts> = {}): SessionFacts {
    const facts: SessionFacts = {
      id: sessionId(id),
      call: { local: LOCAL, peer: address('203.0.113.9'), localCallId: callId(1), peerCallId: callId(2) },
      peerName: '203.0.113.9:40000',
      identity,
      method: 'ms-chap-v2',
      address: undefined,
      ipv6Prefix: undefined,
      encryption: 'none',
      profile: {},
      startedAt,
      upAt: undefined,
      traceId: '',
      ...more,
    };
    this.facts.set(facts.id, facts);
    return facts;
  }

  up(id: SessionId, upAt: number): SessionFacts | undefined {
    const facts = this.facts.get(id);
    if (facts === undefined) return undefined;
    const up = { ...facts, upAt };
    this.facts.set(id, up);
    return up;
  }

  async find({ id, identity }: SessionQuery): Promise<readonly FoundSession[]> {
    await this.pause();
    const all = [...this.facts.values()].filter(
      (facts) =>
        (id === undefined || facts.id === id) &&
        (identity === undefined || facts.identity.toLowerCase() === identity.toLowerCase()),
    );
    await this.pause();
    return all.map((facts) => ({ facts, usage: NO_USAGE }));
  }

  async disconnect(id: SessionId, ending: SessionEnding): Promise<boolean> {
    await this.pause();
    if (!this.facts.delete(id)) return false;
    this.ended.push({ id, ending });
    return true;
  }

  change(): Promise<ChangeAnswer> {
    return Promise.resolve({ ok: true });
  }
}

/** The request of one who has proven who it is. */
export const request = (facts: SessionFacts, at: number, profile: UserProfile = facts.profile): AdmissionRequest => {
  const session = openSession();
  return {
    session: Object.assign(Object.create(session), { id: facts.id, call: facts.call }),
    peerName: facts.peerName,
    identity: facts.identity,
    method: facts.method,
    profile,
    at,
  };
};

export const neverAborted = { aborted: false, addEventListener: () => undefined };
