import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { Session } from '../../core/datapath/session.ts';
import type { AddressLease, AddressPool } from '../../core/ports/addresses.ts';
import type { SessionTable } from './session-table.ts';

/** The inner IPv4 address of one tunnel: which one it gets, and when it goes back. */
export class TunnelAddress {
  private readonly session: Session;
  private readonly pool: AddressPool;
  private readonly sessions: SessionTable;
  private readonly endOlder: (identity: string, address: Ipv4) => boolean;
  private leased: Ipv4 | undefined;

  constructor(
    session: Session,
    pool: AddressPool,
    sessions: SessionTable,
    endOlder: (identity: string, address: Ipv4) => boolean,
  ) {
    this.session = session;
    this.pool = pool;
    this.sessions = sessions;
    this.endOlder = endOlder;
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
    let lease = this.pool.lease(wanted);
    const taken = !lease.ok && lease.why === 'in-use' && wanted !== undefined;
    if (taken && this.endOlder(identity, wanted)) lease = this.pool.lease(wanted);
    if (lease.ok) this.leased = lease.address;
    return lease;
  }

  /** Whether this tunnel is of that user and has that address. */
  isOf(identity: string, address: Ipv4): boolean {
    return this.session.identity === identity && this.leased === address;
  }

  giveBack(): void {
    this.sessions.unbind(this.session);
    if (this.leased !== undefined) this.pool.release(this.leased);
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
