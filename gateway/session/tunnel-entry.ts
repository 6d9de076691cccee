import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { formatPrefix64 } from '../../core/bytes/ipv6-address.ts';
import type { Session } from '../../core/datapath/session.ts';
import type { Ipv6Profile } from '../../core/machine/ppp-link-types.ts';
import type { AddressLease } from '../../core/ports/addresses.ts';
import type { UserProfile } from '../../core/ports/profile.ts';
import type { PhaseSpan } from '../../core/ports/telemetry.ts';
import { fitsIpv6 } from './profiles.ts';
import { type TunnelAddress, whyNoAddress } from './tunnel-address.ts';
import { TunnelAdmission } from './tunnel-admission.ts';
import type { TunnelContext } from './tunnel-context.ts';
import type { TunnelIpv6 } from './tunnel-ipv6.ts';
import type { TunnelSpans } from './tunnel-spans.ts';

/** Who the peer has proven to be, and what holds for this user. */
export interface ProvenUser {
  readonly identity: string;
  /** Authentication method. */
  readonly method: string;
  readonly profile: UserProfile;
}

export interface Refusal {
  readonly policy: string;
  readonly denial: string;
  readonly detail: string;
}

export type Entry =
  /** With the profile that the policies left. */
  | {
      readonly kind: 'in';
      readonly user: ProvenUser;
      readonly address: Ipv4;
      readonly ipv6: Ipv6Profile | undefined;
    }
  /** There is a newer proof. */
  | { readonly kind: 'superseded' }
  | ({ readonly kind: 'refused' } & Refusal)
  | { readonly kind: 'no-address'; readonly detail: string };

export interface EntryDeps {
  readonly session: Session;
  readonly peerName: string;
  readonly context: TunnelContext;
  readonly spans: TunnelSpans;
  readonly ipv6: TunnelIpv6 | undefined;
  readonly address: TunnelAddress;
  /** Takes what the profile needs; what it cannot have keeps the user out. */
  prepare(user: ProvenUser): Omit<Refusal, 'policy'> | undefined;
}

/** The gateway's own name where it refuses what a profile asks for. */
export const GATEWAY = 'gateway';

/** What stands between a proof and the network: the policies, then what the profile asks for, then the address. */
export class TunnelEntry {
  private readonly deps: EntryDeps;
  /** Where there are policies. */
  private readonly admission: TunnelAdmission | undefined;
  /** Proofs so far, and how many of them wait. */
  private proofs = 0;
  private waiting = 0;

  constructor(deps: EntryDeps) {
    this.deps = deps;
    const { policies } = deps.context;
    this.admission = policies && new TunnelAdmission(policies);
  }

  /** Nobody waits to come in. */
  get isIdle(): boolean {
    return this.waiting === 0;
  }

  /** `entered` runs before this returns, or later, unless the tunnel ends before that: once for each proof. */
  enter(user: ProvenUser, entered: (entry: Entry) => void): void {
    this.proofs += 1;
    const number = this.proofs;
    this.waiting += 1;
    const latest = (entry: Entry): void => {
      this.waiting -= 1;
      entered(number === this.proofs ? entry : { kind: 'superseded' });
    };
    const { session, peerName, spans } = this.deps;
    const span = spans.address();
    if (this.admission === undefined) {
      this.prepare(user, span, latest);
      return;
    }
    this.admission.ask({ session, peerName, ...user }, span, (verdict) => {
      if (verdict === 'superseded') latest(superseded(span));
      else if (verdict.admit) this.prepare({ ...user, profile: verdict.profile }, span, latest);
      else latest(this.refused(verdict, span));
    });
  }

  /** The tunnel has ended: nobody waits for an answer any more. */
  abort(): void {
    this.admission?.end();
  }

  private prepare(user: ProvenUser, span: PhaseSpan, entered: (entry: Entry) => void): void {
    const refusal = this.deps.prepare(user);
    if (refusal !== undefined) {
      entered(this.refused({ policy: GATEWAY, ...refusal }, span));
      return;
    }
    const answered = (lease: AddressLease | 'superseded'): void => entered(this.leased(lease, span, user));
    this.deps.address.lease(user.identity, user.profile, answered, span);
  }

  private refused({ policy, denial, detail }: Refusal, span: PhaseSpan): Entry {
    const failure = { error: 'not-admitted', message: detail };
    const attributes = { 'pptp.policy.name': policy, 'pptp.policy.denial': denial };
    span.attributes(attributes);
    span.end(failure);
    this.deps.spans.refused(failure, attributes);
    return { kind: 'refused', policy, denial, detail };
  }

  private leased(lease: AddressLease | 'superseded', span: PhaseSpan, user: ProvenUser): Entry {
    if (lease === 'superseded') return superseded(span);
    const { ipv6, spans } = this.deps;
    if (!lease.ok) {
      ipv6?.release();
      const detail = whyNoAddress(lease.why, user.profile);
      const failure = { error: 'no-address', message: detail };
      span.attributes({ 'pptp.address.refusal': lease.why });
      span.end(failure);
      spans.refused(failure);
      return { kind: 'no-address', detail };
    }
    const assigned = fitsIpv6(user.profile) ? ipv6?.profile() : undefined;
    span.attributes({
      'ppp.ipcp.address': formatIpv4(lease.address),
      'pptp.address.fixed': user.profile.address !== undefined,
      ...(assigned === undefined ? {} : { 'ppp.ipv6.prefix': formatPrefix64(assigned.prefix) }),
    });
    span.end();
    return { kind: 'in', user, address: lease.address, ipv6: assigned };
  }
}

const superseded = (span: PhaseSpan): Entry => {
  span.end();
  return { kind: 'superseded' };
};
