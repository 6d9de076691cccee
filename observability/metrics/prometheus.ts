import {
  Counter,
  Gauge,
  Histogram,
  type OpenMetricsContentType,
  Registry,
  type RegistryContentType,
} from 'prom-client';
import type { SpanReference } from '../../core/ports/telemetry.ts';
import type { MetricAttributes, Reading, Readings } from './readings.ts';
import type { HistogramSink } from './recorder.ts';
import { type HistogramName, METRICS, type MetricRow, prometheusLabel } from './table.ts';

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

/** Keeps histograms, and writes the page that Prometheus reads. */
export class PrometheusExporter implements HistogramSink {
  readonly #histograms: ReadonlyMap<string, Histogram>;
  readonly #read: () => Readings;

  constructor(read: () => Readings) {
    this.#read = read;
    this.#histograms = new Map(
      ROWS.filter(({ kind }) => kind === 'histogram').map((row) => [row.name, histogramOf(row)]),
    );
  }

  record(name: HistogramName, value: number, attributes: MetricAttributes, span?: SpanReference): void {
    const exemplarLabels = span?.sampled === true ? { trace_id: span.traceId, span_id: span.spanId } : {};
    this.#histograms.get(name)?.observe({ labels: labelsOf(attributes), value, exemplarLabels });
  }

  /** Everything but histograms is made anew for each page, so that two readers at once do not meet. */
  page(format: PageFormat): Promise<Page> {
    if (format === 'text') return this.#write(new Registry());
    const registry = new Registry<OpenMetricsContentType>();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    return this.#write(registry);
  }

  async #write<T extends RegistryContentType>(registry: Registry<T>): Promise<Page> {
    const readings = this.#read();
    for (const row of ROWS) {
      const histogram = this.#histograms.get(row.name);
      if (histogram !== undefined) registry.registerMetric(histogram);
      else registry.registerMetric(scalarOf(row, readings.get(row.name) ?? []));
    }
    return { contentType: registry.contentType, text: await registry.metrics() };
  }
}

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

const histogramOf = (row: MetricRow): Histogram =>
  new Histogram({ ...configuration(row), buckets: [...(row.buckets ?? [])], enableExemplars: true });
