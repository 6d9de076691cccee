import { randomBytes } from 'node:crypto';
import type { GatewayConfig } from '../../config/types.ts';
import { startTelemetrySdk } from '../../observability/sdk.ts';
import { OpenTelemetryTelemetry } from '../../observability/telemetry.ts';
import { CONTROL_PPTP_DEFAULTS, TcpListener } from '../../plugins/control-pptp/index.ts';
import { callableAddresses } from '../card.ts';
import type { Logging } from '../compose.ts';
import { afterwards } from '../privileges/guarded-source.ts';
import { runAs } from '../privileges/run-as.ts';
import { systemClock } from '../system-clock.ts';
import type { End } from '../until-told.ts';
import { metricsEndpoints } from '../with-metrics.ts';
import { CrewBody } from './crew-body.ts';
import { recoverFallen } from './fallen.ts';
import { Loans } from './loans.ts';
import { SessionDesk } from './session-desk.ts';
import { ownerOfAddress } from './slices.ts';
import { Supervisor } from './supervisor.ts';
import { withOneView } from './view/with-one-view.ts';
import { forkWorker } from './worker-process.ts';

export interface SupervisorOrder {
  readonly config: GatewayConfig;
  readonly version: string;
  readonly logging: Logging;
  readonly end: End;
  /** Tells the operator that the gateway is up; `addresses` are those that clients call. */
  greet(addresses: readonly string[]): void;
}

/** Runs a gateway of several worker processes until it is told to stop; resolves with the exit code. */
export async function runSupervisor({ config, version, logging, end, greet }: SupervisorOrder): Promise<number> {
  const { log, levels, userNames, bridge, life } = logging;
  // Before the SDK: what the gateway does itself is taken out of the environment that the SDK reads.
  const env = { ...process.env };
  const endpoints = metricsEndpoints(config, env);
  const sdk = await startTelemetrySdk({ version, log, bridge, worker: 'supervisor' });
  try {
    const telemetry = new OpenTelemetryTelemetry({ log, userNames, now: systemClock.now });
    const { address, port } = config.listen;
    const { backlog } = CONTROL_PPTP_DEFAULTS;
    const listener = new TcpListener({ address, port, backlog, pauseOnConnect: true });
    // Each worker has done the same before it said that it is ready.
    const source = afterwards(listener, () => runAs(config, log));
    const whole = withSharedKey(config);
    const supervisor = new Supervisor(
      { clock: systemClock, log, telemetry, fork: (events) => forkWorker(env, events), source },
      whole,
      version,
    );
    new Loans(supervisor.workers, (one) => ownerOfAddress(config.pool, config.workers, one)).attach(supervisor);
    new SessionDesk(supervisor).attach();
    end.onHurry(() => supervisor.kill());
    const { telemetry: named } = whole;
    life.attach(
      new CrewBody(supervisor, systemClock, {
        complete: (read) => ({ ...read, telemetry: named }),
        enforce: (read, by) => levels.reconfigure(read.log.level, by),
      }),
    );
    const view = {
      config,
      version,
      log,
      levels,
      life,
      telemetry,
      clock: systemClock,
      links: supervisor,
      endpoints,
      otel: { metrics: sdk?.metrics === true, traces: sdk?.traces === true },
    };
    return await withOneView(view, () => supervise(supervisor, { config, version, logging, end, greet }));
  } finally {
    await sdk?.shutdown();
  }
}

async function supervise(supervisor: Supervisor, order: SupervisorOrder): Promise<number> {
  const { config, version, end, greet } = order;
  const { log, life } = order.logging;
  // Before TUN devices add their own addresses to the host's.
  const addresses = callableAddresses(config.listen.address);
  const started = supervisor.start();
  // A start that fails has taken everything back.
  const told = await Promise.race([started, end.promise]);
  try {
    if (told === undefined) {
      log.info('gateway.ready', 'the gateway accepts calls', {
        version,
        node: process.versions.node,
        workers: supervisor.workers.length,
      });
      greet(addresses);
      life.started();
    }
    return await end.promise;
  } finally {
    life.end();
    await supervisor.stop();
    // Told to stop while it started: how that ended nobody wants to know.
    await started.catch(() => undefined);
    await recoverFallen(config, log);
    log.info('gateway.stopped', 'the gateway has stopped');
  }
}

/** Hashed user names must be the same in all processes. */
const withSharedKey = (config: GatewayConfig): GatewayConfig => {
  const { telemetry } = config;
  if (telemetry.userNames !== 'hash' || telemetry.hashKey !== '') return config;
  return { ...config, telemetry: { ...telemetry, hashKey: randomBytes(32).toString('hex') } };
};
