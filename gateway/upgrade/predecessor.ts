import { type ChildProcess, fork } from 'node:child_process';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { GatewayConfig } from '../../config/types.ts';
import type { Log } from '../../core/ports/log.ts';
import type { UpgradeOrder, UpgradeReport } from '../admin/api/upgrade.ts';
import { keepWatch, passSignals } from './keeper.ts';
import type { LifeLine } from './life-line.ts';
import type { Bequeathed, HandedOver, Mover } from './mover.ts';
import type { Origin } from './origin.ts';
import { type Bequest, SUCCESSOR_VARIABLE } from './successor.ts';
import { refused, Talk } from './talk.ts';

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

/** From the moment on when nothing is read any more: a process that hangs must not cost anybody a tunnel. */
const HAND_OVER_MS = 5_000;
/** What plug-ins have under way with others. */
const PARTS_REST_MS = 1_000;
/** For the answer to who has asked. */
const ANSWER_MS = 2_000;
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
  private over = false;
  /** In the list of descriptors of the child. */
  private lifeLineAt = 0;
  /** When the new process was started. */
  private inForce: GatewayConfig | undefined;
  private closed: Promise<void> = Promise.resolve();

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
      void Promise.all([Promise.race([answered, sleep(ANSWER_MS)]), this.closed]).then(() => this.leave(0));
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
      await Promise.race([mover.rest(), sleep(PARTS_REST_MS)]);
      // Tunnels may have begun anew meanwhile.
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
    this.closed = mover
      .abandon()
      .catch((error: unknown) => log.warn('upgrade.remains', 'not all was closed', { error }));
    return { pid, tunnels, setups, stillMs };
  }

  /** The gateway may have been told to drain, to stop or to read its configuration meanwhile. */
  private checkNow(): void {
    const why = this.deps.notNow();
    if (why !== undefined) throw refused(why);
    // The new process may have read it before that.
    if (!isDeepStrictEqual(this.deps.config(), this.inForce)) {
      throw refused('The configuration was read again meanwhile: ask for the upgrade again.');
    }
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
      this.inForce = config();
      return new Talk(child, version, this.inForce, this.deps.handOverMs ?? HAND_OVER_MS);
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
