import type { LoadedConfig } from '../../config/load.ts';
import type { Log } from '../../core/ports/log.ts';
import { systemClock, systemWallClock } from '../system-clock.ts';
import { GatewayLife } from './gateway-life.ts';
import { reloader } from './reload.ts';
import { type ServiceManager, serviceManagerOf } from './service-manager.ts';
import { TellService } from './tell-service.ts';

export interface OpenLife {
  readonly life: GatewayLife;
  readonly service: ServiceManager;
  /** The last of it: nothing is told any more, and no signal is heard. */
  close(): void;
}

/**
 * The life of this process: reads its configuration again on SIGHUP, and tells the service manager how it is. On a
 * terminal SIGHUP says that the terminal is gone, and the gateway ends.
 */
export const openLife = (loaded: LoadedConfig, log: Log, env: Record<string, string | undefined>): OpenLife => {
  const service = serviceManagerOf(env, log);
  const reload = reloader(log);
  const life: GatewayLife = new GatewayLife(
    {
      clock: systemClock,
      wallClock: systemWallClock,
      log,
      reload: async (before, by, enforce) => {
        told.reloading();
        try {
          return await reload(before, by, enforce);
        } finally {
          told.reloaded();
        }
      },
    },
    loaded,
  );
  const told = new TellService({ service, clock: systemClock, life });
  const onHangUp = (): void => {
    if (process.stdin.isTTY) life.drain({ stop: true }, 'SIGHUP', true);
    // What is wrong with it is in the log.
    else life.reload('SIGHUP').catch((cause: unknown) => log.debug('config.not-reloaded', String(cause)));
  };
  process.on('SIGHUP', onHangUp);
  return {
    life,
    service,
    close: () => {
      process.off('SIGHUP', onHangUp);
      told.stop();
    },
  };
};
