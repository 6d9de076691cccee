import { type ChildProcess, fork } from 'node:child_process';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayConfig } from '../../config/types.ts';
import type { Log } from '../../core/ports/log.ts';
import type { UpgradeOrder, UpgradeReport } from '../admin/api/upgrade.ts';
import type { Gateway } from '../bootstrap.ts';
import { keepWatch, passSignals } from './keeper.ts';
import type { LifeLine } from './life-line.ts';
import type { Moving } from './moving.ts';
import type { Origin } from './origin.ts';
import { type Bequest, SUCCESSOR_VARIABLE } from './successor.ts';
import { refused, Talk } from './talk.ts';

/** What of a gateway is moved. */
export interface UpgradedGateway extends Pick<Gateway, 'sessions' | 'tunnels' | 'directory'> {
  readonly moving: Pick<
    Moving,
    | 'gone'
    | 'obstacles'
    | 'descriptors'
    | 'stragglers'
    | 'upCount'
    | 'rest'
    | 'freeze'
    | 'take'
    | 'release'
    | 'takeBack'
    | 'thaw'
    | 'abandon'
  >;
}

export interface UpgradeDeps {
  readonly origin: Origin;
  readonly version: string;
  readonly log: Log;
  readonly gateway: UpgradedGateway;
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
/** Tunnels that negotiate just now are given so long to come to rest. */
const REST_MS = 2_000;
const REST_STEP_MS = 100;
/** What plug-ins have under way with others. */
const PARTS_REST_MS = 1_000;
/** For the answer to who has asked. */
const ANSWER_MS = 2_000;
/** Tunnels that are ended for the upgrade. */
const END_MS = 5_000;
/** For plug-ins to have again what they let go of; no packet passes meanwhile. */
const TAKE_BACK_MS = 1_000;
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
    return this.deps.gateway.moving.gone;
  }

  /** After everything else was taken down: what becomes of this process. Resolves with its exit code. */
  async afterwards(): Promise<number> {
    const { child } = this;
    if (child?.pid === undefined) return 0;
    const streams: readonly unknown[] = child.stdio;
    const lifeLine = streams[LIFE_LINE_AT];
    if (child.connected) child.disconnect();
    child.unref();
    if (!this.keepsWatch || !(lifeLine instanceof Readable)) return 0;
    return keepWatch(child.pid, lifeLine, this.deps.log);
  }

  private async try(allowDrop: boolean, by: string): Promise<UpgradeReport> {
    const { gateway, log, notNow } = this.deps;
    const obstacles = [...(notNow() === undefined ? [] : [notNow() ?? '']), ...gateway.moving.obstacles()];
    if (obstacles.length > 0) {
      throw refused(
        `${obstacles.join(' ')} Without handing over, "restart" ends every tunnel; its clients call again.`,
      );
    }
    await this.settle(allowDrop);
    const descriptors = gateway.moving.descriptors();
    if (descriptors === undefined) throw refused('The devices of the gateway are not open.');
    log.info('upgrade.begins', 'a new process is started, to take over', { by });
    const talk = this.begin(descriptors);
    this.talk = talk;
    try {
      await talk.ready;
      await Promise.race([gateway.moving.rest(), sleep(PARTS_REST_MS)]);
      // Tunnels may have begun anew meanwhile.
      await this.settle(allowDrop);
      this.checkNow();
    } catch (cause) {
      await talk.end();
      await this.takeBack();
      throw cause;
    }
    const since = performance.now();
    const setups = gateway.moving.stragglers().setups;
    gateway.moving.freeze();
    let restored: number;
    try {
      const moved = gateway.moving.take();
      const stuck = gateway.moving.upCount - moved.tunnels.length;
      if (stuck > 0)
        throw refused(`The control connections of ${stuck} tunnels cannot be moved: their peers do not read.`);
      restored = await talk.handOver(
        moved,
        () => gateway.moving.release(),
        () => this.checkNow(),
      );
    } catch (cause) {
      await talk.end();
      await this.takeBack();
      gateway.moving.thaw();
      log.warn('upgrade.failed', 'the new process did not take over; this one goes on, and no tunnel was lost');
      throw cause;
    }
    const stillMs = Math.round(performance.now() - since);
    const { pid } = talk;
    this.child = talk.child;
    gateway.moving.gone = true;
    passSignals(() => pid);
    if (this.deps.isToStop()) talk.child.kill('SIGTERM');
    this.keepsWatch = this.deps.lifeLine === undefined && !this.deps.tellManager(pid);
    this.deps.lifeLine?.passOn();
    log.info('upgrade.done', 'another process serves now', { pid, tunnels: restored, setups, stillMs });
    this.closed = gateway.moving
      .abandon()
      .catch((error: unknown) => log.warn('upgrade.remains', 'not all was closed', { error }));
    return { pid, tunnels: restored, setups, stillMs };
  }

  /** What takes longer goes on beside the tunnels. */
  private async takeBack(): Promise<void> {
    await Promise.race([this.deps.gateway.moving.takeBack(), sleep(TAKE_BACK_MS)]);
  }

  /** The gateway may have been told to drain or to stop meanwhile. */
  private checkNow(): void {
    const why = this.deps.notNow();
    if (why !== undefined) throw refused(why);
  }

  /** Waits for tunnels that negotiate just now. Those that cannot be moved are ended where that may be. */
  private async settle(allowDrop: boolean): Promise<void> {
    const { gateway, log } = this.deps;
    for (let waited = 0; waited < REST_MS && gateway.moving.stragglers().up.length > 0; waited += REST_STEP_MS) {
      await sleep(REST_STEP_MS);
    }
    const { up } = gateway.moving.stragglers();
    if (up.length === 0) return;
    const which = `${up.length} of ${gateway.sessions()} tunnels cannot be moved now: they negotiate, or end`;
    if (!allowDrop) throw refused(`${which}. Ask again, or end them with --allow-drop.`);
    log.warn('upgrade.drops', `${which}; they are ended`, { tunnels: up.length });
    const ids = gateway
      .tunnels()
      .filter(({ session }) => up.some(({ localCallId }) => localCallId === session.call.localCallId));
    const ending = { reason: 'administrative', detail: 'the gateway is upgraded' } as const;
    await Promise.race([
      Promise.all(ids.map(({ session }) => gateway.directory.disconnect(session.id, ending))),
      sleep(END_MS),
    ]);
    if (gateway.moving.stragglers().up.length > 0) throw refused(`${which}, and did not end in ${END_MS / 1000} s.`);
  }

  private begin({ tun, gre }: Pick<Bequest, 'tun' | 'gre'>): Talk {
    const { origin, lifeLine, version, config } = this.deps;
    const bequest: Bequest = {
      tun: { fd: TUN_AT, about: tun.about },
      gre: { fd: GRE_AT, about: gre.about },
      ...(lifeLine !== undefined || !this.managed ? { lifeLine: LIFE_LINE_AT } : {}),
    };
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
        tun.fd,
        gre.fd,
        lifeLine?.fd ?? (this.managed ? 'ignore' : 'pipe'),
      ],
    });
    return new Talk(child, version, config(), this.deps.handOverMs ?? HAND_OVER_MS);
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

/** Places in the list of descriptors that a child inherits. */
const TUN_AT = 4;
const GRE_AT = 5;
const LIFE_LINE_AT = 6;
