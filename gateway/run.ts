import type { LoadedConfig } from '../config/load.ts';
import type { GatewayConfig } from '../config/types.ts';
import type { Log } from '../core/ports/log.ts';
import { flushLines } from '../observability/line-buffer.ts';
import { logBridge } from '../observability/log-bridge.ts';
import { LogLevels } from '../observability/log-levels.ts';
import { createLog } from '../observability/logger.ts';
import { createUserNames } from '../observability/user-names.ts';
import { adminAccess } from './admin/admin-url.ts';
import type { Gateway } from './bootstrap.ts';
import { callableAddresses, startCard } from './card.ts';
import { composeGateway, type Logging } from './compose.ts';
import type { SiteTunnel } from './dial/site-tunnel.ts';
import { type FirstStart, prepareStart } from './first-start.ts';
import { followLevel } from './follow-level.ts';
import { openLife } from './life/open-life.ts';
import { giveToPrograms } from './privileges/capabilities.ts';
import { type End, untilToldToStop } from './until-told.ts';
import { originOfProcess } from './upgrade/origin.ts';
import { Succession } from './upgrade/succession.ts';
import type { Successor } from './upgrade/successor.ts';
import { openUserFile } from './user-file.ts';
import { recoverAbandoned } from './workers/abandoned.ts';

/** Runs the gateway in the foreground until SIGTERM, SIGINT or the death of a device; resolves with the exit code. */
export async function runGateway(loaded: LoadedConfig, version: string, successor?: Successor): Promise<number> {
  // Before anything is taken out of the environment.
  const origin = originOfProcess();
  const { config } = loaded;
  const userNames = createUserNames(config.telemetry.userNames, config.telemetry.hashKey);
  const levels = new LogLevels(config.log.level);
  const bridge = logBridge();
  const log = createLog({ ...config.log, level: levels, userNames, copy: bridge });
  followLevel(levels, log);
  for (const warning of loaded.warnings) log.warn('config.warning', warning);
  giveToPrograms();

  // From here on nothing is made on the host that a signal could leave behind.
  const { life, service, close } = openLife(loaded, log, process.env);
  const line = new Succession({ origin, version, log, successor, life, service });
  try {
    line.check(config);
    const code = await runLife({ log, levels, userNames, bridge, life, service }, config, version, line);
    if (!line.isOver) return code;
  } finally {
    close();
  }
  return line.afterwards();
}

async function runLife(logging: Logging, config: GatewayConfig, version: string, line: Succession): Promise<number> {
  const { log, life } = logging;
  const end = untilToldToStop(log, { life });
  const { source, file } = config.users;
  const first = await prepareStart(config.stateDir, file, source === 'file' ? openUserFile(file) : undefined);
  const greet = (addresses: readonly string[]): void => {
    first.keep();
    if (!line.takesOver) welcome(config, addresses, first);
  };
  try {
    if (!line.takesOver) await recoverAbandoned(config, log);
    if (config.workers > 1) {
      const { runSupervisor } = await import('./workers/run-supervisor.ts');
      return await runSupervisor({ config, version, logging, end, greet, line });
    }
    const serve = (gateway: Gateway, tunnel: SiteTunnel | undefined): Promise<number> =>
      serveGateway(gateway, tunnel, { config, version, logging, end, greet, line });
    const heritage = line.heritage(config, (device, cause) => end.fail(device, cause));
    return await composeGateway(config, version, logging, serve, undefined, heritage);
  } finally {
    await first.undo();
  }
}

interface ServeOrder {
  readonly config: GatewayConfig;
  readonly version: string;
  readonly logging: Logging;
  readonly end: End;
  /** Tells the operator that the gateway is up; `addresses` are those that clients call. */
  greet(addresses: readonly string[]): void;
  readonly line: Succession;
}

async function serveGateway(
  gateway: Gateway,
  tunnel: SiteTunnel | undefined,
  { config, version, logging: { log, life }, end, greet, line }: ServeOrder,
): Promise<number> {
  // Before the TUN device adds its own address to the host's.
  const addresses = callableAddresses(config.listen.address);
  const started = line.takesOver ? Promise.resolve() : gateway.start((device, cause) => end.fail(device, cause));
  // A start that fails has taken everything back.
  const told = await Promise.race([started, end.promise]);
  try {
    if (told === undefined) {
      announce(gateway, log, version);
      greet(addresses);
      life.started();
      tunnel?.start();
    }
    return await Promise.race([end.promise, line.gone]);
  } finally {
    await line.settle();
    // Everything is another process' otherwise.
    if (!line.isOver) {
      life.end();
      await tunnel?.stop();
      await gateway.stop();
      // Told to stop while it started: how that ended nobody wants to know.
      await started.catch(() => undefined);
      log.info('gateway.stopped', 'the gateway has stopped');
    }
  }
}

export const openUsers = openUserFile;

function announce(gateway: Gateway, log: Log, version: string): void {
  log.info('gateway.ready', 'the gateway accepts calls', {
    version,
    node: process.versions.node,
    tun: gateway.tunName(),
    stages: gateway.stages.map(({ name, slot }) => `${slot} ${name}`),
  });
}

function welcome(config: GatewayConfig, addresses: readonly string[], { user, users }: FirstStart): void {
  if (config.log.format !== 'json') {
    const card = startCard({
      addresses,
      port: config.listen.port,
      firstUser: user,
      users,
      usersFile: config.users.source === 'file' ? config.users.file : undefined,
      pool: config.pool.range.text,
      encryption: `MPPE ${config.mppe.strengths.join('/')}-bit, ${config.mppe.policy}`,
      admin: adminAccess(config.admin, config.stateDir),
    });
    flushLines();
    process.stdout.write(`${card}\n`);
  } else if (user !== undefined) {
    process.stderr.write(`pptp-gateway: first start: user "${user.name}", password ${user.password}\n`);
  }
}
