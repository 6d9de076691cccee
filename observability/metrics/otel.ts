import { type Attributes, type Histogram, type Meter, metrics, type Observable } from '@opentelemetry/api';
import type { MetricAttributes, Readings } from './readings.ts';
import type { HistogramSink } from './recorder.ts';
import { type HistogramName, METRICS, type MetricRow } from './table.ts';

const ROWS: readonly MetricRow[] = METRICS;

/** Offers the metrics of the table to the OpenTelemetry SDK, which asks for them when it exports. */
export class OtelExporter implements HistogramSink {
  readonly #histograms = new Map<string, Histogram>();
  readonly #observables = new Map<string, Observable>();
  readonly #stop: () => void;

  /** `meter` is that of the globally registered SDK if left out. */
  constructor(read: () => Readings, meter: Meter = metrics.getMeter('pptp-gateway')) {
    for (const row of ROWS) {
      if (row.kind === 'histogram') this.#histograms.set(row.name, histogramOf(meter, row));
      else this.#observables.set(row.name, observableOf(meter, row));
    }
    const observables = [...this.#observables.values()];
    const callback: Parameters<Meter['addBatchObservableCallback']>[0] = (result) => {
      for (const [name, readings] of read()) {
        const observable = this.#observables.get(name);
        if (observable === undefined) continue;
        for (const { value, attributes } of readings) result.observe(observable, value, plain(attributes));
      }
    };
    meter.addBatchObservableCallback(callback, observables);
    this.#stop = () => meter.removeBatchObservableCallback(callback, observables);
  }

  record(name: HistogramName, value: number, attributes: MetricAttributes): void {
    this.#histograms.get(name)?.record(value, plain(attributes));
  }

  stop(): void {
    this.#stop();
  }
}

const plain = (attributes: MetricAttributes): Attributes => ({ ...attributes });

const histogramOf = (meter: Meter, { name, unit, description, buckets = [] }: MetricRow): Histogram =>
  meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries: [...buckets] } });

const observableOf = (meter: Meter, { name, unit, description, kind }: MetricRow): Observable => {
  if (kind === 'counter') return meter.createObservableCounter(name, { unit, description });
  if (kind === 'sum') return meter.createObservableUpDownCounter(name, { unit, description });
  return meter.createObservableGauge(name, { unit, description });
};
