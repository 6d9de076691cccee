import { Counter, Gauge, Histogram, Registry, type RegistryContentType } from 'prom-client';
import type { DurationSeries, Exemplar } from './durations.ts';
import type { MetricAttributes, Reading } from './readings.ts';
import type { MetricsSnapshot } from './snapshot.ts';
import { METRICS, type MetricRow, prometheusLabel } from './table.ts';

/** A page for Prometheus. */
export interface Page {
  readonly contentType: string;
  readonly text: string;
}

/** Without exemplars for those who ask for plain text; with them for Prometheus, which asks for OpenMetrics. */
export type PageFormat = 'text' | 'openmetrics';

const ROWS: readonly MetricRow[] = METRICS;

const labelsOf = (attributes: MetricAttributes): Record<string, string> =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [prometheusLabel(name), value]));

/** Writes the page that Prometheus reads. Everything is made anew for each page, so that two readers at once do not meet. */
export const writePage = async ({ readings, durations }: MetricsSnapshot, format: PageFormat): Promise<Page> => {
  const registry = new Registry<RegistryContentType>();
  if (format === 'openmetrics') registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  for (const row of ROWS) {
    if (row.kind === 'histogram') registry.registerMetric(new KeptHistogram(row, durations.get(row.name) ?? []));
    else registry.registerMetric(scalarOf(row, readings.get(row.name) ?? []));
  }
  return { contentType: registry.contentType, text: await registry.metrics() };
};

const configuration = ({ prometheus, description, attributes }: MetricRow) => ({
  name: prometheus,
  help: description,
  labelNames: attributes.map(prometheusLabel),
  registers: [],
});

const scalarOf = (row: MetricRow, readings: readonly Reading[]): Counter | Gauge => {
  if (row.kind === 'counter') {
    const counter = new Counter(configuration(row));
    counter.reset();
    for (const { value, attributes } of readings) counter.inc(labelsOf(attributes), value);
    return counter;
  }
  const gauge = new Gauge(configuration(row));
  for (const { value, attributes } of readings) gauge.set(labelsOf(attributes), value);
  return gauge;
};

/** A line of the page, as prom-client wants it. */
interface Line {
  readonly metricName: string;
  readonly labels: Record<string, string | number>;
  readonly value: number;
  readonly exemplar?: {
    readonly labelSet: Record<string, string>;
    readonly value: number;
    readonly timestamp: number;
  };
}

const exemplarOf = (exemplar: Exemplar | undefined): Pick<Line, 'exemplar'> => {
  if (exemplar === undefined) return {};
  const { traceId, spanId, value, time } = exemplar;
  return { exemplar: { labelSet: { trace_id: traceId, span_id: spanId }, value, timestamp: time } };
};

const linesOf = ({ prometheus, buckets = [] }: MetricRow, series: DurationSeries): readonly Line[] => {
  const labels = labelsOf(series.attributes);
  let count = 0;
  const lines: Line[] = [...buckets, '+Inf'].map((le, bucket) => {
    count += series.counts[bucket] ?? 0;
    const name = `${prometheus}_bucket`;
    return { metricName: name, labels: { le, ...labels }, value: count, ...exemplarOf(series.exemplars[bucket]) };
  });
  lines.push({ metricName: `${prometheus}_sum`, labels, value: series.sum });
  lines.push({ metricName: `${prometheus}_count`, labels, value: count });
  return lines;
};

/** prom-client can observe values and not take over what was counted elsewhere, so this one brings its lines along. */
class KeptHistogram extends Histogram {
  readonly #row: MetricRow;
  readonly #series: readonly DurationSeries[];

  constructor(row: MetricRow, series: readonly DurationSeries[]) {
    super({ ...configuration(row), buckets: [...(row.buckets ?? [])] });
    this.#row = row;
    this.#series = series;
  }

  /** What the registry asks for when it writes a page. */
  async getForPromString(): Promise<object> {
    const { prometheus, description } = this.#row;
    const values = this.#series.flatMap((series) => linesOf(this.#row, series));
    return { name: prometheus, help: description, type: 'histogram', values };
  }
}
