import { formatIpv4, type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { AddressLease, AddressPool, PoolPart } from '../../core/ports/addresses.ts';
import type { HostRoutes } from '../../core/ports/host-routes.ts';
import type { Log } from '../../core/ports/log.ts';
import type { LocalPool } from '../session/address-pool.ts';
import type { Borrowing, WorkerRest } from '../upgrade/crew-messages.ts';
import type { SupervisorLink } from './ask.ts';
import { BORROW, COME_HOME, GIVE_BACK, LEND, type LoanAnswer, RECALL, type WantedAddress } from './loan-asks.ts';

/** The supervisor may have to ask two workers, 5 s each. */
const BORROW_MS = 15_000;

/** What a worker has for its addresses when it runs. */
export interface Surroundings {
  /** Undefined: the operator sets up the routes. */
  readonly routes: HostRoutes | undefined;
  /** Ends the tunnel of this user that has this address; false when there is none. */
  endOlder(identity: string, address: Ipv4): boolean;
}

interface Borrowed {
  readonly loan: number;
  /** A tunnel may have it. */
  held: boolean;
  /** Until the supervisor is told that it is given back. */
  returning: Promise<void> | undefined;
}

/**
 * The addresses of one worker: its slice of the pool, and fixed addresses of users that it borrows from other slices. It
 * lends those of its own.
 */
export class SharedPool implements AddressPool {
  private readonly own: LocalPool;
  private readonly supervisor: SupervisorLink;
  private readonly log: Log;
  private readonly lent = new Set<Ipv4>();
  private readonly borrowed = new Map<Ipv4, Borrowed>();
  private surroundings: Surroundings | undefined;
  private loans = 0;
  /** Borrowed by the process before, and not yet taken by the tunnel that had it. */
  private readonly moved = new Set<Ipv4>();

  constructor(own: LocalPool, supervisor: SupervisorLink, log: Log) {
    this.own = own;
    this.supervisor = supervisor;
    this.log = log;
    supervisor.answer(LEND, (wanted) => this.lend(wanted));
    supervisor.answer(RECALL, (wanted) => this.recall(wanted));
    supervisor.answer(COME_HOME, ({ address }) => {
      if (this.lent.delete(address)) this.own.release(address);
      return undefined;
    });
  }

  /** Before the first lease. */
  attach(surroundings: Surroundings): void {
    this.surroundings = surroundings;
  }

  /** What its tunnels have borrowed, for the process that takes over. */
  snapshot(): readonly Borrowing[] {
    return [...this.borrowed].flatMap(([address, { held, loan }]) => (held ? [{ address, loan }] : []));
  }

  /** In a process that takes over, before its tunnels. */
  restore({ borrowed, lent }: Pick<WorkerRest, 'borrowed' | 'lent'>): void {
    for (const address of lent.map(ipv4)) if (this.own.lease(address).ok) this.lent.add(address);
    for (const { address, loan } of borrowed) {
      this.loans = Math.max(this.loans, loan);
      this.borrowed.set(ipv4(address), { loan, held: true, returning: undefined });
      this.moved.add(ipv4(address));
    }
  }

  /** After its tunnels: what none of them has taken goes back. */
  restored(): void {
    const left = [...this.moved];
    this.moved.clear();
    for (const address of left) this.release(address);
  }

  get gatewayAddress(): Ipv4 {
    return this.own.gatewayAddress;
  }

  get size(): number {
    return this.own.size;
  }

  /** Addresses that tunnels of this worker have. */
  get inUse(): number {
    return this.own.inUse - this.lent.size + this.borrowed.size;
  }

  /** Of its slice, an address that is lent among those in use: it is not in that of the worker that borrows it. */
  get parts(): readonly PoolPart[] {
    return this.own.parts ?? [{ pool: 'default', used: this.own.inUse, size: this.own.size }];
  }

  lease(wanted?: Ipv4, identity = '', pool?: string): AddressLease | Promise<AddressLease> {
    if (wanted === undefined) return this.own.lease(undefined, identity, pool);
    if (this.moved.delete(wanted)) return { ok: true, address: wanted };
    if (this.lent.has(wanted)) return this.reclaim(wanted, identity);
    const lease = this.own.lease(wanted);
    return !lease.ok && lease.why === 'outside-pool' ? this.borrow(wanted, identity) : lease;
  }

  release(address: Ipv4): void {
    const borrowed = this.borrowed.get(address);
    if (borrowed === undefined) this.own.release(address);
    else if (borrowed.held) void this.giveBack(address, borrowed);
  }

  /** One of our slice that is lent: the supervisor gets it back from the same user's other tunnel. */
  private async reclaim(address: Ipv4, identity: string): Promise<AddressLease> {
    this.loans += 1;
    const answer = await this.ask(address, identity, this.loans);
    return answer === 'lent' ? this.own.lease(address) : { ok: false, why: answer };
  }

  private async borrow(address: Ipv4, identity: string): Promise<AddressLease> {
    await this.borrowed.get(address)?.returning;
    // Another call of this worker has it, or asks for it.
    if (this.borrowed.has(address)) return { ok: false, why: 'in-use' };
    this.loans += 1;
    const borrowed: Borrowed = { loan: this.loans, held: false, returning: undefined };
    this.borrowed.set(address, borrowed);
    const answer = await this.ask(address, identity, borrowed.loan);
    if (answer === 'in-use' || answer === 'outside-pool') this.borrowed.delete(address);
    else if (answer === 'unavailable' || !(await this.route(address))) await this.giveBack(address, borrowed);
    else {
      borrowed.held = true;
      return { ok: true, address };
    }
    return { ok: false, why: answer === 'lent' ? 'unavailable' : answer };
  }

  private ask(address: Ipv4, identity: string, loan: number): Promise<LoanAnswer> {
    const question = this.supervisor.request(BORROW, { address, identity, loan }, BORROW_MS);
    return question.catch((cause: unknown) => {
      const error = cause instanceof Error ? cause.message : String(cause);
      this.log.warn('loan.unanswered', `Nobody said whether ${formatIpv4(address)} can be borrowed.`, { error });
      return 'unavailable' as const;
    });
  }

  private async route(address: Ipv4): Promise<boolean> {
    const routes = this.surroundings?.routes;
    if (routes === undefined) {
      const fields = { address: formatIpv4(address) };
      this.log.warn(
        'loan.no-route',
        'A fixed address is with another worker than its network: route it there.',
        fields,
      );
      return true;
    }
    try {
      await routes.add(address);
      return true;
    } catch (cause) {
      this.failed(address, cause);
      return false;
    }
  }

  /** The route goes first: until the owner hears of it, nobody else can have the address. */
  private giveBack(address: Ipv4, borrowed: Borrowed): Promise<void> {
    borrowed.held = false;
    const { loan } = borrowed;
    const done = async (): Promise<void> => {
      await this.surroundings?.routes?.remove(address).catch((cause: unknown) => this.failed(address, cause));
      this.borrowed.delete(address);
      // The answer is not waited for: what is asked later comes behind it, and what cannot be told ends with this process.
      void this.supervisor.request(GIVE_BACK, { address, loan }).catch(() => undefined);
    };
    borrowed.returning = done();
    return borrowed.returning;
  }

  private failed(address: Ipv4, cause: unknown): void {
    const error = cause instanceof Error ? cause.message : String(cause);
    this.log.error('loan.route-failed', 'The route to a borrowed address could not be changed.', {
      address: formatIpv4(address),
      error,
    });
  }

  private lend({ address, identity }: WantedAddress): boolean {
    if (this.lent.has(address)) return true;
    let lease = this.own.lease(address);
    const taken = !lease.ok && lease.why === 'in-use';
    if (taken && this.surroundings?.endOlder(identity, address)) lease = this.own.lease(address);
    if (lease.ok) this.lent.add(address);
    return lease.ok;
  }

  private async recall({ address, identity }: WantedAddress): Promise<boolean> {
    const borrowed = this.borrowed.get(address);
    if (borrowed?.held === true) this.surroundings?.endOlder(identity, address);
    // Its end has begun the way back, if there was one.
    await borrowed?.returning;
    return this.borrowed.get(address) !== borrowed || borrowed === undefined;
  }
}
