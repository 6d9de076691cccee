import type { GatewayConfig } from '../../../config/types.ts';
import { workerSocket } from '../../../config/workers.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { LogLevels } from '../../../observability/log-levels.ts';
import type { EndpointOptions } from '../../../observability/metrics/endpoint.ts';
import type { OpenTelemetryTelemetry } from '../../../observability/telemetry.ts';
import { LIFE_PHASES } from '../../admin/api/life.ts';
import { AuditFile } from '../../admin/audit-file.ts';
import type { Upgradable } from '../../admin/routes/upgrade.ts';
import type { Life } from '../../life/life.ts';
import { withMetrics } from '../../with-metrics.ts';
import type { WorkerLinks } from '../ask.ts';
import { Crew } from './crew.ts';
import { MetricsView } from './metrics-view.ts';
import type { ViewDeps } from './view-route.ts';

export interface OneViewOptions {
  readonly config: GatewayConfig;
  readonly version: string;
  readonly log: Log;
  readonly levels: LogLevels;
  readonly life: Life;
  readonly telemetry: OpenTelemetryTelemetry;
  readonly clock: Clock;
  readonly links: WorkerLinks;
  /** Who hands this gateway over when somebody asks for it. */
  readonly upgrade: Upgradable;
  /** Where the metrics page is wanted. */
  readonly endpoints: readonly EndpointOptions[];
  /** What OpenTelemetry takes. */
  readonly otel: { readonly metrics: boolean; readonly traces: boolean };
}

/**
 * Does `work` while a supervisor answers for all of its workers: where the operator asks it, and on the metrics page.
 * Begin it before the first worker starts. Rejects with ADMIN_SOCKET, ADMIN_LISTEN, ADMIN_TOKEN or METRICS_ENDPOINT before `work` begins.
 */
export const withOneView = async <T>(options: OneViewOptions, work: () => Promise<T>): Promise<T> => {
  const { config, version, log, levels, life, telemetry, clock, links, upgrade, endpoints, otel } = options;
  const crew = new Crew(links, (index) => workerSocket(config.stateDir, index));
  const audit = new AuditFile({ folder: config.stateDir, log });
  const deps: ViewDeps = {
    version,
    config,
    crew,
    life,
    clock,
    log,
    levels,
    audit,
    upgrade,
    counts: telemetry,
    traces: otel.traces,
  };
  const metrics = new MetricsView(links, clock);
  const stop = endpoints.length > 0 ? metrics.keep() : () => undefined;
  try {
    return await withMetrics(
      {
        version,
        log,
        telemetry,
        endpoints,
        otel: otel.metrics,
        workers: () => metrics.numbers(),
        life: () => ({ phases: LIFE_PHASES, phase: life.view().phase }),
        gather: (own) => metrics.gather(own),
      },
      () => withOperator(deps, work),
    );
  } finally {
    stop();
  }
};

/** Where nobody can ask, too, workers are told what they must know: rules of the configuration, a level that a signal set. */
const withOperator = async <T>(deps: ViewDeps, work: () => Promise<T>): Promise<T> => {
  const [{ serveAdmin }, { VIEW_ROUTES }] = await Promise.all([
    import('../../admin/serve.ts'),
    import('./routes/index.ts'),
  ]);
  return serveAdmin(deps, VIEW_ROUTES, work);
};
