import type { Server, Socket } from 'node:net';
import { Server as NetServer, Socket as NetSocket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayConfig } from '../../config/types.ts';
import { GatewayError } from '../../core/errors.ts';
import type { InheritedDevice } from '../../core/ports/handover.ts';
import type { Log } from '../../core/ports/log.ts';
import { holdSocket, readConnectionSnapshot } from '../../plugins/control-pptp/index.ts';
import type { Gateway } from '../bootstrap.ts';
import type { Inheritance } from '../builtin-plugins.ts';
import { readTunnelSnapshot, type TunnelSnapshot } from '../session/tunnel-snapshot.ts';
import { continueClock } from '../system-clock.ts';
import { isWorkerHeritage, type WorkerHeritage } from './crew-messages.ts';
import type { SentPart } from './handed-parts.ts';
import { keptThatDiffer } from './kept-settings.ts';
import { LifeLine } from './life-line.ts';
import { type FromSuccessor, kindOf, readHelloToSuccessor, readSentPart, type SuccessorHello } from './messages.ts';
import type { MovedConnection } from './moving.ts';
import { STATE_VERSION } from './state-version.ts';

/** The environment tells a process that it is to take over, and by which descriptors. Not a setting: nobody sets it. */
export const SUCCESSOR_VARIABLE = 'GATEWAY_TAKES_OVER';

/** What the process before tells by that variable. */
export interface Bequest {
  /** Of a gateway of one process. */
  readonly tun?: InheritedDevice;
  readonly gre?: InheritedDevice;
  /** Of one of several, by index. */
  readonly workers?: readonly WorkerHeritage[];
  /** Where a process that stays to be looked at wants to hear of its successors. */
  readonly lifeLine?: number;
}

/** When the process before says nothing more, it is gone: it was killed, or hangs. */
const PATIENCE_MS = 30_000;
/** For the process before to leave the admin socket and its ports, once this one serves. */
const LEAVE_MS = 5_000;

interface Taken {
  readonly tunnels: unknown[];
  readonly connections: MovedConnection[];
  readonly parts: SentPart[];
  /** Sockets whose connection could not be read. */
  lost: number;
}

/** The process that takes over, as it talks with the one before. */
export class Successor {
  /** Undefined: that of workers. */
  readonly inheritance: Inheritance | undefined;
  /** By index; undefined: the gateway is one process. */
  readonly workers: readonly WorkerHeritage[] | undefined;
  readonly lifeLine: LifeLine | undefined;
  readonly before: SuccessorHello;
  private readonly taken: Taken = { tunnels: [], connections: [], parts: [], lost: 0 };
  private readonly left: Promise<void>;
  private answered: (order: { readonly callIds: unknown; readonly networks: readonly string[] }) => void = () =>
    undefined;
  private handed: (listener: Server | undefined) => void = () => undefined;
  private serves = false;
  private listener: ((message: unknown, handle: unknown) => void) | undefined;

  constructor(before: SuccessorHello, { tun, gre, workers, lifeLine }: Bequest) {
    this.before = before;
    this.inheritance = tun === undefined || gre === undefined ? undefined : { pid: before.pid, tun, gre };
    this.workers = workers;
    this.lifeLine = lifeLine === undefined ? undefined : new LifeLine(lifeLine);
    process.on('message', (message: unknown, handle: unknown) => this.heard(message, handle));
    this.left = new Promise((resolve) => {
      process.once('disconnect', () => {
        // Before that nobody needs this process: the one before goes on, or is dead and has left no listener.
        if (!this.serves) process.exit(1);
        resolve();
      });
    });
  }

  /** What is said of mistakes, the process before shows to who has asked for the upgrade, too. */
  terminal<T extends { err(line: string): void }>(terminal: T): T {
    return {
      ...terminal,
      err: (line: string) => {
        tell({ kind: 'said', line: line.slice(0, 4000) });
        terminal.err(line);
      },
    };
  }

  /** Throws CONFIG_INVALID where the new configuration wants other tunnels than those that are up. */
  check(config: GatewayConfig): void {
    const differ = keptThatDiffer(this.before.config, config);
    if (differ.length === 0) return;
    throw new GatewayError(
      'CONFIG_INVALID',
      `${differ.join(', ')} cannot change while tunnels are up: put back what was there before and upgrade, or start the gateway again.`,
    );
  }

  /** Starts the gateway with what it inherits, and returns when it serves. Ends the process where it cannot. */
  async takeOver(
    gateway: Gateway,
    config: GatewayConfig,
    died: (device: string, cause: unknown) => void,
    log: Log,
  ): Promise<void> {
    try {
      const order = new Promise<Parameters<Successor['answered']>[0]>((resolve) => {
        this.answered = resolve;
      });
      const yours = new Promise<Server | undefined>((resolve) => {
        this.handed = resolve;
      });
      // What is loaded when it is needed first, and would end this process if it were not whole.
      const [{ checkPlaces }] = await Promise.all([
        import('./places.ts'),
        import('../admin/serve.ts'),
        import('../admin/routes/index.ts'),
      ]);
      await checkPlaces(this.before.config, config, log);
      await gateway.start(died);
      tell({ kind: 'ready' });
      const { callIds, networks } = await order;
      await gateway.moving.takeOverParts(this.taken.parts);
      const tunnels = this.taken.tunnels.map((value) => readTunnelSnapshot(value));
      const good = tunnels.filter((one): one is TunnelSnapshot => one !== undefined);
      const failed = [
        ...gateway.moving.restore(good, this.taken.connections, callIds, networks),
        ...Array.from({ length: tunnels.length - good.length + this.taken.lost }, () => 'unreadable'),
      ];
      tell({ kind: 'restored', tunnels: good.length, failed });
      const listener = await yours;
      gateway.moving.resume(listener);
      this.nowServes();
      await gateway.moving.adoptHost();
      this.lifeLine?.tell(`pid ${process.pid}`);
      log.info('upgrade.taken-over', 'this process goes on with the tunnels of the one before', {
        tunnels: good.length,
        before: this.before.pid,
        versionBefore: this.before.version,
      });
      await this.untilLeft();
    } catch (cause) {
      this.fail(cause);
    }
  }

  /** Hears all that comes from now on in place of `takeOver`. */
  hear(listener: (message: unknown, handle: unknown) => void): void {
    this.listener = listener;
  }

  tell(message: FromSuccessor): void {
    tell(message);
  }

  /** From now on this process is the gateway. */
  nowServes(): void {
    this.serves = true;
    tell({ kind: 'serves' });
  }

  /** The process before has left, so that its admin socket and its ports are free; or it takes too long for that. */
  async untilLeft(): Promise<void> {
    await Promise.race([this.left, sleep(LEAVE_MS, undefined, { ref: false })]);
  }

  /** Tells why it does not take over, and ends. Nothing on the host is touched. */
  fail(cause: unknown): never {
    const code = cause instanceof GatewayError ? cause.code : 'INTERNAL';
    const message =
      cause instanceof GatewayError ? cause.message : cause instanceof Error ? cause.message : String(cause);
    tell({ kind: 'failed', code, message: message.slice(0, 4000) });
    process.exit(1);
  }

  private heard(message: unknown, handle: unknown): void {
    if (this.listener !== undefined) {
      this.listener(message, handle);
      return;
    }
    switch (kindOf(message)) {
      case 'connection':
        this.takeConnection(message, handle);
        return;
      case 'tunnels': {
        const tunnels: unknown = fieldOf(message, 'tunnels');
        if (Array.isArray(tunnels)) this.taken.tunnels.push(...tunnels);
        return;
      }
      case 'part': {
        const part = readSentPart(fieldOf(message, 'part'));
        if (part === undefined) this.fail(new GatewayError('UPGRADE_FAILED', 'what a plug-in has sent cannot be read'));
        this.taken.parts.push(part);
        return;
      }
      case 'restore': {
        const networks: unknown = fieldOf(message, 'networks');
        const known = Array.isArray(networks) ? networks.filter((one) => typeof one === 'string') : [];
        this.answered({ callIds: fieldOf(message, 'callIds'), networks: known });
        return;
      }
      case 'yours':
        this.handed(handle instanceof NetServer ? handle : undefined);
        return;
      default:
    }
  }

  private takeConnection(message: unknown, handle: unknown): void {
    const snapshot = readConnectionSnapshot(fieldOf(message, 'connection'));
    // Gone meanwhile: the process before would find that out, too.
    if (!(handle instanceof NetSocket)) return;
    handle.on('error', () => undefined);
    holdSocket(handle);
    if (snapshot === undefined) this.taken.lost += 1;
    else this.taken.connections.push({ socket: handle satisfies Socket, snapshot });
  }
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;

const tell = (message: FromSuccessor): void => {
  // The channel may close at any moment, and then nobody wants to know.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
};

/** Undefined: this process takes over from nobody. Sets the gateway's clock otherwise. */
export const successorOf = async (env: NodeJS.ProcessEnv): Promise<Successor | undefined> => {
  const text = env[SUCCESSOR_VARIABLE];
  delete env[SUCCESSOR_VARIABLE];
  if (text === undefined || process.send === undefined) return undefined;
  // One that cannot be read is of another version: a gateway of its own beside it would take its tunnels down.
  const bequest = readBequest(text);
  const hello = await new Promise<SuccessorHello | undefined>((resolve) => {
    const late = setTimeout(() => resolve(undefined), PATIENCE_MS);
    process.once('message', (message: unknown) => {
      clearTimeout(late);
      resolve(readHelloToSuccessor(message));
    });
    tell({ kind: 'hello', state: STATE_VERSION, version: '' });
  });
  if (bequest === undefined || hello === undefined || hello.state !== STATE_VERSION) {
    tell({
      kind: 'failed',
      code: 'UPGRADE_REFUSED',
      message: 'The two versions hand tunnels over in different forms.',
    });
    process.exit(1);
  }
  continueClock(hello.clock);
  return new Successor(hello, bequest);
};

const readBequest = (text: string): Bequest | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    const tun = deviceOf(fieldOf(value, 'tun'));
    const gre = deviceOf(fieldOf(value, 'gre'));
    const lifeLine: unknown = fieldOf(value, 'lifeLine');
    const line = typeof lifeLine === 'number' ? { lifeLine } : {};
    const workers: unknown = fieldOf(value, 'workers');
    if (Array.isArray(workers) && workers.every(isWorkerHeritage)) return { workers, ...line };
    return tun === undefined || gre === undefined ? undefined : { tun, gre, ...line };
  } catch {
    return undefined;
  }
};

const deviceOf = (value: unknown): InheritedDevice | undefined => {
  const fd: unknown = fieldOf(value, 'fd');
  const about: unknown = fieldOf(value, 'about');
  return typeof fd === 'number' && Number.isInteger(fd) && fd > 2 && typeof about === 'string'
    ? { fd, about }
    : undefined;
};
