import type { LoadedConfig } from '../config/load.ts';
import type { GatewayConfig } from '../config/types.ts';
import type { Log } from '../core/ports/log.ts';
import { Journal } from '../observability/journal/journal.ts';
import { JournalLog } from '../observability/journal/journal-log.ts';
import { JournalTelemetry } from '../observability/journal/journal-telemetry.ts';
import { type LogBridge, logBridge } from '../observability/log-bridge.ts';
import { LogLevels } from '../observability/log-levels.ts';
import { createLog } from '../observability/logger.ts';
import { startTelemetrySdk } from '../observability/sdk.ts';
import { OpenTelemetryTelemetry } from '../observability/telemetry.ts';
import { createUserNames, type UserNames } from '../observability/user-names.ts';
import { journalNumbers } from './admin/journal-numbers.ts';
import { traceRoute } from './admin/routes/trace.ts';
import { withAdmin } from './admin/with-admin.ts';
import { createGateway, type Gateway } from './bootstrap.ts';
import { builtinPlugins } from './builtin-plugins.ts';
import { callableAddresses, startCard } from './card.ts';
import { findDefaultInterface } from './default-route.ts';
import { Site } from './dial/site.ts';
import type { SiteTunnel } from './dial/site-tunnel.ts';
import { type FirstStart, prepareStart } from './first-start.ts';
import { followLevel } from './follow-level.ts';
import { gatewayOptions } from './options.ts';
import { packetTraces } from './packet-traces.ts';
import { loadPlugins } from './plugin-loader.ts';
import { systemClock, systemRandom } from './system-clock.ts';
import { type End, untilToldToStop } from './until-told.ts';
import { openUserFile } from './user-file.ts';
import { metricsEndpoints, withMetrics } from './with-metrics.ts';

/** Runs the gateway in the foreground until SIGTERM, SIGINT or the death of a device; resolves with the exit code. */
export async function runGateway(loaded: LoadedConfig, version: string): Promise<number> {
  const { config } = loaded;
  const userNames = createUserNames(config.telemetry.userNames, config.telemetry.hashKey);
  const levels = new LogLevels(config.log.level);
  const bridge = logBridge();
  const log = createLog({ ...config.log, level: levels, userNames, copy: bridge });
  followLevel(levels, log);
  for (const warning of loaded.warnings) log.warn('config.warning', warning);

  // From here on nothing is made on the host that a signal could leave behind.
  const end = untilToldToStop(log);
  const first = await prepareStart(config.stateDir, config.users.file, openUserFile(config.users.file));
  try {
    return await runUntilTold(config, version, { log, levels, userNames, bridge }, first, end);
  } finally {
    await first.undo();
  }
}

interface Logging {
  readonly log: Log;
  readonly levels: LogLevels;
  readonly userNames: UserNames;
  readonly bridge: LogBridge | undefined;
}

async function runUntilTold(
  config: GatewayConfig,
  version: string,
  { log, levels, userNames, bridge }: Logging,
  first: FirstStart,
  end: End,
): Promise<number> {
  const site = new Site(config);
  // The operator's plug-ins first: their back-ends are asked before the built-in user file.
  const plugins = [
    ...(await loadPlugins(config.plugins, config.pluginOptions)),
    ...builtinPlugins(config, findDefaultInterface, site.collisions),
  ];
  // Before the SDK: what the gateway does itself is taken out of the environment that the SDK reads.
  const endpoints = metricsEndpoints(config, process.env);
  const sdk = await startTelemetrySdk({ version, log, bridge });
  const telemetry = new OpenTelemetryTelemetry({ log, userNames, now: systemClock.now });
  try {
    const journal = new Journal(systemClock.now);
    const platform = {
      clock: systemClock,
      random: systemRandom,
      log: new JournalLog(log, journal),
      telemetry: new JournalTelemetry(telemetry, journal),
    };
    const gateway = createGateway(platform, { ...gatewayOptions(config), shareGre: site.shareGre }, plugins);
    gateway.onTunnelEnd(({ view }) => journal.numbers(view.session.id, journalNumbers(view)));
    const tracePackets = packetTraces(config.packetTraces, sdk?.traces === true, platform);
    const packets = tracePackets(gateway);
    const admin = { version, config, gateway, clock: systemClock, log, levels, journal };
    const tunnel = site.tunnel(platform, gateway.callIds, tracePackets);
    const metrics = {
      version,
      log,
      telemetry,
      numbers: gateway.numbers,
      endpoints,
      otel: sdk?.metrics === true,
    };
    return await withMetrics(metrics, () =>
      withAdmin(admin, [traceRoute(packets)], () => serve(gateway, tunnel, config, version, log, first, end)),
    );
  } finally {
    await sdk?.shutdown();
  }
}

async function serve(
  gateway: Gateway,
  tunnel: SiteTunnel | undefined,
  config: GatewayConfig,
  version: string,
  log: Log,
  first: FirstStart,
  end: End,
): Promise<number> {
  // Before the TUN device adds its own address to the host's.
  const addresses = callableAddresses(config.listen.address);
  await gateway.start((device, cause) => end.fail(device, cause));
  try {
    first.keep();
    announce(gateway, log, version);
    welcome(config, addresses, first);
    tunnel?.start();
    return await end.promise;
  } finally {
    await tunnel?.stop();
    await gateway.stop();
    log.info('gateway.stopped', 'the gateway has stopped');
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
      usersFile: config.users.file,
      pool: config.pool.range.text,
      encryption: `MPPE ${config.mppe.strengths.join('/')}-bit, ${config.mppe.policy}`,
    });
    process.stdout.write(`${card}\n`);
  } else if (user !== undefined) {
    process.stderr.write(`pptp-gateway: first start: user "${user.name}", password ${user.password}\n`);
  }
}
