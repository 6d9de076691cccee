import { GatewayError } from '../../core/errors.ts';
import { logBridge } from '../../observability/log-bridge.ts';
import { LogLevels } from '../../observability/log-levels.ts';
import { createLog } from '../../observability/logger.ts';
import { createUserNames } from '../../observability/user-names.ts';
import type { Gateway } from '../bootstrap.ts';
import { EXIT } from '../cli.ts';
import { composeGateway, type Logging } from '../compose.ts';
import type { SiteTunnel } from '../dial/site-tunnel.ts';
import { followLevel } from '../follow-level.ts';
import type { GatewayLife } from '../life/gateway-life.ts';
import { NO_SERVICE_MANAGER } from '../life/service-manager.ts';
import { workerLife } from '../life/worker-life.ts';
import { giveToPrograms } from '../privileges/capabilities.ts';
import { systemClock } from '../system-clock.ts';
import { answerLifeOrders } from './life-orders.ts';
import type { WorkerStart } from './messages.ts';
import { answerReloadOrders } from './reload-orders.ts';
import { type Channel, SupervisorPort } from './supervisor-port.ts';
import { leaveWorkerFolder, makeWorkerFolder, workerConfig } from './worker-config.ts';
import { workerPart } from './worker-part.ts';

/**
 * One worker from its first message to its end: a gateway that takes connections from its supervisor. Resolves with the
 * exit code; how it failed, it has told the supervisor by then.
 */
export async function runWorker(channel: Channel): Promise<number> {
  const port = new SupervisorPort(channel, systemClock);
  const start = await Promise.race([port.start, port.told]);
  // The supervisor died or was stopped before it said what to do.
  if (typeof start === 'string') return EXIT.done;
  try {
    return await work(start, port);
  } catch (cause) {
    const known = cause instanceof GatewayError;
    const message = cause instanceof Error ? ((known ? undefined : cause.stack) ?? cause.message) : String(cause);
    port.send({ kind: 'failed', code: known ? cause.code : 'INTERNAL', message });
    return EXIT.failed;
  }
}

async function work(start: WorkerStart, port: SupervisorPort): Promise<number> {
  const { shard, version, restarts } = start;
  const config = workerConfig(start.config, shard);
  const logging = openLog(start);
  giveToPrograms();
  await makeWorkerFolder(config.stateDir);
  const serve = async (gateway: Gateway, tunnel: SiteTunnel | undefined): Promise<number> => {
    answerLifeOrders(port, gateway);
    answerReloadOrders(port, logging.life, shard);
    return serveCalls(gateway, tunnel, port, logging.life);
  };
  try {
    return await composeGateway(config, version, logging, serve, workerPart(start.config, shard, port, restarts));
  } finally {
    await leaveWorkerFolder(config.stateDir);
  }
}

function openLog({ config, shard }: WorkerStart): Logging {
  const userNames = createUserNames(config.telemetry.userNames, config.telemetry.hashKey);
  const levels = new LogLevels(config.log.level);
  const bridge = logBridge();
  const log = createLog({ ...config.log, level: levels, userNames, copy: bridge }).child({ worker: shard.index });
  followLevel(levels, log);
  return { log, levels, userNames, bridge, life: workerLife(config), service: NO_SERVICE_MANAGER };
}

async function serveCalls(
  gateway: Gateway,
  tunnel: SiteTunnel | undefined,
  port: SupervisorPort,
  life: GatewayLife,
): Promise<number> {
  let broken: (code: number) => void = () => undefined;
  const death = new Promise<number>((resolve) => {
    broken = resolve;
  });
  await gateway.start((device, cause) => {
    const message = cause instanceof Error ? cause.message : String(cause);
    port.send({ kind: 'broken', device, message });
    broken(EXIT.failed);
  });
  try {
    const stages = gateway.stages.map(({ name, slot }) => `${slot} ${name}`);
    port.send({ kind: 'ready', tun: gateway.tunName(), stages });
    life.started();
    tunnel?.start();
    return await Promise.race([death, port.told.then(() => EXIT.done)]);
  } finally {
    life.end('supervisor');
    await tunnel?.stop();
    await gateway.stop();
  }
}
