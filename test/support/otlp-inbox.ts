import { createServer } from 'node:http';

interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

interface OtlpPoint {
  readonly attributes?: readonly OtlpAttribute[];
  readonly asDouble?: number;
  readonly asInt?: number | string;
  readonly count?: number | string;
  readonly explicitBounds?: readonly number[];
}

interface OtlpSeries {
  readonly dataPoints: readonly OtlpPoint[];
  readonly isMonotonic?: boolean;
}

/** The parts of an OTLP metric (JSON) that tests look at. */
export interface OtlpMetric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly sum?: OtlpSeries;
  readonly gauge?: OtlpSeries;
  readonly histogram?: OtlpSeries;
}

export interface OtlpLogRecord {
  readonly traceId?: string;
  readonly spanId?: string;
  readonly severityText: string;
  readonly eventName?: string;
  readonly body: OtlpValue;
  readonly attributes: readonly OtlpAttribute[];
}

interface OtlpBody {
  readonly resourceMetrics?: readonly {
    readonly scopeMetrics: readonly { readonly metrics: readonly OtlpMetric[] }[];
  }[];
  readonly resourceLogs?: readonly {
    readonly scopeLogs: readonly { readonly logRecords: readonly OtlpLogRecord[] }[];
  }[];
}

export interface OtlpInbox {
  readonly url: string;
  readonly metrics: OtlpMetric[];
  readonly logs: OtlpLogRecord[];
  close(): Promise<void>;
}

export const plainAttributes = (attributes: readonly OtlpAttribute[] = []): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

/** An OTLP/HTTP collector on this host that takes JSON and keeps metrics and log records. */
export const openOtlpInbox = async (): Promise<OtlpInbox> => {
  const metrics: OtlpMetric[] = [];
  const logs: OtlpLogRecord[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body: OtlpBody = JSON.parse(Buffer.concat(chunks).toString());
    for (const { scopeMetrics } of body.resourceMetrics ?? [])
      metrics.push(...scopeMetrics.flatMap((one) => one.metrics));
    for (const { scopeLogs } of body.resourceLogs ?? []) logs.push(...scopeLogs.flatMap((one) => one.logRecords));
    response.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    metrics,
    logs,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
