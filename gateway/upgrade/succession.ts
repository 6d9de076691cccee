import type { GatewayConfig } from '../../config/types.ts';
import type { Log } from '../../core/ports/log.ts';
import { cannotUpgrade } from '../admin/routes/upgrade.ts';
import type { Heritage } from '../compose.ts';
import type { Life } from '../life/life.ts';
import { NO_SERVICE_MANAGER, type ServiceManager } from '../life/service-manager.ts';
import { goOnWithout } from './go-on.ts';
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
    const { successor, log, life, service, origin, version } = this.deps;
    return {
      inheritance: successor?.inheritance,
      around: (service, work) => (successor === undefined ? service(work) : goOnWithout(service, work, log)),
      before: async (gateway) => {
        await successor?.takeOver(gateway, config, died, log);
      },
      upgradable: (gateway) => {
        if (config.dial.server !== undefined) {
          return cannotUpgrade('A gateway that dials another site cannot hand that tunnel over.');
        }
        const upgrade = new Upgrade({
          origin,
          version,
          log,
          gateway,
          config: () => life.config().config,
          notNow: () => {
            const { phase } = life.view();
            return phase === 'ready'
              ? undefined
              : `The gateway is ${phase}, and is upgraded only while it takes calls.`;
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
      },
    };
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
