import type { GatewayConfig } from '../../config/types.ts';
import type { Log } from '../../core/ports/log.ts';
import { cannotUpgrade, type Upgradable } from '../admin/routes/upgrade.ts';
import type { Heritage } from '../compose.ts';
import type { Life } from '../life/life.ts';
import { NO_SERVICE_MANAGER, type ServiceManager } from '../life/service-manager.ts';
import { type Around, goOnWithout } from './go-on.ts';
import { GatewayMover, type Mover } from './mover.ts';
import type { Origin } from './origin.ts';
import { Upgrade } from './predecessor.ts';
import type { Successor } from './successor.ts';

export interface SuccessionDeps {
  readonly origin: Origin;
  readonly version: string;
  readonly log: Log;
  /** Undefined: this process takes over from nobody. */
  readonly successor: Successor | undefined;
  readonly life: Life;
  readonly service: ServiceManager;
}

/** A gateway of one process among those before and after it. */
export class Succession {
  /** Resolves when another process serves. */
  readonly gone: Promise<number>;
  private readonly deps: SuccessionDeps;
  private leave: (code: number) => void = () => undefined;
  private upgrade: Upgrade | undefined;

  constructor(deps: SuccessionDeps) {
    this.deps = deps;
    this.gone = new Promise((resolve) => {
      this.leave = resolve;
    });
  }

  get takesOver(): boolean {
    return this.deps.successor !== undefined;
  }

  /** Another process serves, and nothing here is to be taken down. */
  get isOver(): boolean {
    return this.upgrade?.isOver === true;
  }

  /** Of a process that takes over: ends it where the configuration wants other tunnels. */
  check(config: GatewayConfig): void {
    const { successor } = this.deps;
    try {
      successor?.check(config);
    } catch (cause) {
      successor?.fail(cause);
    }
  }

  heritage(config: GatewayConfig, died: (device: string, cause: unknown) => void): Heritage {
    const { successor, log } = this.deps;
    return {
      inheritance: successor?.inheritance,
      around: (service, work) => this.around(service, work),
      before: async (gateway) => {
        await successor?.takeOver(gateway, config, died, log);
      },
      upgradable: (gateway) => this.upgradable(config, new GatewayMover(gateway, log)),
    };
  }

  /** What makes a gateway of several processes one that goes on, and that others can go on with. */
  get successor(): Successor | undefined {
    return this.deps.successor;
  }

  /** Does the work with what the service offers; in a process that has taken over, also where that cannot be had. */
  around<T>(service: Around, work: () => Promise<T>): Promise<T> {
    return this.takesOver ? goOnWithout(service, work, this.deps.log) : service(work);
  }

  /** Who hands this gateway over when somebody asks for it. `complete` adds what is in force and was in no configuration. */
  upgradable(config: GatewayConfig, mover: Mover, complete = (one: GatewayConfig): GatewayConfig => one): Upgradable {
    const { origin, version, log, life, successor, service } = this.deps;
    if (config.dial.server !== undefined) {
      return cannotUpgrade('A gateway that dials another site cannot hand that tunnel over.');
    }
    const upgrade = new Upgrade({
      origin,
      version,
      log,
      mover,
      config: () => complete(life.config().config),
      notNow: () => {
        const { phase } = life.view();
        return phase === 'ready' ? undefined : `The gateway is ${phase}, and is upgraded only while it takes calls.`;
      },
      isToStop: () => life.view().thenStop,
      lifeLine: successor?.lifeLine,
      tellManager: (pid) => {
        service.tell({ MAINPID: pid });
        return service !== NO_SERVICE_MANAGER;
      },
    });
    void upgrade.gone.then(this.leave);
    this.upgrade = upgrade;
    return upgrade;
  }

  /** Before the gateway is taken down: an upgrade that is under way ends first, one way or the other. */
  async settle(): Promise<void> {
    await this.upgrade?.cancel();
  }

  /** What this process does when another one serves: it ends, or stays for who looks at it. */
  afterwards(): Promise<number> {
    return this.upgrade?.afterwards() ?? Promise.resolve(0);
  }
}
