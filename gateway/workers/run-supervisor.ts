import { randomBytes } from 'node:crypto';
import type { GatewayConfig } from '../../config/types.ts';
import { type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import { startTelemetrySdk } from '../../observability/sdk.ts';
import { OpenTelemetryTelemetry } from '../../observability/telemetry.ts';
import { CONTROL_PPTP_DEFAULTS, TcpListener } from '../../plugins/control-pptp/index.ts';
import { callableAddresses } from '../card.ts';
import type { Logging } from '../compose.ts';
import { afterwards } from '../privileges/guarded-source.ts';
import { runAs } from '../privileges/run-as.ts';
import { systemClock } from '../system-clock.ts';
import type { End } from '../until-told.ts';
import { CrewMover } from '../upgrade/crew-mover.ts';
import { CrewSuccessor } from '../upgrade/crew-successor.ts';
import { valueAt } from '../upgrade/kept-settings.ts';
import type { Succession } from '../upgrade/succession.ts';
import { metricsEndpoints } from '../with-metrics.ts';
import { CrewBody } from './crew-body.ts';
import { recoverFallen } from './fallen.ts';
import { Loans } from './loans.ts';
import { SessionDesk } from './session-desk.ts';
import { ownerOfAddress } from './slices.ts';
import { Supervisor } from './supervisor.ts';
import { CurrentLinks } from './view/current-links.ts';
import { withOneView } from './view/with-one-view.ts';
import { forkWorker } from './worker-process.ts';

export interface SupervisorOrder {
  readonly config: GatewayConfig;
  readonly version: string;
  readonly logging: Logging;
  readonly end: End;
  /** Tells the operator that the gateway is up; `addresses` are those that clients call. */
  greet(addresses: readonly string[]): void;
  /** The processes before and after this one. */
  readonly line: Succession;
}

/** Runs a gateway of several worker processes until it is told to stop; resolves with the exit code. */
export async function runSupervisor({ config, version, logging, end, greet, line }: SupervisorOrder): Promise<number> {
  const { log, levels, userNames, bridge, life } = logging;
  // Before the SDK: what the gateway does itself is taken out of the environment that the SDK reads.
  const env = { ...process.env };
  const endpoints = metricsEndpoints(config, env);
  const sdk = await startTelemetrySdk({ version, log, bridge, worker: 'supervisor' });
  try {
    const telemetry = new OpenTelemetryTelemetry({ log, userNames, now: systemClock.now });
    const { address, port } = config.listen;
    const { backlog } = CONTROL_PPTP_DEFAULTS;
    const listener = new TcpListener({ address, port, backlog, pauseOnConnect: true, inherits: line.takesOver });
    // Each worker has done the same before it said that it is ready.
    const source = afterwards(listener, () => runAs(config, log));
    const whole = withSharedKey(config, line.successor?.before.config);
    const supervisor = new Supervisor(
      { clock: systemClock, log, telemetry, fork: (events, inherited) => forkWorker(env, events, inherited), source },
      whole,
      version,
    );
    const ownerOf = (one: Ipv4): number | undefined => ownerOfAddress(config.pool, config.workers, one);
    const loans = new Loans(supervisor.workers, ownerOf);
    loans.attach(supervisor);
    new SessionDesk(supervisor).attach();
    end.onHurry(() => supervisor.kill());
    const { telemetry: named } = whole;
    const complete = (read: GatewayConfig): GatewayConfig => ({ ...read, telemetry: named });
    life.attach(
      new CrewBody(supervisor, systemClock, {
        complete,
        enforce: (read, by) => levels.reconfigure(read.log.level, by),
      }),
    );
    const mover = new CrewMover({ supervisor, loans, ownerOf: (address) => ownerOf(ipv4(address)), listener });
    const links = new CurrentLinks(supervisor);
    const view = {
      config,
      version,
      log,
      levels,
      life,
      telemetry,
      clock: systemClock,
      upgrade: line.upgradable(config, mover, complete),
      endpoints,
      otel: { metrics: sdk?.metrics === true, traces: sdk?.traces === true },
    };
    const { successor } = line;
    const heritage = successor?.workers;
    const heir =
      successor && heritage && new CrewSuccessor({ successor, heritage, supervisor, loans, listener, config, log });
    await heir?.takeOver();
    return await line.around(
      (work) => withOneView({ ...view, links: links.next() }, work),
      () => {
        heir?.alone();
        return supervise(supervisor, { config, version, logging, end, greet, line });
      },
    );
  } finally {
    await sdk?.shutdown();
  }
}

async function supervise(supervisor: Supervisor, order: SupervisorOrder): Promise<number> {
  const { config, version, end, greet, line } = order;
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
    return await Promise.race([end.promise, line.gone]);
  } finally {
    await line.settle();
    // Everything is another process' otherwise.
    if (!line.isOver) await takeDown(supervisor, started, order);
  }
}

async function takeDown(
  supervisor: Supervisor,
  started: Promise<void>,
  { config, logging: { log, life } }: SupervisorOrder,
): Promise<void> {
  life.end();
  await supervisor.stop();
  // Told to stop while it started: how that ended nobody wants to know.
  await started.catch(() => undefined);
  await recoverFallen(config, log);
  log.info('gateway.stopped', 'the gateway has stopped');
}

/** Hashed user names must be the same in all processes. */
const withSharedKey = (config: GatewayConfig, before: object | undefined): GatewayConfig => {
  const { telemetry } = config;
  if (telemetry.userNames !== 'hash' || telemetry.hashKey !== '') return config;
  // That of the process before, where there was one: a user keeps the name that logs and traces know.
  const known = valueAt(before ?? {}, 'telemetry.hashKey');
  const hashKey = typeof known === 'string' && known !== '' ? known : randomBytes(32).toString('hex');
  return { ...config, telemetry: { ...telemetry, hashKey } };
};
