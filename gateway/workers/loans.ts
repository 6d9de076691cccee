import { type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import { sameUser } from '../session/same-user.ts';
import type { MovedLoan } from '../upgrade/crew-messages.ts';
import { AskError, type Asking, type WorkerLinks } from './ask.ts';
import { BORROW, COME_HOME, GIVE_BACK, LEND, type LoanAnswer, type LoanOrder, RECALL } from './loan-asks.ts';

interface Loan extends LoanOrder {
  readonly borrower: number;
  /** Of the borrower's process. */
  readonly life: number;
}

interface Worker {
  readonly link: Asking;
  /** Counts its processes: what was asked of one is not told to the next. */
  life: number;
  /** There is a process that knows of all loans of its slice, or is being told. */
  up: boolean;
}

/** How the owner or a borrower of an address answered. */
type Reply = 'yes' | 'no' | 'gone' | 'silent';

/**
 * Who has which address of another worker's slice. A user's fixed address may lie in any slice, and its call come to any
 * worker, so addresses are lent: the owner of the slice keeps them from others meanwhile, and is told again after a
 * restart before it has calls. A loan ends when it is given back, or with its borrower's process. What is about one
 * address is done one after the other.
 */
export class Loans {
  private readonly workers: readonly Worker[];
  private readonly ownerOf: (address: Ipv4) => number | undefined;
  private readonly loans = new Map<Ipv4, Loan>();
  private readonly turns = new Map<Ipv4, Promise<unknown>>();

  /** `ownerOf`: the index of the worker with the slice; undefined for what no worker has. */
  constructor(links: readonly Asking[], ownerOf: (address: Ipv4) => number | undefined) {
    this.workers = links.map((link) => ({ link, life: 0, up: false }));
    this.ownerOf = ownerOf;
  }

  get size(): number {
    return this.loans.size;
  }

  /** Answers the workers, and follows their lives. */
  attach(links: WorkerLinks): void {
    links.answer(BORROW, (order, from) => this.borrow(order, from));
    links.answer(GIVE_BACK, (order, from) => this.giveBack(order, from));
    links.onStarted(({ index }) => this.started(index));
    links.onEnded(({ index }) => this.ended(index));
  }

  /** For the supervisor that takes over. */
  snapshot(): readonly MovedLoan[] {
    return [...this.loans.values()].map(({ address, identity, loan, borrower }) => ({
      address,
      identity,
      loan,
      borrower,
    }));
  }

  /** In a supervisor that takes over: its workers have these, and know of them. */
  restore(loans: readonly MovedLoan[]): void {
    for (const worker of this.workers) worker.up = true;
    for (const { address, identity, loan, borrower } of loans) {
      const { life } = this.workers[borrower] ?? { life: 0 };
      this.loans.set(ipv4(address), { address: ipv4(address), identity, loan, borrower, life });
    }
  }

  borrow(order: LoanOrder, from: number): Promise<LoanAnswer> {
    const life = this.workers[from]?.life ?? 0;
    return this.inTurn(order.address, async () => {
      const answer = await this.decide({ ...order, borrower: from, life });
      // The borrower has ended meanwhile, and nobody will give it back.
      if (answer === 'lent' && this.workers[from]?.life !== life) this.end(order.address);
      return answer;
    });
  }

  /** Anything but the loan that it names stays as it is. */
  giveBack({ address, loan }: Pick<LoanOrder, 'address' | 'loan'>, from: number): Promise<undefined> {
    return this.inTurn(address, async () => {
      const current = this.loans.get(address);
      if (current?.borrower === from && current.loan === loan) this.end(address);
      return undefined;
    });
  }

  /** A worker has a process: tells it what of its slice is lent. Rejects when it does not take it. */
  async started(index: number): Promise<void> {
    const worker = this.workers[index];
    if (worker === undefined) return;
    worker.up = true;
    const { life } = worker;
    const addresses = [...this.loans.keys()].filter((address) => this.ownerOf(address) === index);
    const told = addresses.map((address) =>
      this.inTurn(address, async () => {
        // It may have passed to another borrower meanwhile, or be home.
        const loan = this.loans.get(address);
        if (loan === undefined || worker.life !== life) return;
        if ((await this.lend(index, loan)) !== 'yes') throw new AskError('BUSY', 'it does not know what it has lent');
      }),
    );
    await Promise.all(told);
  }

  /** A worker's process is gone, and its tunnels: what it had borrowed comes home. */
  ended(index: number): void {
    const worker = this.workers[index];
    if (worker === undefined) return;
    worker.up = false;
    worker.life += 1;
    for (const loan of [...this.loans.values()]) {
      if (loan.borrower !== index) continue;
      void this.inTurn(loan.address, async () => {
        if (this.loans.get(loan.address) === loan) this.end(loan.address);
      });
    }
  }

  private async decide(loan: Loan): Promise<LoanAnswer> {
    const { address, identity, borrower } = loan;
    const owner = this.ownerOf(address);
    if (owner === undefined) return 'outside-pool';
    const current = this.loans.get(address);
    // Who asks for what it has does not know of it, so it has no tunnel with it.
    if (current !== undefined && current.borrower !== borrower) {
      if (!sameUser(current.identity, identity)) return 'in-use';
      const recalled = await this.recall(current);
      if (recalled !== 'yes') return recalled === 'no' ? 'in-use' : 'unavailable';
    } else if (current === undefined && borrower !== owner) {
      const lent = await this.lend(owner, loan);
      if (lent === 'no') return 'in-use';
      if (lent === 'silent') {
        // It may do it yet; that it is undone comes behind.
        this.tellHome(owner, address);
        return 'unavailable';
      }
    }
    if (borrower === owner) this.end(address);
    else this.loans.set(address, loan);
    return 'lent';
  }

  /** `gone`: the owner has no process, so nobody of its slice has the address; the next one will be told. */
  private async lend(owner: number, { address, identity }: LoanOrder): Promise<Reply> {
    for (;;) {
      const worker = this.workers[owner];
      if (worker === undefined || !worker.up) return 'gone';
      const { life } = worker;
      const reply = await answered(worker.link.request(LEND, { address, identity }));
      // A process has ended; there may be another one by now, which has to know.
      if (worker.life === life) return reply === 'gone' ? 'silent' : reply;
    }
  }

  private async recall({ address, identity, borrower, life }: Loan): Promise<Reply> {
    const worker = this.workers[borrower];
    if (worker === undefined || worker.life !== life) return 'yes';
    const reply = await answered(worker.link.request(RECALL, { address, identity }));
    return worker.life === life ? reply : 'yes';
  }

  private end(address: Ipv4): void {
    const owner = this.ownerOf(address);
    if (this.loans.delete(address) && owner !== undefined) this.tellHome(owner, address);
  }

  /** Not waited for: what is told to the owner afterwards comes behind it, and a new process knows of nothing. */
  private tellHome(owner: number, address: Ipv4): void {
    const worker = this.workers[owner];
    if (worker?.up === true) void worker.link.request(COME_HOME, { address }).catch(() => undefined);
  }

  private inTurn<T>(address: Ipv4, work: () => Promise<T>): Promise<T> {
    const done = (this.turns.get(address) ?? Promise.resolve()).then(work);
    const settled = done
      .catch(() => undefined)
      .then(() => {
        if (this.turns.get(address) === settled) this.turns.delete(address);
      });
    this.turns.set(address, settled);
    return done;
  }
}

const answered = async (question: Promise<boolean>): Promise<Reply> => {
  try {
    return (await question) ? 'yes' : 'no';
  } catch (cause) {
    return cause instanceof AskError && cause.code === 'GONE' ? 'gone' : 'silent';
  }
};
