import { mkdir, rmdir } from 'node:fs/promises';
import type { GatewayConfig } from '../../config/types.ts';
import { workerFolder, workerSocket } from '../../config/workers.ts';
import { GatewayError } from '../../core/errors.ts';
import { type Shard, shareOf } from './shard.ts';

/** A worker's part of the configuration of the whole gateway. */
export const workerConfig = (config: GatewayConfig, shard: Shard): GatewayConfig => {
  const stateDir = workerFolder(config.stateDir, shard.index);
  return {
    ...config,
    stateDir,
    calls: { ...config.calls, max: shareOf(shard, config.calls.max) },
    // Only the supervisor asks there; the operator's socket is the supervisor's.
    admin: { ...config.admin, port: 0, socket: workerSocket(config.stateDir, shard.index) },
    metrics: { ...config.metrics, port: 0 },
    packetTraces: {
      ...config.packetTraces,
      perSecond: Math.max(1, shareOf(shard, config.packetTraces.perSecond)),
    },
  };
};

/** Rejects with STATE_DIR. */
export const makeWorkerFolder = async (path: string): Promise<void> => {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError(
      'STATE_DIR',
      `the folder ${path} of a worker cannot be made (${why}): set PPTP_STATE_DIR to a folder that the gateway may write to.`,
      { cause },
    );
  }
};

/** Removes it, unless something must be remembered there until the next start. */
export const leaveWorkerFolder = async (path: string): Promise<void> => {
  await rmdir(path).catch(() => undefined);
};
