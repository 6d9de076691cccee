import type { GatewayConfig } from '../config/types.ts';
import type { Ipv4 } from '../core/bytes/ipv4-address.ts';
import type { Log } from '../core/ports/log.ts';
import { Journal } from '../observability/journal/journal.ts';
import { JournalLog } from '../observability/journal/journal-log.ts';
import { JournalTelemetry } from '../observability/journal/journal-telemetry.ts';
import type { LogBridge } from '../observability/log-bridge.ts';
import type { LogLevels } from '../observability/log-levels.ts';
import type { MetricsSnapshot } from '../observability/metrics/snapshot.ts';
import { startTelemetrySdk } from '../observability/sdk.ts';
import { OpenTelemetryTelemetry } from '../observability/telemetry.ts';
import type { UserNames } from '../observability/user-names.ts';
import type { ConnectionSource } from '../plugins/control-pptp/index.ts';
import { LIFE_PHASES } from './admin/api/life.ts';
import { AuditFile, silentAudit } from './admin/audit-file.ts';
import { journalNumbers } from './admin/journal-numbers.ts';
import type { AdminRoute } from './admin/route.ts';
import { furtherRoutes } from './admin/routes/further.ts';
import type { Upgradable } from './admin/routes/upgrade.ts';
import { withAdmin } from './admin/with-admin.ts';
import { createGateway, type Gateway, type GatewayOptions } from './bootstrap.ts';
import { builtinPlugins, type Inheritance } from './builtin-plugins.ts';
import { findDefaultInterface } from './default-route.ts';
import { Site } from './dial/site.ts';
import type { SiteTunnel } from './dial/site-tunnel.ts';
import { gatewayBody, liveOptions } from './life/gateway-body.ts';
import type { GatewayLife } from './life/gateway-life.ts';
import { LiveValue } from './life/live-value.ts';
import type { ServiceManager } from './life/service-manager.ts';
import { gatewayOptions } from './options.ts';
import { packetTraces } from './packet-traces.ts';
import { loadPlugins } from './plugin-loader.ts';
import { systemClock, systemRandom } from './system-clock.ts';
import type { Around } from './upgrade/go-on.ts';
import { metricsEndpoints, withMetrics } from './with-metrics.ts';
import type { Shard } from './workers/shard.ts';

export interface Logging {
  readonly log: Log;
  readonly levels: LogLevels;
  readonly userNames: UserNames;
  readonly bridge: LogBridge | undefined;
  readonly life: GatewayLife;
  /** Who started this process. */
  readonly service: ServiceManager;
}

/** What a gateway has that is one worker of several; a gateway of one process loads nothing of it. */
export interface WorkerPart {
  /** Of the whole gateway. */
  readonly config: GatewayConfig;
  readonly shard: Shard;
  /** Hands over the connections that the supervisor has accepted. */
  readonly source: ConnectionSource;
  /** For the supervisor, on the admin socket. */
  readonly routes: readonly AdminRoute[];
  /** Tells where this gateway is about to dial: connections from there are for this worker, too. Never rejects. */
  dials(server: Ipv4): Promise<void>;
  /** Lets the gateway lend and borrow addresses; `attach` is to be called with it before it starts. */
  shareAddresses(
    options: GatewayOptions,
    log: Log,
  ): { readonly options: GatewayOptions; attach(gateway: Gateway): void };
  /** Lets the gateway see and change the sessions of all workers, and its plug-ins talk with those of the others. */
  shareSessions(options: GatewayOptions, log: Log): GatewayOptions;
  /** Gives the supervisor what it asks for its metrics page. */
  shareMetrics(snapshot: () => MetricsSnapshot): void;
}

/** Of a gateway that may be upgraded. */
export interface Heritage {
  /** Undefined: this process takes over from nobody. */
  readonly inheritance: Inheritance | undefined;
  /** Who hands this gateway over when somebody asks for it. */
  upgradable(gateway: Gateway): Upgradable;
  /** Runs before metrics and the admin API are served: their places are another process' until then. */
  before(gateway: Gateway): Promise<void>;
  /** Does the work with what the service offers; of a process that has taken over, also where that cannot be had. */
  around<T>(service: Around, work: () => Promise<T>): Promise<T>;
}

/**
 * Does `serve` with a gateway that is complete and not started, with its telemetry, metrics and admin socket there meanwhile.
 * The second argument keeps the tunnel to another site, where there is one.
 */
export async function composeGateway(
  config: GatewayConfig,
  version: string,
  { log, levels, userNames, bridge, life }: Logging,
  serve: (gateway: Gateway, tunnel: SiteTunnel | undefined) => Promise<number>,
  worker?: WorkerPart,
  heritage?: Heritage,
): Promise<number> {
  // Rules about two connections between two sites live in one process.
  const dials = worker === undefined || worker.shard.index === 0;
  const site = new Site(dials ? config : { ...config, dial: { ...config.dial, server: undefined } }, worker?.dials);
  // The operator's plug-ins first: their back-ends are asked before the built-in user file.
  const plugins = [
    ...(await loadPlugins(config.plugins, config.pluginOptions)),
    ...builtinPlugins(config, findDefaultInterface, site.collisions, worker, undefined, heritage?.inheritance),
  ];
  // Before the SDK: what the gateway does itself is taken out of the environment that the SDK reads.
  const endpoints = metricsEndpoints(worker?.config ?? config, process.env);
  const sdk = await startTelemetrySdk({ version, log, bridge, worker: worker && String(worker.shard.index) });
  const telemetry = new OpenTelemetryTelemetry({ log, userNames, now: systemClock.now });
  try {
    const journal = new Journal(systemClock.now, worker && `control-${worker.shard.index}`);
    const platform = {
      clock: systemClock,
      random: systemRandom,
      log: new JournalLog(log, journal),
      telemetry: new JournalTelemetry(telemetry, journal),
    };
    // A worker has a folder of its own, but plug-ins share that of the whole gateway.
    const single = { ...gatewayOptions(config, worker?.shard), stateDir: (worker?.config ?? config).stateDir };
    const own = worker?.shareSessions(single, log) ?? single;
    const shared = worker?.shareAddresses(own, log);
    const live = new LiveValue(liveOptions(config, worker?.shard));
    const takesOver = heritage?.inheritance !== undefined;
    const options = { ...(shared?.options ?? own), shareGre: site.shareGre, live, takesOver };
    const gateway = createGateway(platform, options, plugins);
    shared?.attach(gateway);
    life.attach(gatewayBody(gateway, { live, levels, shard: worker?.shard }));
    gateway.onTunnelEnd(({ view }) => journal.numbers(view.session.id, journalNumbers(view)));
    const collected = sdk?.traces === true;
    const tracePackets = packetTraces(config.packetTraces, collected, platform);
    // Of several workers the supervisor adds the rule of the configuration, and says when it is in vain.
    const packets =
      worker === undefined ? tracePackets(gateway) : packetTraces(withoutRule(config), collected, platform)(gateway);
    const admin = {
      version,
      // What is told of the configuration is that of the whole gateway.
      config: { ...(worker?.config ?? config), admin: config.admin },
      gateway,
      life,
      clock: systemClock,
      log,
      levels,
      journal,
      counts: telemetry,
      audit: worker === undefined ? new AuditFile({ folder: config.stateDir, log }) : silentAudit,
    };
    const routes = [...furtherRoutes(packets, heritage?.upgradable(gateway)), ...(worker?.routes ?? [])];
    const tunnel = site.tunnel(platform, gateway.callIds, tracePackets);
    const metrics = {
      version,
      log,
      telemetry,
      numbers: gateway.numbers,
      life: worker === undefined ? () => ({ phases: LIFE_PHASES, phase: life.view().phase }) : undefined,
      // The page is the supervisor's, which asks for what is on it.
      endpoints: worker === undefined ? endpoints : [],
      share: endpoints.length === 0 ? undefined : worker?.shareMetrics,
      otel: sdk?.metrics === true,
    };
    await heritage?.before(gateway);
    const around = heritage?.around ?? ((service, work) => service(work));
    return await around(
      (work) => withMetrics(metrics, work),
      () =>
        around(
          (work) => withAdmin(admin, routes, work),
          () => serve(gateway, tunnel),
        ),
    );
  } finally {
    await sdk?.shutdown();
  }
}

const withoutRule = ({ packetTraces: traces }: GatewayConfig): GatewayConfig['packetTraces'] => ({
  ...traces,
  ratio: 0,
});
