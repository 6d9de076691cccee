import type { GatewayConfig } from '../../config/types.ts';
import { lookRoute } from '../admin/routes/look.ts';
import type { WorkerPart } from '../compose.ts';
import { DIALLED_SERVER } from './dialled-server.ts';
import type { Shard } from './shard.ts';
import { shareAddresses } from './share-addresses.ts';
import { shareSessions } from './share-sessions.ts';
import type { SharedPool } from './shared-pool.ts';
import type { SupervisorPort } from './supervisor-port.ts';
import { besidesRoute } from './view/besides-route.ts';
import { METRICS } from './view/metrics-ask.ts';

/**
 * What makes a gateway a worker of the supervisor at the other end of `port`. `config` is that of the whole gateway;
 * `restarts` is how often a worker of this index was started before; `pool` is told which pool it has.
 */
export const workerPart = (
  config: GatewayConfig,
  shard: Shard,
  port: SupervisorPort,
  restarts: number,
  pool: (pool: SharedPool) => void,
): WorkerPart => ({
  config,
  shard,
  source: port.connections,
  routes: [besidesRoute, lookRoute],
  // A supervisor that does not answer ends this process soon.
  dials: (server) => port.request(DIALLED_SERVER, server).catch(() => undefined),
  shareAddresses: (options, log) => shareAddresses(options, port, log, pool),
  shareSessions: (options, log) => shareSessions(options, port, shard, restarts > 0, log),
  shareMetrics: (snapshot) => port.answer(METRICS, snapshot),
});
