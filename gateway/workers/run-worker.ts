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
import { continueClock, systemClock } from '../system-clock.ts';
import { WorkerAfter } from '../upgrade/crew-worker-after.ts';
import { WorkerBefore } from '../upgrade/crew-worker-before.ts';
import { answerLifeOrders } from './life-orders.ts';
import type { WorkerStart } from './messages.ts';
import { answerReloadOrders } from './reload-orders.ts';
import type { SharedPool } from './shared-pool.ts';
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
  const { shard, version, restarts, inherits } = start;
  // Before anybody asks for the time.
  if (inherits !== undefined) continueClock(inherits.clock);
  const config = workerConfig(start.config, shard);
  const logging = openLog(start);
  const { log } = logging;
  giveToPrograms();
  let pool: SharedPool | undefined;
  const part = workerPart(start.config, shard, port, restarts, (made) => {
    pool = made;
  });
  const death = deathOf(port);
  const after =
    inherits && new WorkerAfter({ port, heritage: inherits, pool: () => pool, log, giveUp: () => process.exit() });
  await makeWorkerFolder(config.stateDir);
  let gone = false;
  const serve = async (gateway: Gateway, tunnel: SiteTunnel | undefined): Promise<number> => {
    answerLifeOrders(port, gateway);
    answerReloadOrders(port, logging.life, shard);
    const before = new WorkerBefore({ port, gateway, pool, log });
    try {
      if (after === undefined) await gateway.start(death.died);
      return await serveCalls(gateway, tunnel, { port, life: logging.life, death, before });
    } finally {
      gone = gateway.moving.gone;
    }
  };
  try {
    return await composeGateway(config, version, logging, serve, part, after?.heritage(death.died));
  } finally {
    // It is another process' by now.
    if (!gone) await leaveWorkerFolder(config.stateDir);
  }
}

interface Death {
  /** Resolves with the exit code when a device has failed for good. */
  readonly promise: Promise<number>;
  readonly died: (device: string, cause: unknown) => void;
}

const deathOf = (port: SupervisorPort): Death => {
  let broken: (code: number) => void = () => undefined;
  const promise = new Promise<number>((resolve) => {
    broken = resolve;
  });
  const died = (device: string, cause: unknown): void => {
    const message = cause instanceof Error ? cause.message : String(cause);
    port.send({ kind: 'broken', device, message });
    broken(EXIT.failed);
  };
  return { promise, died };
};

function openLog({ config, shard }: WorkerStart): Logging {
  const userNames = createUserNames(config.telemetry.userNames, config.telemetry.hashKey);
  const levels = new LogLevels(config.log.level);
  const bridge = logBridge();
  const log = createLog({ ...config.log, level: levels, userNames, copy: bridge }).child({ worker: shard.index });
  followLevel(levels, log);
  return { log, levels, userNames, bridge, life: workerLife(config), service: NO_SERVICE_MANAGER };
}

interface ServedParts {
  readonly port: SupervisorPort;
  readonly life: GatewayLife;
  readonly death: Death;
  readonly before: WorkerBefore;
}

/** With a gateway that has started. */
async function serveCalls(
  gateway: Gateway,
  tunnel: SiteTunnel | undefined,
  { port, life, death, before }: ServedParts,
): Promise<number> {
  const ending = port.told.then((why) => {
    before.ends(why);
    return EXIT.done;
  });
  try {
    const stages = gateway.stages.map(({ name, slot }) => `${slot} ${name}`);
    port.send({ kind: 'ready', tun: gateway.tunName(), stages });
    life.started();
    tunnel?.start();
    return await Promise.race([death.promise, ending]);
  } finally {
    // Everything is another process' otherwise.
    if (gateway.moving.gone) await gateway.moving.abandon().catch(() => undefined);
    else {
      life.end('supervisor');
      await tunnel?.stop();
      await gateway.stop();
    }
  }
}
