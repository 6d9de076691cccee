import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { Session } from '../../core/datapath/session.ts';
import type { AddressLease } from '../../core/ports/addresses.ts';
import type { UserProfile } from '../../core/ports/profile.ts';
import type { PhaseSpan } from '../../core/ports/telemetry.ts';
import { sameUser } from './same-user.ts';
import type { TunnelContext } from './tunnel-context.ts';

/** What a profile says of the address. */
export type AddressWish = Pick<UserProfile, 'address' | 'pool'>;

type Answer = AddressLease | Promise<AddressLease>;

/** The inner IPv4 address of one tunnel: which one it gets, and when it goes back. */
export class TunnelAddress {
  private readonly session: Session;
  private readonly context: Pick<TunnelContext, 'addresses' | 'sessions' | 'endOlder'>;
  private leased: Ipv4 | undefined;
  /** The pool that it came from, by its name. */
  private from: string | undefined;
  private over = false;
  /** How often an address was asked for. */
  private asked = 0;
  /** Until the last answer that takes its time is there: one after the other. */
  private waiting: Promise<void> | undefined;

  constructor(session: Session, context: Pick<TunnelContext, 'addresses' | 'sessions' | 'endOlder'>) {
    this.session = session;
    this.context = context;
  }

  get current(): Ipv4 | undefined {
    return this.leased;
  }

  /**
   * Leases an address for a user who has proven to be `identity`. `answered` runs before this returns, or later, unless the
   * tunnel ends before that: in the order of the questions, once for each; `superseded` says that there is a newer one.
   */
  lease(
    identity: string,
    wish: AddressWish,
    answered: (lease: AddressLease | 'superseded') => void,
    span?: PhaseSpan,
  ): void {
    this.asked += 1;
    const number = this.asked;
    const find = (): Answer => this.find(identity, wish, span);
    const answer = this.waiting === undefined ? find() : this.waiting.then(find);
    if (!(answer instanceof Promise)) {
      answered(answer);
      return;
    }
    const done = answer
      .catch((): AddressLease => ({ ok: false, why: 'unavailable' }))
      .then((lease) => {
        if (this.waiting === done) this.waiting = undefined;
        if (!this.over) answered(number === this.asked ? lease : 'superseded');
      });
    this.waiting = done;
  }

  /** The pool that it came from; undefined: the default one, or it is fixed. */
  get pool(): string | undefined {
    return this.from;
  }

  /** In a process that takes over. False: somebody else has it by now, or the pool answers too late. */
  restore(address: Ipv4, pool: string | undefined, identity: string): boolean {
    const lease = this.context.addresses.lease(address, identity);
    if (lease instanceof Promise || !lease.ok) return false;
    this.leased = address;
    this.from = pool;
    return true;
  }

  /** Whether this tunnel is of that user and has that address. */
  isOf(identity: string, address: Ipv4): boolean {
    return sameUser(this.session.identity, identity) && this.leased === address;
  }

  /** The tunnel has ended; an address that comes later goes back at once. */
  end(): void {
    this.over = true;
    this.giveBack();
  }

  private find(identity: string, { address: wanted, pool }: AddressWish, span: PhaseSpan | undefined): Answer {
    if (this.over) return { ok: false, why: 'unavailable' };
    // LCP was negotiated anew: the same user keeps the address that its connections use.
    const kept = sameUser(this.session.identity, identity) ? this.leased : undefined;
    const fits = wanted === undefined ? pool === this.from : wanted === kept;
    if (kept !== undefined && fits) return { ok: true, address: kept };
    this.giveBack();
    this.from = wanted === undefined ? pool : undefined;
    const { addresses, endOlder } = this.context;
    const again = (lease: AddressLease): Answer => {
      const taken = !lease.ok && lease.why === 'in-use' && wanted !== undefined && !this.over;
      return taken && endOlder(identity, wanted) ? addresses.lease(wanted, identity, undefined, span) : lease;
    };
    return whenThere(whenThere(addresses.lease(wanted, identity, pool, span), again), (lease) => this.keep(lease));
  }

  private keep(lease: AddressLease): AddressLease {
    if (lease.ok) this.leased = lease.address;
    if (this.over) this.giveBack();
    return lease;
  }

  private giveBack(): void {
    this.context.sessions.unbind(this.session);
    if (this.leased !== undefined) this.context.addresses.release(this.leased);
    this.leased = undefined;
  }
}

/** At once where the answer is there already: nothing waits for a turn that it does not need. */
const whenThere = (answer: Answer, next: (lease: AddressLease) => Answer): Answer =>
  answer instanceof Promise ? answer.then(next) : next(answer);

/** Why there is no address, for the operator. */
export function whyNoAddress(why: Extract<AddressLease, { ok: false }>['why'], { address, pool }: AddressWish): string {
  const which = address === undefined ? '' : ` ${formatIpv4(address)}`;
  const named = pool === undefined || address !== undefined ? undefined : JSON.stringify(pool);
  return {
    exhausted:
      named === undefined
        ? 'no inner address is free: enlarge PPTP_POOL'
        : `no inner address of the pool ${named} is free: enlarge it in PPTP_POOLS`,
    'in-use': `the user's fixed address${which} is in use`,
    'outside-pool': `the user's fixed address${which} lies outside PPTP_POOL`,
    'no-such-pool': `the user's pool ${named} is none of PPTP_POOLS`,
    unavailable: `whether the user's fixed address${which} is free could not be found out: see the log for the worker`,
  }[why];
}
