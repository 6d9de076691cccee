import { type ChildProcess, fork } from 'node:child_process';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayConfig } from '../../config/types.ts';
import type { GatewayError } from '../../core/errors.ts';
import type { Log } from '../../core/ports/log.ts';
import type { UpgradeOrder, UpgradeReport } from '../admin/api/upgrade.ts';
import { readClock } from '../system-clock.ts';
import { keepWatch, passSignals } from './keeper.ts';
import type { LifeLine } from './life-line.ts';
import { type FromSuccessor, readFromSuccessor, type ToSuccessor } from './messages.ts';
import type { Bequeathed, HandedOver, Mover } from './mover.ts';
import type { Origin } from './origin.ts';
import { STATE_VERSION } from './state-version.ts';
import { type Bequest, SUCCESSOR_VARIABLE } from './successor.ts';
import { failedBecause, refused } from './upgrade-errors.ts';

export interface UpgradeDeps {
  readonly origin: Origin;
  readonly version: string;
  readonly log: Log;
  readonly mover: Mover;
  /** Most that the hand-over may take, whatever the number of tunnels. */
  readonly handOverMs?: number;
  /** In force now. */
  readonly config: () => GatewayConfig;
  /** Why not now; undefined: the gateway is up and takes calls. */
  readonly notNow: () => string | undefined;
  /** This gateway is to end. */
  readonly isToStop: () => boolean;
  readonly lifeLine: LifeLine | undefined;
  /** Tells the service manager which process is the gateway from now on. False: there is none. */
  readonly tellManager: (pid: number) => boolean;
}

/** A new process reads its configuration and plug-ins, and opens nothing. */
const START_MS = 60_000;
/** From the moment on when nothing is read any more: a process that hangs must not cost anybody a tunnel. */
const HAND_OVER_MS = 5_000;
const HAND_OVER_TUNNEL_MS = 1;
/** For the answer to who has asked. */
const ANSWER_MS = 2_000;
/** A process that was killed. */
const GONE_MS = 1_000;
const STOPS = 'The gateway is told to stop.';

/** The process that serves, while it looks for a successor. One upgrade at a time. */
export class Upgrade {
  /** Resolves when this process serves no more, and everything but its tunnels may be taken down. */
  readonly gone: Promise<number>;
  private readonly deps: UpgradeDeps;
  private running: Promise<unknown> | undefined;
  private talk: Talk | undefined;
  private leave: (code: number) => void = () => undefined;
  private child: ChildProcess | undefined;
  private keepsWatch = true;
  /** In the list of descriptors of the child. */
  private lifeLineAt = 0;
  private over = false;

  constructor(deps: UpgradeDeps) {
    this.deps = deps;
    this.gone = new Promise((resolve) => {
      this.leave = resolve;
    });
  }

  /**
   * Rejects with UPGRADE_REFUSED or UPGRADE_FAILED; then this process goes on, and no tunnel has noticed. `answered` resolves
   * when who has asked has the answer.
   */
  async run({ allowDrop = false }: UpgradeOrder, by: string, answered?: Promise<unknown>): Promise<UpgradeReport> {
    if (this.running !== undefined) throw refused('An upgrade is under way already: wait for its end.');
    const running = this.try(allowDrop, by);
    this.running = running.catch(() => undefined);
    try {
      const report = await running;
      void Promise.race([answered, sleep(ANSWER_MS)]).then(() => this.leave(0));
      return report;
    } finally {
      if (!this.isOver) this.running = undefined;
    }
  }

  /** The gateway is about to be taken down: resolves when no other process can take it over any more, or one has. */
  async cancel(): Promise<void> {
    this.talk?.cancel(STOPS);
    await this.running;
  }

  get isOver(): boolean {
    return this.over;
  }

  /** After everything else was taken down: what becomes of this process. Resolves with its exit code. */
  async afterwards(): Promise<number> {
    const { child } = this;
    if (child?.pid === undefined) return 0;
    const streams: readonly unknown[] = child.stdio;
    const lifeLine = streams[this.lifeLineAt];
    if (child.connected) child.disconnect();
    child.unref();
    if (!this.keepsWatch || !(lifeLine instanceof Readable)) return 0;
    return keepWatch(child.pid, lifeLine, this.deps.log);
  }

  private async try(allowDrop: boolean, by: string): Promise<UpgradeReport> {
    const { mover, log, notNow } = this.deps;
    const obstacles = [...(notNow() === undefined ? [] : [notNow() ?? '']), ...(await mover.obstacles())];
    if (obstacles.length > 0) {
      throw refused(
        `${obstacles.join(' ')} Without handing over, "restart" ends every tunnel; its clients call again.`,
      );
    }
    await mover.settle(allowDrop);
    let talk: Talk | undefined;
    let handed: HandedOver;
    let since: number;
    try {
      const bequeathed = await mover.bequeath();
      log.info('upgrade.begins', 'a new process is started, to take over', { by });
      talk = this.begin(bequeathed);
      this.talk = talk;
      await talk.ready;
      // Tunnels may have begun anew while it started.
      await mover.settle(allowDrop);
      this.checkNow();
      since = performance.now();
      handed = await mover.take();
      await talk.handOver(handed, () => this.checkNow());
    } catch (cause) {
      await talk?.end();
      if (await mover.goOn()) {
        log.warn('upgrade.failed', 'the new process did not take over; this one goes on, and no tunnel was lost');
      }
      throw cause;
    }
    const { tunnels, setups } = handed;
    const stillMs = Math.round(performance.now() - since);
    const { pid } = talk;
    this.child = talk.child;
    this.over = true;
    mover.leave();
    passSignals(() => pid);
    if (this.deps.isToStop()) talk.child.kill('SIGTERM');
    this.keepsWatch = this.deps.lifeLine === undefined && !this.deps.tellManager(pid);
    this.deps.lifeLine?.passOn();
    log.info('upgrade.done', 'another process serves now', { pid, tunnels, setups, stillMs });
    await mover.abandon().catch((error: unknown) => log.warn('upgrade.remains', 'not all was closed', { error }));
    return { pid, tunnels, setups, stillMs };
  }

  /** The gateway may have been told to drain or to stop meanwhile. */
  private checkNow(): void {
    const why = this.deps.notNow();
    if (why !== undefined) throw refused(why);
  }

  private begin(bequeathed: Bequeathed): Talk {
    const { origin, lifeLine, version, config } = this.deps;
    const { fds } = bequeathed;
    this.lifeLineAt = FIRST_AT + fds.length;
    const bequest: Bequest = {
      ...bequeathed.bequest(FIRST_AT),
      ...(lifeLine !== undefined || !this.managed ? { lifeLine: this.lifeLineAt } : {}),
    };
    try {
      const child = fork(origin.script, [...origin.args], {
        cwd: origin.cwd,
        execArgv: [...origin.execArgv],
        env: environmentOf(origin, bequest),
        serialization: 'advanced',
        stdio: [
          // It is to know whether there is a terminal.
          'inherit',
          'inherit',
          'inherit',
          'ipc',
          ...fds,
          lifeLine?.fd ?? (this.managed ? 'ignore' : 'pipe'),
        ],
      });
      return new Talk(child, version, config(), this.deps.handOverMs ?? HAND_OVER_MS);
    } finally {
      bequeathed.forked();
    }
  }

  private get managed(): boolean {
    return this.deps.origin.env['NOTIFY_SOCKET'] !== undefined;
  }
}

/** As this process was started; the watchdog of the service manager is to look at the new one. */
const environmentOf = ({ env }: Origin, bequest: Bequest): NodeJS.ProcessEnv => {
  const { WATCHDOG_PID: _old, ...rest } = env;
  return { ...rest, [SUCCESSOR_VARIABLE]: JSON.stringify(bequest) };
};

/** Place of the first in the list of descriptors that a child inherits. */
const FIRST_AT = 4;

/** The talk with one process that may become the successor. */
class Talk {
  readonly child: ChildProcess;
  /** Resolves when it has everything but the tunnels. */
  readonly ready: Promise<void>;
  private readonly waiting = new Map<FromSuccessor['kind'], (message: FromSuccessor) => void>();
  private readonly said: string[] = [];
  /** Processes that it has started. */
  private workers: readonly number[] = [];
  private failed: (error: GatewayError) => void = () => undefined;
  private handedOver = false;
  private readonly failure: Promise<never>;

  private readonly handOverMs: number;

  constructor(child: ChildProcess, version: string, config: GatewayConfig, handOverMs: number) {
    this.child = child;
    this.handOverMs = handOverMs;
    this.failure = new Promise((_resolve, reject) => {
      this.failed = reject;
    });
    this.failure.catch(() => undefined);
    child.on('message', (value: unknown) => this.heard(value));
    child.on('error', (error) => this.failed(failedBecause(`it could not be started or told: ${error.message}`)));
    child.on('exit', (code, signal) => {
      const words = this.said.length === 0 ? '' : `: ${this.said.join(' ')}`;
      this.failed(failedBecause(`it ended with ${signal ?? `code ${code ?? 0}`} before it took over${words}`));
    });
    const hello = this.next('hello').then((message) => {
      if (message.kind !== 'hello') return;
      if (message.state !== STATE_VERSION) {
        throw refused(
          `The new version hands tunnels over in another form (${message.state}; this one: ${STATE_VERSION}).`,
        );
      }
      this.tell({ kind: 'hello', state: STATE_VERSION, version, pid: process.pid, clock: readClock(), config });
    });
    this.ready = this.within(
      START_MS,
      hello.then(() => this.next('ready')),
      'it was not ready',
    ).then(() => undefined);
    this.ready.catch(() => undefined);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Resolves when it serves. `check` throws what speaks against it at the last moment, too. */
  async handOver({ tunnels, listener, messages, check: stillThere }: HandedOver, check: () => void): Promise<void> {
    const patience = this.handOverMs + HAND_OVER_TUNNEL_MS * tunnels;
    const answer = this.next('restored');
    for (const { message, socket } of messages()) this.tell(message, socket);
    const restored = await this.within(patience, answer, 'it did not take the tunnels over');
    if (restored.kind === 'restored' && restored.failed.length > 0) {
      throw failedBecause(
        `it could not go on with ${restored.failed.length} tunnels (${restored.failed.slice(0, 5).join(', ')})`,
      );
    }
    check();
    stillThere();
    this.handedOver = true;
    const serves = this.next('serves');
    serves.catch(() => undefined);
    await new Promise<void>((resolve, reject) => {
      const sent = (error: Error | null): void => (error === null ? resolve() : reject(failedBecause(error.message)));
      const message: ToSuccessor = { kind: 'yours' };
      if (listener === undefined) this.child.send(message, sent);
      else this.child.send(message, listener, undefined, sent);
    });
    await this.within(patience, serves, 'it did not begin to serve');
  }

  /** Nobody wants it any more; too late once it has everything. */
  cancel(why: string): void {
    if (!this.handedOver) this.failed(refused(why));
  }

  /** Resolves when it is gone. */
  async end(): Promise<void> {
    const { child } = this;
    // Before it: nobody would know of them afterwards.
    for (const pid of this.workers) killNow(pid);
    const isGone = child.exitCode !== null || child.signalCode !== null;
    const gone = isGone ? undefined : new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await Promise.race([gone, sleep(GONE_MS)]);
  }

  private tell(message: ToSuccessor, socket?: Socket): void {
    const failed = (error: Error | null): void => {
      if (error !== null) this.failed(failedBecause(`it could not be told: ${error.message}`));
    };
    if (socket === undefined) this.child.send(message, failed);
    else this.child.send(message, socket, { keepOpen: true }, failed);
  }

  private heard(value: unknown): void {
    const message = readFromSuccessor(value);
    if (message === undefined) return;
    if (message.kind === 'said') {
      if (this.said.length < 10) this.said.push(message.line);
      return;
    }
    if (message.kind === 'workers') {
      this.workers = message.pids;
      return;
    }
    if (message.kind === 'failed') {
      this.failed(failedBecause(`${message.code}: ${message.message}`));
      return;
    }
    this.waiting.get(message.kind)?.(message);
  }

  private next(kind: FromSuccessor['kind']): Promise<FromSuccessor> {
    const heard = new Promise<FromSuccessor>((resolve) => {
      this.waiting.set(kind, resolve);
    });
    return Promise.race([heard, this.failure]);
  }

  private async within<T>(milliseconds: number, work: Promise<T>, what: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const error = failedBecause(`${what} within ${milliseconds / 1000} s`);
      timer = setTimeout(() => reject(error), milliseconds);
    });
    try {
      return await Promise.race([work, late, this.failure]);
    } finally {
      clearTimeout(timer);
    }
  }
}

const killNow = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
};
