import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { Session } from '../../core/datapath/session.ts';
import type { AddressLease } from '../../core/ports/addresses.ts';
import type { TunnelContext } from './tunnel-context.ts';

/** The inner IPv4 address of one tunnel: which one it gets, and when it goes back. */
export class TunnelAddress {
  private readonly session: Session;
  private readonly context: Pick<TunnelContext, 'addresses' | 'sessions' | 'endOlder'>;
  private leased: Ipv4 | undefined;

  constructor(session: Session, context: Pick<TunnelContext, 'addresses' | 'sessions' | 'endOlder'>) {
    this.session = session;
    this.context = context;
  }

  get current(): Ipv4 | undefined {
    return this.leased;
  }

  /** Leases an address for a user who has proven to be `identity`; `wanted` is the user's fixed one. */
  lease(identity: string, wanted: Ipv4 | undefined): AddressLease {
    // LCP was negotiated anew: the same user keeps the address that its connections use.
    const kept = this.session.identity === identity ? this.leased : undefined;
    if (kept !== undefined && (wanted === undefined || wanted === kept)) return { ok: true, address: kept };
    this.giveBack();
    let lease = this.context.addresses.lease(wanted);
    const taken = !lease.ok && lease.why === 'in-use' && wanted !== undefined;
    if (taken && this.context.endOlder(identity, wanted)) lease = this.context.addresses.lease(wanted);
    if (lease.ok) this.leased = lease.address;
    return lease;
  }

  /** Whether this tunnel is of that user and has that address. */
  isOf(identity: string, address: Ipv4): boolean {
    return this.session.identity === identity && this.leased === address;
  }

  giveBack(): void {
    this.context.sessions.unbind(this.session);
    if (this.leased !== undefined) this.context.addresses.release(this.leased);
    this.leased = undefined;
  }
}

/** Why there is no address, for the operator. */
export function whyNoAddress(why: Extract<AddressLease, { ok: false }>['why'], wanted: Ipv4 | undefined): string {
  const which = wanted === undefined ? '' : ` ${formatIpv4(wanted)}`;
  return {
    exhausted: 'no inner address is free: enlarge PPTP_POOL',
    'in-use': `the user's fixed address${which} is in use`,
    'outside-pool': `the user's fixed address${which} lies outside PPTP_POOL`,
  }[why];
}
