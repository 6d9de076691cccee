import type { GatewayConfig } from '../config/types.ts';
import type { Log } from '../core/ports/log.ts';
import { Journal } from '../observability/journal/journal.ts';
import { JournalLog } from '../observability/journal/journal-log.ts';
import { JournalTelemetry } from '../observability/journal/journal-telemetry.ts';
import type { LogBridge } from '../observability/log-bridge.ts';
import type { LogLevels } from '../observability/log-levels.ts';
import { startTelemetrySdk } from '../observability/sdk.ts';
import { OpenTelemetryTelemetry } from '../observability/telemetry.ts';
import type { UserNames } from '../observability/user-names.ts';
import type { ConnectionSource } from '../plugins/control-pptp/index.ts';
import { journalNumbers } from './admin/journal-numbers.ts';
import { traceRoute } from './admin/routes/trace.ts';
import { withAdmin } from './admin/with-admin.ts';
import { createGateway, type Gateway } from './bootstrap.ts';
import { builtinPlugins } from './builtin-plugins.ts';
import { findDefaultInterface } from './default-route.ts';
import { Site } from './dial/site.ts';
import type { SiteTunnel } from './dial/site-tunnel.ts';
import { gatewayOptions } from './options.ts';
import { packetTraces } from './packet-traces.ts';
import { loadPlugins } from './plugin-loader.ts';
import { systemClock, systemRandom } from './system-clock.ts';
import { metricsEndpoints, withMetrics } from './with-metrics.ts';
import type { SupervisorLink } from './workers/ask.ts';
import { DIALLED_SERVER } from './workers/dialled-server.ts';
import type { Shard } from './workers/shard.ts';

export interface Logging {
  readonly log: Log;
  readonly levels: LogLevels;
  readonly userNames: UserNames;
  readonly bridge: LogBridge | undefined;
}

/** What a gateway has that is one worker of several. */
export interface WorkerPart {
  readonly shard: Shard;
  readonly supervisor: SupervisorLink;
  /** Hands over the connections that the supervisor has accepted. */
  readonly source: ConnectionSource;
}

/**
 * Does `serve` with a gateway that is complete and not started, with its telemetry, metrics and admin socket there meanwhile.
 * The second argument keeps the tunnel to another site, where there is one.
 */
export async function composeGateway(
  config: GatewayConfig,
  version: string,
  { log, levels, userNames, bridge }: Logging,
  serve: (gateway: Gateway, tunnel: SiteTunnel | undefined) => Promise<number>,
  worker?: WorkerPart,
): Promise<number> {
  // Rules about two connections between two sites live in one process.
  const dials = worker === undefined || worker.shard.index === 0;
  const site = new Site(
    dials ? config : { ...config, dial: { ...config.dial, server: undefined } },
    // Connections from there are for this worker, too. A supervisor that does not answer ends it soon.
    (server) => worker?.supervisor.request(DIALLED_SERVER, server).catch(() => undefined) ?? Promise.resolve(),
  );
  // The operator's plug-ins first: their back-ends are asked before the built-in user file.
  const plugins = [
    ...(await loadPlugins(config.plugins, config.pluginOptions)),
    ...builtinPlugins(config, findDefaultInterface, site.collisions, worker),
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
    const gateway = createGateway(
      platform,
      { ...gatewayOptions(config, worker?.shard), shareGre: site.shareGre },
      plugins,
    );
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
    return await withMetrics(metrics, () => withAdmin(admin, [traceRoute(packets)], () => serve(gateway, tunnel)));
  } finally {
    await sdk?.shutdown();
  }
}
