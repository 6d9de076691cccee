import type { Log } from '../core/ports/log.ts';

export interface TelemetrySdk {
  /** Sends what is left, for at most three seconds: an unreachable collector must not hold up the end. */
  shutdown(): Promise<void>;
}

export type SdkEnvironment = Record<string, string | undefined>;

const SIGNALS = ['TRACES', 'METRICS', 'LOGS'] as const;
const SHUTDOWN_MS = 3000;
/** No `process` detector: it would publish the command line and the account. */
const DETECTORS = 'env,host,os,serviceinstance';

const isSet = (env: SdkEnvironment, name: string): boolean => (env[name] ?? '') !== '';
const hasEndpoint = (env: SdkEnvironment, signal: string): boolean =>
  isSet(env, 'OTEL_EXPORTER_OTLP_ENDPOINT') || isSet(env, `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`);
const hasExporter = (env: SdkEnvironment, signal: string): boolean => {
  const exporter = env[`OTEL_${signal}_EXPORTER`] ?? '';
  return exporter !== '' && exporter !== 'none';
};

/** Whether the environment asks for OpenTelemetry: an endpoint, an exporter or a configuration file. */
export const wantsTelemetry = (env: SdkEnvironment): boolean =>
  env['OTEL_SDK_DISABLED']?.toLowerCase() !== 'true' &&
  (isSet(env, 'OTEL_CONFIG_FILE') || SIGNALS.some((signal) => hasEndpoint(env, signal) || hasExporter(env, signal)));

/**
 * What the SDK is to find in the environment where the operator said nothing. A signal without exporter and endpoint
 * is switched off: the SDK would otherwise send it to port 4318 of this host.
 */
export const telemetryDefaults = (env: SdkEnvironment): Record<string, string> => {
  const defaults: Record<string, string> = {};
  const offer = (name: string, value: string): void => {
    if (!isSet(env, name)) defaults[name] = value;
  };
  offer('OTEL_NODE_RESOURCE_DETECTORS', DETECTORS);
  if (!/(^|,)\s*service\.name=/.test(env['OTEL_RESOURCE_ATTRIBUTES'] ?? '')) offer('OTEL_SERVICE_NAME', 'pptp-gateway');
  if (isSet(env, 'OTEL_CONFIG_FILE')) return defaults;
  for (const signal of SIGNALS) {
    offer(`OTEL_${signal}_EXPORTER`, hasEndpoint(env, signal) ? 'otlp' : 'none');
  }
  return defaults;
};

/**
 * Starts OpenTelemetry if the environment asks for it. Call it before anything takes a tracer. The SDK is loaded only
 * then, because loading it takes about a second and 70 MB. It reads `process.env`, so the defaults are put there.
 */
export const startTelemetrySdk = async (options: {
  readonly version: string;
  readonly log: Log;
  readonly env?: SdkEnvironment;
}): Promise<TelemetrySdk | undefined> => {
  const env = options.env ?? process.env;
  if (!wantsTelemetry(env)) return undefined;
  Object.assign(process.env, telemetryDefaults(env));
  const [{ NodeSDK }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/resources'),
  ]);
  const resource = resourceFromAttributes({ 'service.version': options.version });
  const sdk = new NodeSDK({ resource, instrumentations: [] });
  sdk.start();
  options.log.info('telemetry.started', 'OpenTelemetry is on, as the OTEL_* environment asks.');
  return { shutdown: () => shutdown(sdk, options.log) };
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
