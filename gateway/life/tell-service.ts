import type { Clock } from '../../core/ports/clock.ts';
import { after } from '../../core/time.ts';
import type { LifeView } from '../admin/api/life.ts';
import type { GatewayLife } from './gateway-life.ts';
import { NO_SERVICE_MANAGER, type ServiceManager } from './service-manager.ts';

export interface TellServiceDeps {
  readonly service: ServiceManager;
  readonly clock: Clock;
  readonly life: Pick<GatewayLife, 'view' | 'onChange' | 'onStarted' | 'isWell'>;
}

/** How often the status line is looked at. */
const STATUS_MS = 10_000;
/** While the gateway ends, the service manager is asked for this much time, this often. */
const EXTENSION_MS = 60_000;
const EXTEND_EACH_MS = 5_000;
const MICROSECONDS = 1000;
/** Of the time after which a watchdog bites: one that is missed does no harm. */
const FEEDINGS = 3;

const tunnels = (count: number): string => (count === 1 ? '1 tunnel' : `${count} tunnels`);

/** One line, as `systemctl status` shows it. */
export const statusLine = ({ phase, sessions, deadline, thenStop }: LifeView): string => {
  switch (phase) {
    case 'starting':
      return 'starting';
    case 'ready':
      return `takes calls; ${tunnels(sessions)}`;
    case 'draining': {
      const then = thenStop ? ', then the gateway stops' : '';
      return `takes no calls; ${tunnels(sessions)} left, until ${deadline ?? 'they end'} at the latest${then}`;
    }
    case 'stopping':
      return 'stopping';
    default:
      return phase satisfies never;
  }
};

/** Tells the service manager how the gateway is, from now on. */
export class TellService {
  private readonly deps: TellServiceDeps;
  private readonly cancels = new Map<string, () => void>();
  private told = '';
  private isReady = false;

  constructor(deps: TellServiceDeps) {
    this.deps = deps;
    if (deps.service === NO_SERVICE_MANAGER) return;
    deps.life.onChange((view) => this.changed(view));
    deps.life.onStarted(() => this.started());
    this.every('status', STATUS_MS, () => this.status());
    this.status();
  }

  /** A configuration is read, and has been. */
  reloading(): void {
    this.deps.service.tell({ RELOADING: 1, MONOTONIC_USEC: process.hrtime.bigint() / 1000n });
  }

  reloaded(): void {
    if (this.isReady) this.deps.service.tell({ READY: 1, STATUS: statusLine(this.deps.life.view()) });
  }

  /** Nothing is told any more. */
  stop(): void {
    for (const cancel of this.cancels.values()) cancel();
    this.cancels.clear();
  }

  private started(): void {
    const { service } = this.deps;
    this.isReady = true;
    service.tell({ READY: 1 });
    // Not before: the first WATCHDOG sets the watchdog on a start, which has a time of its own (TimeoutStartSec).
    if (service.watchdogMs === undefined) return;
    this.feed();
    this.every('watchdog', service.watchdogMs / FEEDINGS, () => this.feed());
  }

  private changed(view: LifeView): void {
    const { service } = this.deps;
    if (view.phase === 'stopping') service.tell({ STOPPING: 1 });
    this.status();
    const ending = view.phase === 'stopping' || (view.phase === 'draining' && view.thenStop);
    if (!ending) this.forget('extend');
    else if (!this.cancels.has('extend')) {
      this.extend();
      this.every('extend', EXTEND_EACH_MS, () => this.extend());
    }
  }

  private extend(): void {
    this.deps.service.tell({ EXTEND_TIMEOUT_USEC: EXTENSION_MS * MICROSECONDS });
  }

  private feed(): void {
    if (this.deps.life.isWell()) this.deps.service.tell({ WATCHDOG: 1 });
  }

  private status(): void {
    const line = statusLine(this.deps.life.view());
    if (line === this.told) return;
    this.told = line;
    this.deps.service.tell({ STATUS: line });
  }

  private every(name: string, ms: number, task: () => void): void {
    const { clock } = this.deps;
    const again = (): void => {
      this.cancels.set(
        name,
        clock.schedule(after(clock.now(), ms), () => {
          again();
          task();
        }),
      );
    };
    again();
  }

  private forget(name: string): void {
    this.cancels.get(name)?.();
    this.cancels.delete(name);
  }
}
