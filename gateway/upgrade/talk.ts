import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayConfig } from '../../config/types.ts';
import { GatewayError } from '../../core/errors.ts';
import { sentenceOf } from '../plugins/plugin-error.ts';
import { readClock } from '../system-clock.ts';
import { type FromSuccessor, readFromSuccessor, type ToSuccessor } from './messages.ts';
import type { HandedMessage, HandedOver } from './mover.ts';
import { STATE_VERSION } from './state-version.ts';

/** A new process reads its configuration and plug-ins, and opens nothing. */
const START_MS = 60_000;
/** More time for each tunnel. */
const HAND_OVER_TUNNEL_MS = 1;
/** A process that was killed. */
const GONE_MS = 1_000;

/** The talk with one process that may become the successor. */
export class Talk {
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
  async handOver(handed: HandedOver, check: () => void): Promise<void> {
    const { tunnels, listener } = handed;
    const patience = this.handOverMs + HAND_OVER_TUNNEL_MS * tunnels;
    const answer = this.next('restored');
    answer.catch(() => undefined);
    for (const one of handed.messages()) this.hand(one);
    const rest = await this.within(patience, handed.release(), 'the plug-ins of this process did not let go');
    for (const one of rest) this.hand(one);
    const restored = await this.within(patience, answer, 'it did not take the tunnels over');
    if (restored.kind === 'restored' && restored.failed.length > 0) {
      throw failedBecause(
        `it could not go on with ${restored.failed.length} tunnels (${restored.failed.slice(0, 5).join(', ')})`,
      );
    }
    check();
    handed.check();
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

  private hand({ message, socket, of }: HandedMessage): void {
    try {
      this.tell(message, socket);
    } catch (cause) {
      throw failedBecause(`what ${of ?? 'the gateway'} hands over is no plain data (${sentenceOf(cause)})`);
    }
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

export const refused = (message: string): GatewayError => new GatewayError('UPGRADE_REFUSED', message);
export const failedBecause = (why: string): GatewayError =>
  new GatewayError(
    'UPGRADE_FAILED',
    `The new process did not take over, and this one goes on: ${why.replace(/\.$/, '')}.`,
  );

const killNow = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
};
