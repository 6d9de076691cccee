import type { GatewayConfig } from '../config/types.ts';
import type { EndpointOptions } from '../observability/metrics/endpoint.ts';
import { type MetricsOptions, startMetrics } from '../observability/metrics/metrics.ts';
import { prometheusWish, type SdkEnvironment } from '../observability/sdk.ts';

/** Where the metrics page is wanted: by our own settings, and by those of OpenTelemetry. */
export const metricsEndpoints = (
  { metrics: { address, port } }: Pick<GatewayConfig, 'metrics'>,
  env: SdkEnvironment,
): readonly EndpointOptions[] => {
  const wished = otelEndpoints(env);
  if (port === 0) return wished;
  const own = { address, port, setting: 'PPTP_METRICS_ADDRESS or PPTP_METRICS_PORT' };
  return [own, ...wished.filter((wish) => wish.address !== address || wish.port !== port)];
};

/** Where OpenTelemetry's settings want it. Ask before the SDK starts: it finds them changed. */
export const otelEndpoints = (env: SdkEnvironment): readonly EndpointOptions[] => {
  const wish = prometheusWish(env);
  return wish === undefined ? [] : [wish];
};

/** Does `work` while metrics are offered, where somebody wants them. Rejects with METRICS_ENDPOINT before `work` begins. */
export const withMetrics = async <T>(options: MetricsOptions, work: () => Promise<T>): Promise<T> => {
  const metrics = await startMetrics(options);
  try {
    return await work();
  } finally {
    await metrics?.stop();
  }
};
