import { rm } from 'node:fs/promises';
import type { GatewayConfig } from '../../config/types.ts';
import { workerFolder, workerSocket } from '../../config/workers.ts';
import type { Log } from '../../core/ports/log.ts';
import { type HostSystem, recoverHostNetworks } from '../../plugins/host-network-linux/index.ts';
import { shards } from './shard.ts';
import { leaveWorkerFolder } from './worker-config.ts';

/** Takes back what workers left on the host that died and were not started again before the gateway ended. */
export const recoverFallen = async (config: GatewayConfig, log: Log, host?: HostSystem): Promise<void> => {
  const { stateDir, workers, network } = config;
  const folders = shards(workers).map(({ index }) => workerFolder(stateDir, index));
  if (network.manage) await recoverHostNetworks(folders, { log, ...(host === undefined ? {} : { host }) });
  for (const { index } of shards(workers)) await rm(workerSocket(stateDir, index), { force: true });
  for (const folder of folders) await leaveWorkerFolder(folder);
};
