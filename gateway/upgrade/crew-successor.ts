import { closeSync } from 'node:fs';
import { Server, Socket } from 'node:net';
import type { GatewayConfig } from '../../config/types.ts';
import { GatewayError } from '../../core/errors.ts';
import type { Log } from '../../core/ports/log.ts';
import { holdSocket, readConnectionSnapshot, type TcpListener } from '../../plugins/control-pptp/index.ts';
import type { Loans } from '../workers/loans.ts';
import type { Supervisor } from '../workers/supervisor.ts';
import type { WorkerSlot } from '../workers/worker-slot.ts';
import {
  type FromHeir,
  readCrewRest,
  readFromHeir,
  readWorkerPiece,
  type ToHeir,
  type WorkerHeritage,
  type WorkerRest,
} from './crew-messages.ts';
import { kindOf } from './messages.ts';
import type { Successor } from './successor.ts';

export interface CrewSuccessorDeps {
  readonly successor: Pick<Successor, 'before' | 'hear' | 'tell' | 'nowServes' | 'untilLeft' | 'lifeLine' | 'fail'>;
  /** By index. */
  readonly heritage: readonly WorkerHeritage[];
  readonly supervisor: Pick<Supervisor, 'workers' | 'onMoved' | 'inherit' | 'adopt' | 'listen'>;
  readonly loans: Pick<Loans, 'restore'>;
  readonly listener: Pick<TcpListener, 'inherit'>;
  readonly config: GatewayConfig;
  readonly log: Log;
}

type CrewRest = NonNullable<ReturnType<typeof readCrewRest>>;

/** Something that is said once. */
interface Said<T> {
  readonly promise: Promise<T>;
  say(value: T): void;
}

const once = <T>(): Said<T> => {
  let say: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolve) => {
    say = resolve;
  });
  return { promise, say };
};

/** A supervisor that takes over from another one, its workers from that one's workers: all of them, or none. */
export class CrewSuccessor {
  private readonly deps: CrewSuccessorDeps;
  private readonly rest = once<CrewRest | undefined>();
  private readonly listener = once<Server | undefined>();
  private readonly open: readonly Said<void>[];
  private readonly restored: readonly Said<Extract<FromHeir, { readonly step: 'restored' }>>[];
  /** Connections that could not be read. */
  private lost = 0;

  constructor(deps: CrewSuccessorDeps) {
    this.deps = deps;
    this.open = deps.supervisor.workers.map(() => once<void>());
    this.restored = deps.supervisor.workers.map(() => once());
  }

  /** Resolves when this process serves and the one before has left. Ends this process where it cannot. */
  async takeOver(): Promise<void> {
    const { successor, supervisor, loans, config, log, listener: tcp } = this.deps;
    try {
      successor.hear((message, handle) => this.heard(message, handle));
      supervisor.onMoved((worker, body) => this.heardOf(worker, body));
      // What is loaded when it is needed first, and would end this process if it were not whole.
      const [{ checkPlaces }] = await Promise.all([
        import('./places.ts'),
        import('../admin/serve.ts'),
        import('../workers/view/routes/index.ts'),
      ]);
      await checkPlaces(successor.before.config, config, log);
      const failure = this.begin();
      const all = <T>(said: readonly Said<T>[]): Promise<T[]> =>
        Promise.race([Promise.all(said.map(({ promise }) => promise)), failure]);
      await all(this.open);
      successor.tell({ kind: 'ready' });
      const rest = await Promise.race([this.rest.promise, failure]);
      if (rest === undefined) throw new GatewayError('UPGRADE_REFUSED', 'What the workers have could not be read.');
      loans.restore(rest.loans);
      for (const [index, one] of rest.workers.entries()) this.restore(index, one);
      const answers = await all(this.restored);
      const tunnels = answers.reduce((sum, one) => sum + one.tunnels, 0);
      const unread = Array.from({ length: this.lost }, () => 'unreadable');
      successor.tell({ kind: 'restored', tunnels, failed: [...answers.flatMap(({ failed }) => failed), ...unread] });
      const server = await Promise.race([this.listener.promise, failure]);
      // Privileges are given up here, and what ends meanwhile nobody would start again.
      await Promise.race([supervisor.listen(), failure]);
      if (server !== undefined) tcp.inherit(server);
      // From here on one that ends is started again, as ever: nobody can go back.
      for (const worker of supervisor.workers) worker.serves();
      successor.nowServes();
      this.tellAll({ step: 'resume' });
      successor.lifeLine?.tell(`pid ${process.pid}`);
      log.info('upgrade.taken-over', 'this process and its workers go on with the tunnels of those before', {
        tunnels,
        workers: supervisor.workers.length,
        before: successor.before.pid,
        versionBefore: successor.before.version,
      });
      await successor.untilLeft();
    } catch (cause) {
      successor.fail(cause);
    }
  }

  /** When the workers before are gone, and those who have to know are told of workers that are ready. */
  alone(): void {
    this.tellAll({ step: 'alone' });
  }

  /** Starts the workers. Rejects when one of them ends. */
  private begin(): Promise<never> {
    const { supervisor, heritage, successor } = this.deps;
    const lives = supervisor.inherit(heritage);
    // They have their own copies, and a device lives as long as any.
    for (const { tun, gre } of heritage) for (const { fd } of [tun, gre]) closeSync(fd);
    successor.tell({
      kind: 'workers',
      pids: supervisor.workers.flatMap(({ pid }) => (pid === undefined ? [] : [pid])),
    });
    const failure = new Promise<never>((_resolve, reject) => {
      for (const life of lives) life.catch(reject);
    });
    failure.catch(() => undefined);
    return failure;
  }

  private restore(index: number, { callIds, networks, borrowed, lent }: WorkerRest): void {
    this.tell(index, { step: 'restore', callIds, networks, borrowed, lent });
  }

  private heard(message: unknown, handle: unknown): void {
    const kind = kindOf(message);
    if (kind === 'worker') this.pass(message, handle);
    else if (kind === 'restore-crew') this.rest.say(readCrewRest(message, this.deps.supervisor.workers.length));
    else if (kind === 'yours') this.listener.say(handle instanceof Server ? handle : undefined);
  }

  /** To the worker of that index. */
  private pass(message: unknown, handle: unknown): void {
    const socket = handle instanceof Socket ? handle : undefined;
    if (socket !== undefined) {
      socket.on('error', () => undefined);
      holdSocket(socket);
    }
    const worker: unknown = fieldOf(message, 'worker');
    const piece = readWorkerPiece(fieldOf(message, 'part'));
    if (typeof worker !== 'number' || piece === undefined) this.lost += 1;
    else if (piece.kind === 'tunnels') this.tell(worker, { step: 'tunnels', tunnels: piece.tunnels });
    else if (piece.kind === 'part') this.tell(worker, { step: 'part', part: piece.part });
    else if (socket !== undefined) this.passConnection(worker, piece.connection, socket);
    // Without a socket it is gone meanwhile, which the process before would find out, too.
  }

  private passConnection(worker: number, sent: unknown, socket: Socket): void {
    const snapshot = readConnectionSnapshot(sent);
    if (snapshot === undefined) {
      this.lost += 1;
      socket.destroy();
      return;
    }
    const connection = this.deps.supervisor.adopt(worker, snapshot.peer);
    this.tell(worker, { step: 'connection', connection, snapshot }, socket);
  }

  private heardOf({ index }: WorkerSlot, body: unknown): void {
    const said = readFromHeir(body);
    if (said?.step === 'open') this.open[index]?.say();
    else if (said?.step === 'restored') this.restored[index]?.say(said);
  }

  private tell(worker: number, message: ToHeir, socket?: Socket): void {
    this.deps.supervisor.workers[worker]?.move(message, socket, () => socket?.destroy());
  }

  private tellAll(message: ToHeir): void {
    for (const { index } of this.deps.supervisor.workers) this.tell(index, message);
  }
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
