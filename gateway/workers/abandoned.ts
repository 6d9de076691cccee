import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { GatewayConfig } from '../../config/types.ts';
import { workerFolder } from '../../config/workers.ts';
import type { Log } from '../../core/ports/log.ts';
import { type HostSystem, recoverHostNetworks } from '../../plugins/host-network-linux/index.ts';
import { shards } from './shard.ts';

/**
 * Takes back what was left on the host under another number of workers: each recovers its own folder only, and those that
 * are no more, or were before there were workers, have nobody who does.
 */
export const recoverAbandoned = async (config: GatewayConfig, log: Log, host?: HostSystem): Promise<void> => {
  const { stateDir, workers, network } = config;
  if (!network.manage) return;
  const used = workers === 1 ? [stateDir] : shards(workers).map(({ index }) => workerFolder(stateDir, index));
  const names = await readdir(stateDir).catch((): string[] => []);
  const there = [stateDir, ...names.filter((name) => /^worker-\d+$/.test(name)).map((name) => join(stateDir, name))];
  const folders = there.filter((folder) => !used.includes(folder));
  await recoverHostNetworks(folders, { log, ...(host === undefined ? {} : { host }) });
};
