import type { GatewayConfig } from '../../config/types.ts';
import { GatewayError } from '../../core/errors.ts';
import { silentLog } from '../../core/ports/log.ts';
import { systemClock, systemWallClock } from '../system-clock.ts';
import { GatewayLife } from './gateway-life.ts';

/** Of one worker: what it is told about its life comes from the supervisor, which says so in the log. */
export const workerLife = (config: GatewayConfig): GatewayLife =>
  new GatewayLife(
    {
      clock: systemClock,
      wallClock: systemWallClock,
      log: silentLog,
      reload: () => Promise.reject(new GatewayError('NOT_READY', 'The supervisor reads the configuration.')),
    },
    {
      config,
      sources: { env: {}, set: [], named: {} },
      values: new Map(),
      origins: new Map(),
      warnings: [],
      pluginInputs: { env: {}, unknown: [], groups: [], assignments: [] },
      pluginSettings: [],
    },
  );
