import type { Log } from '../core/ports/log.ts';

export interface TelemetrySdk {
  /** It takes spans, metrics, and log records. */
  readonly traces: boolean;
  readonly metrics: boolean;
  readonly logs: boolean;
  /** Sends what is left, for at most three seconds: an unreachable collector must not hold up the end. */
  shutdown(): Promise<void>;
}

export type SdkEnvironment = Record<string, string | undefined>;

const SIGNALS = ['TRACES', 'METRICS', 'LOGS'] as const;
type Signal = (typeof SIGNALS)[number];
const SHUTDOWN_MS = 3000;
/** No `process` detector: it would publish the command line and the account. */
const DETECTORS = 'env,host,os,serviceinstance';

const isSet = (env: SdkEnvironment, name: string): boolean => (env[name] ?? '') !== '';
const hasEndpoint = (env: SdkEnvironment, signal: string): boolean =>
  isSet(env, 'OTEL_EXPORTER_OTLP_ENDPOINT') || isSet(env, `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`);
const exportersOf = (env: SdkEnvironment, signal: Signal): readonly string[] =>
  (env[`OTEL_${signal}_EXPORTER`] ?? '')
    .split(',')
    .map((exporter) => exporter.trim())
    .filter((exporter) => exporter !== '');
const isDisabled = (env: SdkEnvironment): boolean => env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true';

/** The gateway serves Prometheus itself, by the names of docs/metrics.md and without the SDK. */
const PROMETHEUS = 'prometheus';
const PROMETHEUS_PORT = 9464;
const forSdk = (exporters: readonly string[]): readonly string[] => exporters.filter((one) => one !== PROMETHEUS);

/** Whether the environment asks the SDK to export this signal: by an exporter, an endpoint or a configuration file. */
const wantsSignal = (env: SdkEnvironment, signal: Signal): boolean => {
  if (isDisabled(env)) return false;
  if (isSet(env, 'OTEL_CONFIG_FILE')) return true;
  const exporters = exportersOf(env, signal);
  return exporters.length === 0
    ? hasEndpoint(env, signal)
    : forSdk(exporters).length > 0 && !exporters.includes('none');
};

/** Whether the environment asks for OpenTelemetry. */
export const wantsTelemetry = (env: SdkEnvironment): boolean => SIGNALS.some((signal) => wantsSignal(env, signal));
export const wantsLogs = (env: SdkEnvironment): boolean => wantsSignal(env, 'LOGS');

/** Where `OTEL_METRICS_EXPORTER=prometheus` wants the metrics page. A port that is none is taken for the usual one. */
export const prometheusWish = (
  env: SdkEnvironment,
): { readonly address: string; readonly port: number; readonly setting: string } | undefined => {
  if (isDisabled(env) || isSet(env, 'OTEL_CONFIG_FILE')) return undefined;
  if (!exportersOf(env, 'METRICS').includes(PROMETHEUS)) return undefined;
  const { OTEL_EXPORTER_PROMETHEUS_HOST: host = '', OTEL_EXPORTER_PROMETHEUS_PORT: text = '' } = env;
  const port = /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : PROMETHEUS_PORT;
  const setting = 'OTEL_EXPORTER_PROMETHEUS_HOST or OTEL_EXPORTER_PROMETHEUS_PORT';
  return { address: host === '' ? '127.0.0.1' : host, port, setting };
};

/**
 * What the SDK is to find in the environment where the operator said nothing. A signal without exporter and endpoint
 * is switched off: the SDK would otherwise send it to port 4318 of this host. Of exporters, `prometheus` is not for it.
 */
export const telemetryDefaults = (env: SdkEnvironment): Record<string, string> => {
  const defaults: Record<string, string> = {};
  const offer = (name: string, value: string): void => {
    if (!isSet(env, name)) defaults[name] = value;
  };
  offer('OTEL_NODE_RESOURCE_DETECTORS', DETECTORS);
  if (!/(^|,)\s*service\.name=/.test(env['OTEL_RESOURCE_ATTRIBUTES'] ?? '')) offer('OTEL_SERVICE_NAME', 'pptp-gateway');
  if (isSet(env, 'OTEL_CONFIG_FILE')) return defaults;
  const metrics = exportersOf(env, 'METRICS');
  if (metrics.includes(PROMETHEUS)) defaults['OTEL_METRICS_EXPORTER'] = forSdk(metrics).join(',') || 'none';
  for (const signal of SIGNALS) {
    offer(`OTEL_${signal}_EXPORTER`, hasEndpoint(env, signal) ? 'otlp' : 'none');
  }
  return defaults;
};

/**
 * `service.instance.id` names one process. Where the operator has set one, each process of the gateway makes its own of it:
 * two that send the same counters under one name look like one that jumps.
 */
export const instanceOfWorker = (env: SdkEnvironment, worker: string): Record<string, string> => {
  const { OTEL_RESOURCE_ATTRIBUTES: attributes = '' } = env;
  const own = attributes.replace(/((?:^|,)\s*service\.instance\.id=[^,]*)/, `$1-${worker}`);
  return own === attributes ? {} : { OTEL_RESOURCE_ATTRIBUTES: own };
};

/**
 * Starts OpenTelemetry if the environment asks for it. Call it before anything takes a tracer. The SDK is loaded only
 * then, because loading it takes time and memory (`npm run bench -- telemetry-start`). It reads `process.env`, so the defaults are put there.
 */
export const startTelemetrySdk = async (options: {
  readonly version: string;
  readonly log: Log;
  readonly env?: SdkEnvironment;
  /** Which process of a gateway with several this is: an index, or `supervisor`. */
  readonly worker?: string | undefined;
  /** Opened as soon as log records are taken. */
  readonly bridge?: { open(): void } | undefined;
}): Promise<TelemetrySdk | undefined> => {
  const env = options.env ?? process.env;
  if (!wantsTelemetry(env)) return undefined;
  const signals = {
    traces: wantsSignal(env, 'TRACES'),
    metrics: wantsSignal(env, 'METRICS'),
    logs: wantsSignal(env, 'LOGS'),
  };
  Object.assign(process.env, telemetryDefaults(env));
  if (options.worker !== undefined) Object.assign(process.env, instanceOfWorker(env, options.worker));
  const [{ NodeSDK }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/resources'),
  ]);
  const resource = resourceFromAttributes({
    'service.version': options.version,
    ...(options.worker === undefined ? {} : { 'pptp.worker': options.worker }),
  });
  const sdk = new NodeSDK({ resource, instrumentations: [] });
  sdk.start();
  if (signals.logs) options.bridge?.open();
  options.log.info('telemetry.started', 'OpenTelemetry is on, as the OTEL_* environment asks.');
  return { ...signals, shutdown: () => shutdown(sdk, options.log) };
};

const shutdown = async (sdk: { shutdown(): Promise<void> }, log: Log): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), SHUTDOWN_MS);
  });
  try {
    const result = await Promise.race([sdk.shutdown(), tooLate]);
    if (result === 'late')
      log.warn('telemetry.unsent', 'The OpenTelemetry collector did not take the last data in time.');
  } catch (error) {
    log.warn('telemetry.unsent', 'The OpenTelemetry collector did not take the last data.', { error });
  } finally {
    clearTimeout(timer);
  }
};
