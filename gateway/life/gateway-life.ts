import type { LoadedConfig } from '../../config/load.ts';
import type { GatewayConfig } from '../../config/types.ts';
import { GatewayError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import type { WallClock } from '../../core/ports/wall-clock.ts';
import type { Instant } from '../../core/time.ts';
import type { DrainRequest, LifePhase, LifeView, ReloadReport } from '../admin/api/life.ts';
import type { Life } from './life.ts';
import { type LifeEffect, type LifeInput, LifeMachine, type LifeMachineOptions } from './life-machine.ts';

/** What lives: a gateway of one process, or a supervisor with its workers. */
export interface LifeBody {
  /** Calls that are up or being set up. */
  sessions(): number;
  /** Surely none. */
  isEmpty(): boolean;
  /** It does what it is there for. */
  isWell(): boolean;
  /** `listener` is told whenever a call has ended. */
  onFewer(listener: () => void): void;
  refuseCalls(): void;
  acceptCalls(): void;
  /** Tells every tunnel to end, in turns; resolves when each has been told. Does not reject. */
  endTunnels(reason: 'shutdown' | 'administrative', detail: string): Promise<void>;
  /**
   * Rejects with what is wrong with this configuration here, and then nothing has changed; else the result brings into
   * force what can be while it runs, and does not reject.
   */
  prepare(config: GatewayConfig, by: string): Promise<() => void | Promise<void>>;
}

/** A configuration that was read anew, and what came of it. */
export interface Reread {
  /** What will be in force: keys that need a restart have their old values. */
  readonly loaded: LoadedConfig;
  readonly report: ReloadReport;
}

/** Reads the configuration again; `enforce` brings it into force, or rejects. Rejects with ConfigError, and then nothing has changed. */
export type Reload = (
  before: LoadedConfig,
  by: string,
  enforce: (loaded: LoadedConfig) => Promise<void>,
) => Promise<Reread>;

export interface LifeDeps {
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly log: Log;
  readonly reload: Reload;
  readonly machine?: LifeMachineOptions;
}

const MILLISECONDS = 1000;
/** Who stops without having been told to. */
const NOBODY = 'the gateway';

const NO_BODY: LifeBody = {
  sessions: () => 0,
  isEmpty: () => true,
  isWell: () => true,
  onFewer: () => undefined,
  refuseCalls: () => undefined,
  acceptCalls: () => undefined,
  endTunnels: () => Promise.resolve(),
  prepare: () => Promise.resolve(() => undefined),
};

/** The life of this gateway. It begins before the gateway is made; `attach` gives it what it lives in. */
export class GatewayLife implements Life {
  /** Resolves when everything may be taken down. */
  readonly over: Promise<void>;
  private readonly deps: LifeDeps;
  private readonly machine: LifeMachine;
  private readonly listeners = new Set<(view: LifeView) => void>();
  private readonly startedListeners: (() => void)[] = [];
  private body: LifeBody = NO_BODY;
  private loaded: LoadedConfig;
  private since: number;
  private lastPhase: LifePhase = 'starting';
  private cancelTimer: () => void = () => undefined;
  private finish: () => void = () => undefined;
  /** The reading that runs, and the one that is to follow it. */
  private reloading: Promise<unknown> | undefined;
  private nextReload: Promise<ReloadReport> | undefined;

  constructor(deps: LifeDeps, loaded: LoadedConfig) {
    this.deps = deps;
    this.loaded = loaded;
    this.machine = new LifeMachine(deps.machine);
    this.since = deps.wallClock.now();
    this.over = new Promise((resolve) => {
      this.finish = resolve;
    });
  }

  /** Before the gateway starts. */
  attach(body: LifeBody): void {
    this.body = body;
    body.onFewer(() => this.checkEmpty());
    if (this.machine.phase === 'draining') body.refuseCalls();
  }

  /** Calls may come from now on. */
  started(): void {
    this.handle({ kind: 'started' });
    for (const listener of this.startedListeners.splice(0)) listener();
  }

  /** `listener` is told once, when calls may come. */
  onStarted(listener: () => void): void {
    this.startedListeners.push(listener);
  }

  /** False: it takes calls, and there is nobody who could serve them. A watchdog may end it then. */
  isWell(): boolean {
    return this.machine.phase !== 'ready' || this.body.isWell();
  }

  /** The gateway cannot go on, or has been told to end at once. */
  end(by: string = NOBODY): void {
    this.handle({ kind: 'end', by });
  }

  view(): LifeView {
    const { phase, deadline, thenStop, by } = this.machine;
    return {
      phase,
      since: new Date(this.since).toISOString(),
      sessions: this.body.sessions(),
      deadline: deadline === undefined ? null : this.atWall(deadline),
      thenStop,
      by: by ?? null,
    };
  }

  onChange(listener: (view: LifeView) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** As `drain`; `final`: `resume` has no say in it. */
  drain(order: DrainRequest, by: string, final = false): LifeView {
    const ms = (order.seconds ?? this.loaded.config.drain.timeout) * MILLISECONDS;
    this.handle({ kind: 'drain', ms, stop: order.stop ?? false, final, by });
    this.checkEmpty();
    return this.view();
  }

  resume(by: string): LifeView | undefined {
    this.handle({ kind: 'resume', by });
    const view = this.view();
    return view.phase === 'draining' || view.phase === 'stopping' ? undefined : view;
  }

  /**
   * One at a time. All who ask while one runs have the one that follows, so that any number of signals is two readings
   * at most. Rejects with NOT_READY while the gateway starts or stops.
   */
  reload(by: string): Promise<ReloadReport> {
    if (this.nextReload !== undefined) return this.nextReload;
    if (this.reloading === undefined) return this.beginReload(by);
    this.nextReload = this.reloading.then(() => {
      this.nextReload = undefined;
      return this.beginReload(by);
    });
    return this.nextReload;
  }

  config(): LoadedConfig {
    return this.loaded;
  }

  /** As the body's. */
  prepare(config: GatewayConfig, by: string): Promise<() => void | Promise<void>> {
    return this.body.prepare(config, by);
  }

  /** Another process has read it, and checked it with this one. */
  adopt(config: GatewayConfig): void {
    this.loaded = { ...this.loaded, config };
  }

  private beginReload(by: string): Promise<ReloadReport> {
    const turn = this.reloadNow(by);
    const settled = (): void => {
      this.reloading = undefined;
    };
    this.reloading = turn.then(settled, settled);
    return turn;
  }

  private async reloadNow(by: string): Promise<ReloadReport> {
    const { phase } = this.machine;
    if (phase === 'starting' || phase === 'stopping') {
      const when = phase === 'starting' ? 'ask again when it takes calls' : 'start it again to give it another one';
      throw new GatewayError('NOT_READY', `The gateway is ${phase} and reads no configuration now: ${when}.`);
    }
    const { report } = await this.deps.reload(this.loaded, by, async (loaded) => {
      const commit = await this.body.prepare(loaded.config, by);
      await commit();
      this.loaded = loaded;
    });
    return report;
  }

  private checkEmpty(): void {
    if (this.machine.phase === 'draining' && this.body.isEmpty()) this.handle({ kind: 'empty' });
  }

  private handle(input: LifeInput): void {
    this.execute(this.machine.handle(input, this.deps.clock.now()));
  }

  private execute(effects: readonly LifeEffect[]): void {
    this.arm();
    for (const effect of effects) this.perform(effect);
  }

  private perform({ kind }: LifeEffect): void {
    switch (kind) {
      case 'changed':
        this.tell();
        return;
      case 'refuse':
        this.body.refuseCalls();
        return;
      case 'accept':
        this.body.acceptCalls();
        return;
      case 'farewell':
        void this.farewell();
        return;
      case 'stop':
        this.finish();
        return;
      default:
        kind satisfies never;
    }
  }

  private async farewell(): Promise<void> {
    const { thenStop } = this.machine;
    const sessions = this.body.sessions();
    if (sessions > 0) {
      this.deps.log.info('gateway.drain-deadline', 'the time of the drain is over; what is left is ended', {
        sessions,
      });
    }
    const detail = thenStop ? 'the gateway stops' : 'the gateway is drained';
    await this.body.endTunnels(thenStop ? 'shutdown' : 'administrative', detail);
    this.handle({ kind: 'told' });
    this.checkEmpty();
  }

  private tell(): void {
    const { phase } = this.machine;
    if (phase !== this.lastPhase) this.since = this.deps.wallClock.now();
    const view = this.view();
    this.note(view);
    this.lastPhase = phase;
    for (const listener of this.listeners) listener(view);
  }

  private note({ phase, sessions, deadline, thenStop, by }: LifeView): void {
    const { log } = this.deps;
    if (phase === 'draining') {
      const then = thenStop ? ', and the gateway stops' : '';
      const text = `no new calls are taken; tunnels may go on until ${deadline ?? 'they end'}${then}`;
      log.info('gateway.draining', text, { by, sessions, deadline, thenStop });
    } else if (phase === 'stopping') {
      log.info('gateway.stopping', 'calls are cleared and the gateway stops', { by, sessions });
    } else if (this.lastPhase === 'draining') {
      log.info('gateway.resumed', 'the gateway takes calls again', { by, sessions });
    }
  }

  private atWall(at: Instant): string {
    const { clock, wallClock } = this.deps;
    return new Date(wallClock.now() + (at - clock.now())).toISOString();
  }

  private arm(): void {
    this.cancelTimer();
    this.cancelTimer = () => undefined;
    const at = this.machine.nextTimeout();
    if (at === undefined) return;
    const { clock } = this.deps;
    this.cancelTimer = clock.schedule(at, () => this.execute(this.machine.handleTimeout(clock.now())));
  }
}
