import type { Log } from '../../core/ports/log.ts';
import type { OpenTelemetryTelemetry } from '../telemetry.ts';
import { DurationStore } from './durations.ts';
import type { EndpointOptions } from './endpoint.ts';
import { EventLoopWatch } from './event-loop.ts';
import type { GatewayNumbers } from './gateway-numbers.ts';
import { KernelReader } from './kernel.ts';
import { readProcess } from './process-numbers.ts';
import { collect, type LifeNumbers, type Readings, type WorkerNumbers } from './readings.ts';
import type { MetricsSnapshot } from './snapshot.ts';

export interface MetricsOptions {
  readonly version: string;
  readonly log: Log;
  readonly telemetry: OpenTelemetryTelemetry;
  /** Absent for a client, which has no numbers of its own. */
  readonly numbers?: () => GatewayNumbers;
  /** Where Prometheus reads; several addresses are possible, none is none. */
  readonly endpoints: readonly EndpointOptions[];
  /** The OpenTelemetry SDK takes metrics. */
  readonly otel: boolean;
  /** Of a process that has workers. */
  readonly workers?: () => WorkerNumbers;
  /** Of the gateway; undefined in a worker, which has no life of its own. */
  readonly life?: (() => LifeNumbers) | undefined;
  /** Makes what the page shows of what this process knows of itself; that alone if left out. */
  readonly gather?: (own: MetricsSnapshot) => Promise<MetricsSnapshot>;
  /** Is given what another process may ask for, to show it. */
  readonly share?: ((snapshot: () => MetricsSnapshot) => void) | undefined;
}

export interface Metrics {
  /** Where the endpoints listen. */
  readonly listening: readonly { readonly address: string; readonly port: number }[];
  stop(): Promise<void>;
}

/** Offers metrics where they are wanted; loads and starts nothing where they are not. Rejects with METRICS_ENDPOINT. */
export const startMetrics = async (options: MetricsOptions): Promise<Metrics | undefined> => {
  const { endpoints, otel, log, telemetry, share } = options;
  if (endpoints.length === 0 && !otel && share === undefined) return undefined;
  const loop = new EventLoopWatch();
  const kernel = new KernelReader();
  const read = (): Readings => {
    const gateway = options.numbers?.();
    return collect({
      counters: telemetry.snapshot(),
      process: readProcess(),
      eventLoop: loop.read(),
      kernel: kernel.read(gateway?.tun),
      versions: { gateway: options.version, node: process.versions.node },
      gateway,
      workers: options.workers?.(),
      life: options.life?.(),
    });
  };
  const ends: (() => Promise<void> | void)[] = [() => loop.stop()];
  const stop = async (): Promise<void> => {
    for (const end of ends.splice(0)) await end();
  };
  try {
    if (otel) ends.push(await offerToOtel(read, telemetry));
    if (share !== undefined) {
      const durations = new DurationStore();
      ends.push(telemetry.durations.add(durations));
      share(() => ({ readings: read(), durations: durations.snapshot() }));
    }
    const listening = endpoints.length === 0 ? [] : await serve(read, options, ends);
    for (const at of listening) log.info('metrics.listening', `Metrics are at http://${host(at)}/metrics.`, { ...at });
    return { listening, stop };
  } catch (cause) {
    await stop();
    throw cause;
  }
};

const offerToOtel = async (read: () => Readings, telemetry: OpenTelemetryTelemetry): Promise<() => void> => {
  const { OtelExporter } = await import('./otel.ts');
  const exporter = new OtelExporter(read);
  const remove = telemetry.durations.add(exporter);
  return () => {
    remove();
    exporter.stop();
  };
};

const serve = async (
  read: () => Readings,
  { telemetry, endpoints, gather = (own) => Promise.resolve(own) }: MetricsOptions,
  ends: (() => Promise<void> | void)[],
): Promise<Metrics['listening']> => {
  const [{ writePage }, { MetricsEndpoint }] = await Promise.all([import('./prometheus.ts'), import('./endpoint.ts')]);
  const durations = new DurationStore();
  ends.push(telemetry.durations.add(durations));
  const listening: { readonly address: string; readonly port: number }[] = [];
  for (const options of endpoints) {
    const endpoint = new MetricsEndpoint(options, async (format) =>
      writePage(await gather({ readings: read(), durations: durations.snapshot() }), format),
    );
    listening.push(await endpoint.start());
    ends.push(() => endpoint.stop());
  }
  return listening;
};

const host = ({ address, port }: { readonly address: string; readonly port: number }): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
