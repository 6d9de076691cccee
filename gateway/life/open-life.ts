import { isatty } from 'node:tty';
import type { LoadedConfig } from '../../config/load.ts';
import { GatewayError } from '../../core/errors.ts';
import type { Log } from '../../core/ports/log.ts';
import { systemClock, systemWallClock } from '../system-clock.ts';
import { GatewayLife } from './gateway-life.ts';
import { lostTerminal } from './lost-terminal.ts';
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
export const openLife = (
  loaded: LoadedConfig,
  log: Log,
  env: Record<string, string | undefined>,
  onTerminal = isatty(0),
): OpenLife => {
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
  const notRead = (cause: unknown): void => {
    // What is wrong with it is in the log.
    if (!(cause instanceof GatewayError && cause.code === 'NOT_READY')) return;
    log.warn('config.not-reloaded', cause.message, { by: 'SIGHUP' });
  };
  const giveUpTerminal = lostTerminal();
  let hungUp = false;
  let waits: NodeJS.Immediate | undefined;
  const onHangUp = (): void => {
    if (onTerminal) {
      hungUp = true;
      life.drain({ stop: true }, 'SIGHUP', true);
      return;
    }
    // However many signals come at once: one reading. Node would do nothing but read otherwise, one after the other.
    waits ??= setImmediate(() => {
      waits = undefined;
      life.reload('SIGHUP').catch(notRead);
    });
  };
  process.on('SIGHUP', onHangUp);
  return {
    life,
    service,
    close: () => {
      process.off('SIGHUP', onHangUp);
      clearImmediate(waits);
      told.stop();
      if (hungUp) giveUpTerminal();
    },
  };
};
