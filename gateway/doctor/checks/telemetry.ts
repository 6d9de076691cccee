import { type Finding, reporter } from '../finding.ts';

/** Where one signal or several go: never more of the URL than this, because it can hold a password. */
export interface TelemetryEndpoint {
  readonly signals: readonly string[];
  readonly host: string;
  readonly port: number;
}

export interface TelemetryFacts {
  readonly endpoints: readonly (TelemetryEndpoint & {
    /** What connecting failed with; undefined when it did not. */
    readonly error: string | undefined;
  })[];
  /** Names of environment variables that hold no URL. */
  readonly malformed: readonly string[];
}

const { ok, fail, warn } = reporter('telemetry');

/** Whether somebody listens where OpenTelemetry is told to send. */
export const checkTelemetry = ({ endpoints, malformed }: TelemetryFacts): readonly Finding[] => [
  ...malformed.map((name) =>
    fail(`${name} is no http or https URL.`, `Set ${name} to one such as http://collector:4318.`),
  ),
  ...endpoints.map(({ signals, host, port, error }) => {
    const where = `${host} port ${port} (${signals.join(', ')})`;
    if (error === undefined) return ok(`The OpenTelemetry collector ${where} takes connections.`);
    return warn(
      `The OpenTelemetry collector ${where} cannot be reached (${error}): traces, metrics or logs are lost, calls are not.`,
      'Start it, or correct OTEL_EXPORTER_OTLP_ENDPOINT (4318 is OTLP over HTTP, 4317 is gRPC).',
    );
  }),
];

type Environment = Readonly<Record<string, string | undefined>>;

const SIGNALS = ['traces', 'metrics', 'logs'] as const;
const DEFAULT_PORT: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/**
 * Where the OTEL_* environment sends each signal by OTLP. A signal without an endpoint of its own and without exporter is
 * off (observability/sdk.ts).
 */
export const telemetryEndpoints = (
  env: Environment,
): { readonly endpoints: readonly TelemetryEndpoint[]; readonly malformed: readonly string[] } => {
  const malformed = new Set<string>();
  const found = new Map<string, { signals: string[]; host: string; port: number }>();
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return { endpoints: [], malformed: [] };
  for (const signal of SIGNALS) {
    const target = targetOf(env, signal);
    if (target === undefined) continue;
    const place = placeOf(target.url);
    if (place === undefined) {
      malformed.add(target.name);
      continue;
    }
    const key = `${place.host}:${place.port}`;
    const known = found.get(key);
    if (known === undefined) found.set(key, { ...place, signals: [signal] });
    else known.signals.push(signal);
  }
  return { endpoints: [...found.values()], malformed: [...malformed] };
};

const targetOf = (env: Environment, signal: string): { readonly name: string; readonly url: string } | undefined => {
  const upper = signal.toUpperCase();
  const exporter = env[`OTEL_${upper}_EXPORTER`] ?? '';
  const names = [`OTEL_EXPORTER_OTLP_${upper}_ENDPOINT`, 'OTEL_EXPORTER_OTLP_ENDPOINT'];
  const name = names.find((one) => (env[one] ?? '') !== '');
  if (exporter !== '' && !exporter.split(',').some((one) => one.trim() === 'otlp')) return undefined;
  if (name !== undefined) return { name, url: env[name] ?? '' };
  if (exporter === '') return undefined;
  const protocol = env[`OTEL_EXPORTER_OTLP_${upper}_PROTOCOL`] ?? env['OTEL_EXPORTER_OTLP_PROTOCOL'];
  return { name: names[0] ?? '', url: `http://localhost:${protocol === 'grpc' ? 4317 : 4318}` };
};

const placeOf = (text: string): { readonly host: string; readonly port: number } | undefined => {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const port = url.port === '' ? DEFAULT_PORT[url.protocol] : Number(url.port);
  return port === undefined || url.hostname === '' ? undefined : { host: url.hostname.replace(/^\[|\]$/g, ''), port };
};
