import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { AuthDenial } from '../../core/ports/auth.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { AdmissionRequest, Attempt, PolicyAnswer } from '../../core/ports/policy.ts';
import type { UserProfile } from '../../core/ports/profile.ts';
import type { PhaseSpan } from '../../core/ports/telemetry.ts';
import type { WallClock } from '../../core/ports/wall-clock.ts';

/** What the policies together say of one who asks to come in. */
export type PolicyVerdict =
  | { readonly admit: true; readonly profile: UserProfile }
  | { readonly admit: false; readonly policy: string; readonly denial: string; readonly detail: string };

export type Admission = Omit<AdmissionRequest, 'at'>;

/** A policy that never throws and never rejects: what goes wrong in one is a refusal of its own. */
export interface SafePolicy {
  readonly name: string;
  mayTry(attempt: Attempt): boolean;
  mayPass(attempt: Attempt): boolean;
  tried(attempt: Attempt, denial: AuthDenial | undefined): void;
  /** Undefined: it has nothing to say. The question is a step of `span`. */
  readonly admit:
    | ((request: AdmissionRequest, signal: CancelSignal, span?: PhaseSpan) => PolicyAnswer | Promise<PolicyAnswer>)
    | undefined;
}

/** All policies of the gateway as one, asked in their order. */
export class Policies {
  private readonly policies: readonly SafePolicy[];
  private readonly wallClock: WallClock;

  constructor(policies: readonly SafePolicy[], wallClock: WallClock) {
    this.policies = policies;
    this.wallClock = wallClock;
  }

  /** Whether a back-end may be asked about this attempt. */
  mayTry(userName: string, source: Ipv4): boolean {
    const attempt = { userName, source, at: this.wallClock.now() };
    return this.policies.every((policy) => policy.mayTry(attempt));
  }

  /** Whether the peer may be told what the back-end has found. */
  mayPass(userName: string, source: Ipv4): boolean {
    const attempt = { userName, source, at: this.wallClock.now() };
    return this.policies.every((policy) => policy.mayPass(attempt));
  }

  /** `denial` is undefined where the proof was right. */
  tried(userName: string, source: Ipv4, denial: AuthDenial | undefined): void {
    const attempt = { userName, source, at: this.wallClock.now() };
    for (const policy of this.policies) policy.tried(attempt, denial);
  }

  /** At once where no policy takes its time. Never throws, never rejects. */
  admit(
    admission: Admission,
    signal: CancelSignal,
    span: PhaseSpan | undefined,
  ): PolicyVerdict | Promise<PolicyVerdict> {
    return this.from(0, admission, signal, span);
  }

  private from(
    first: number,
    admission: Admission,
    signal: CancelSignal,
    span: PhaseSpan | undefined,
  ): PolicyVerdict | Promise<PolicyVerdict> {
    let { profile } = admission;
    for (let at = first; at < this.policies.length; at += 1) {
      const policy = this.policies[at];
      const answer = policy?.admit?.({ ...admission, profile, at: this.wallClock.now() }, signal, span);
      if (policy === undefined || answer === undefined) continue;
      if (answer instanceof Promise) {
        return answer.then((settled) => {
          const verdict = judge(policy.name, settled, profile);
          if (!verdict.admit) return verdict;
          return this.from(at + 1, { ...admission, profile: verdict.profile }, signal, span);
        });
      }
      const verdict = judge(policy.name, answer, profile);
      if (!verdict.admit) return verdict;
      profile = verdict.profile;
    }
    return { admit: true, profile };
  }
}

const judge = (policy: string, answer: PolicyAnswer, profile: UserProfile): PolicyVerdict => {
  if (answer.admit) return { admit: true, profile: answer.profile ?? profile };
  return { admit: false, policy, denial: answer.denial, detail: answer.detail };
};
