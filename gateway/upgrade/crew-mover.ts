import { Socket } from 'node:net';
import { GatewayError } from '../../core/errors.ts';
import type { TcpListener } from '../../plugins/control-pptp/index.ts';
import { holdSocket } from '../../plugins/control-pptp/index.ts';
import { sentenceOf } from '../plugins/plugin-error.ts';
import { AskError } from '../workers/ask.ts';
import type { OwnDescriptor } from '../workers/descriptor-pipe.ts';
import type { Loans } from '../workers/loans.ts';
import type { Supervisor } from '../workers/supervisor.ts';
import type { WorkerSlot } from '../workers/worker-slot.ts';
import { BEQUEATH, GO_ON, LOOK, type MovedWorker, RELEASE, REST, SETTLE, TAKE } from './crew-asks.ts';
import {
  type MovedLoan,
  readWorkerPiece,
  type WorkerHeritage,
  type WorkerPiece,
  type WorkerRest,
} from './crew-messages.ts';
import { type Bequeathed, type HandedMessage, type HandedOver, type Mover, SETTLE_MS } from './mover.ts';
import { failedBecause, refused } from './talk.ts';

/** A worker, as far as it is handed over. */
export type MovedSlot = Pick<WorkerSlot, 'index' | 'pid' | 'restarts' | 'takes' | 'request' | 'descriptors'>;

export interface CrewMoverDeps {
  readonly supervisor: Pick<Supervisor, 'onMoved' | 'onEnded' | 'holdWorkers' | 'holdConnections' | 'leave'> & {
    readonly workers: readonly MovedSlot[];
  };
  readonly loans: Pick<Loans, 'snapshot'>;
  readonly ownerOf: (address: number) => number | undefined;
  readonly listener: Pick<TcpListener, 'listener'>;
}

const HOLDER = 'upgrade';
/** A worker that does not answer hangs, and is killed soon. */
const ANSWER_MS = 5_000;
/** Thousands of tunnels are written down and sent within that. */
const TAKE_MS = 10_000;

interface Piece {
  readonly worker: number;
  readonly part: WorkerPiece;
  readonly socket?: Socket;
}

/** All workers of a gateway, as they are handed over to those of another supervisor. */
export class CrewMover implements Mover {
  private readonly deps: CrewMoverDeps;
  private readonly pieces: Piece[] = [];
  private readonly sockets: Socket[] = [];
  /** One of them has ended since it was looked at. */
  private broken: ((cause: GatewayError) => void) | undefined;
  private still = false;

  constructor(deps: CrewMoverDeps) {
    this.deps = deps;
    deps.supervisor.onEnded(({ index }) => this.broken?.(failedBecause(`worker ${index} ended`)));
  }

  async obstacles(): Promise<readonly string[]> {
    const away = this.workers.filter(({ takes }) => !takes).map(({ index }) => index);
    if (away.length > 0) return [`Worker ${away.join(' and ')} is being started: ask again when it takes calls.`];
    return [...new Set((await this.each((worker) => worker.request(LOOK, undefined, ANSWER_MS))).flat())];
  }

  async settle(allowDrop: boolean): Promise<void> {
    await this.each((worker) => worker.request(SETTLE, allowDrop, SETTLE_MS + ANSWER_MS));
  }

  async bequeath(): Promise<Bequeathed> {
    const { supervisor } = this.deps;
    supervisor.holdWorkers(true, HOLDER);
    const heritage: WorkerHeritage[] = [];
    const open: OwnDescriptor[] = [];
    const forked = (): void => {
      for (const one of open.splice(0)) one.close();
    };
    try {
      // One after the other: two descriptors that lie there for a moment are of whom was asked.
      for (const worker of this.workers) {
        const { tun, gre, clock } = await this.ask(() => worker.request(BEQUEATH, undefined, ANSWER_MS));
        const found = descriptorsOf(worker);
        open.push(...found);
        const [tunFd, greFd] = found.map(({ fd }) => fd);
        const { pid, restarts } = worker;
        if (tunFd === undefined || greFd === undefined || pid === undefined) {
          throw refused(`The devices of worker ${worker.index} cannot be had.`);
        }
        heritage.push({ pid, restarts, clock, tun: { fd: tunFd, about: tun }, gre: { fd: greFd, about: gre } });
      }
    } catch (cause) {
      forked();
      throw cause;
    }
    return {
      fds: heritage.flatMap(({ tun, gre }) => [tun.fd, gre.fd]),
      bequest: (first) => ({
        workers: heritage.map((one, index) => ({
          ...one,
          tun: { ...one.tun, fd: first + 2 * index },
          gre: { ...one.gre, fd: first + 2 * index + 1 },
        })),
      }),
      forked,
    };
  }

  async rest(): Promise<void> {
    await Promise.allSettled(this.workers.map((worker) => worker.request(REST, undefined, ANSWER_MS)));
  }

  async take(): Promise<HandedOver> {
    const { supervisor, listener } = this.deps;
    this.still = true;
    supervisor.onMoved((worker, body, handle) => this.heard(worker.index, body, handle));
    supervisor.holdConnections(true);
    const died = new Promise<never>((_resolve, reject) => {
      this.broken = reject;
    });
    died.catch(() => undefined);
    const moved = await Promise.race([this.each((worker) => worker.request(TAKE, undefined, TAKE_MS)), died]);
    const rest = this.restOf(moved);
    const sum = (count: (one: MovedWorker) => number): number => moved.reduce((all, one) => all + count(one), 0);
    return {
      tunnels: sum(({ tunnels }) => tunnels),
      setups: sum(({ setups }) => setups),
      listener: listener.listener,
      messages: () => this.messages(),
      release: async () => {
        await this.each((worker) => worker.request(RELEASE, undefined, TAKE_MS));
        return [...this.messages(), { message: { kind: 'restore-crew', ...rest } }];
      },
      check: () => {
        if (this.workers.some(({ takes }) => !takes)) throw failedBecause('a worker ended');
      },
    };
  }

  async goOn(): Promise<boolean> {
    const { supervisor } = this.deps;
    const { still } = this;
    this.still = false;
    this.broken = undefined;
    this.forget();
    // One that does not answer is ended, as ever.
    await Promise.allSettled(this.workers.map((worker) => worker.request(GO_ON, undefined, ANSWER_MS)));
    if (still) supervisor.holdConnections(false);
    supervisor.holdWorkers(false, HOLDER);
    return still;
  }

  leave(): void {
    this.broken = undefined;
  }

  async abandon(): Promise<void> {
    this.forget();
    await this.deps.supervisor.leave();
  }

  private get workers(): readonly MovedSlot[] {
    return this.deps.supervisor.workers;
  }

  /** What has come by now; the sockets stay open here until it is over. */
  private *messages(): Generator<HandedMessage> {
    for (const { worker, part, socket } of this.pieces.splice(0)) {
      if (socket !== undefined) this.sockets.push(socket);
      const message = { kind: 'worker', worker, part } as const;
      yield socket === undefined ? { message } : { message, socket };
    }
  }

  /** Addresses are lent where a tunnel has them: what was on its way there or back is nobody's. */
  private restOf(moved: readonly MovedWorker[]): {
    readonly workers: readonly WorkerRest[];
    readonly loans: readonly MovedLoan[];
  } {
    const { loans, ownerOf } = this.deps;
    const has = ({ address, loan, borrower }: MovedLoan): boolean =>
      moved[borrower]?.borrowed.some((one) => one.address === address && one.loan === loan) === true;
    const held = loans.snapshot().filter(has);
    const workers = moved.map(({ callIds, networks }, index) => ({
      callIds,
      networks,
      borrowed: held.filter(({ borrower }) => borrower === index).map(({ address, loan }) => ({ address, loan })),
      lent: held.filter(({ address }) => ownerOf(address) === index).map(({ address }) => address),
    }));
    return { workers, loans: held };
  }

  private heard(worker: number, body: unknown, handle: unknown): void {
    const piece = readWorkerPiece(body);
    const socket = handle instanceof Socket ? handle : undefined;
    if (socket !== undefined) {
      socket.on('error', () => undefined);
      holdSocket(socket);
    }
    if (piece === undefined || !this.still) {
      socket?.destroy();
      return;
    }
    this.pieces.push({ worker, part: piece, ...(socket === undefined ? {} : { socket }) });
  }

  /** Closes this process' copies. */
  private forget(): void {
    for (const { socket } of this.pieces.splice(0)) socket?.destroy();
    for (const socket of this.sockets.splice(0)) socket.destroy();
  }

  private each<T>(ask: (worker: MovedSlot) => Promise<T>): Promise<T[]> {
    return Promise.all(this.workers.map((worker) => this.ask(() => ask(worker))));
  }

  private async ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (cause) {
      if (!(cause instanceof AskError)) throw cause;
      const { code, message } = cause;
      throw code === 'UPGRADE_REFUSED' || code === 'UPGRADE_FAILED'
        ? new GatewayError(code, message)
        : failedBecause(message);
    }
  }
}

const descriptorsOf = (worker: MovedSlot): readonly OwnDescriptor[] => {
  try {
    return worker.descriptors();
  } catch (cause) {
    throw refused(`The devices of worker ${worker.index} cannot be had: ${sentenceOf(cause)}.`);
  }
};
