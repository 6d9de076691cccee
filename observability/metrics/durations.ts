import type { SpanReference } from '../../core/ports/telemetry.ts';
import type { MetricAttributes } from './readings.ts';
import type { HistogramSink } from './recorder.ts';
import { type HistogramName, METRICS, type MetricRow } from './table.ts';

/** A value in a bucket and the trace it belongs to. */
export interface Exemplar {
  readonly traceId: string;
  readonly spanId: string;
  readonly value: number;
  /** Seconds since 1970. */
  readonly time: number;
}

/** One series of a histogram since the start. */
export interface DurationSeries {
  readonly attributes: MetricAttributes;
  /** Values in each bucket alone, not in those below it; the last is what exceeds all bounds. */
  readonly counts: readonly number[];
  readonly sum: number;
  /** By bucket. */
  readonly exemplars: readonly (Exemplar | undefined)[];
}

/** By metric name. */
export type Durations = ReadonlyMap<string, readonly DurationSeries[]>;

interface Growing extends DurationSeries {
  readonly counts: number[];
  sum: number;
  readonly exemplars: (Exemplar | undefined)[];
}

const ROWS: readonly MetricRow[] = METRICS;

/** Names a series among those of its metric, whatever order its attributes came in. */
export const seriesKey = (attributes: MetricAttributes): string =>
  JSON.stringify(Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** Keeps histograms for pages. */
export class DurationStore implements HistogramSink {
  readonly #buckets = new Map(
    ROWS.flatMap(({ name, kind, buckets = [] }) => (kind === 'histogram' ? [[name, buckets] as const] : [])),
  );
  readonly #series = new Map<string, Map<string, Growing>>();

  record(name: HistogramName, value: number, attributes: MetricAttributes, span?: SpanReference): void {
    const bounds = this.#buckets.get(name) ?? [];
    const series = this.#find(name, attributes, bounds.length + 1);
    const above = bounds.findIndex((bound) => value <= bound);
    const bucket = above < 0 ? bounds.length : above;
    series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
    series.sum += value;
    if (span?.sampled !== true) return;
    series.exemplars[bucket] = { traceId: span.traceId, spanId: span.spanId, value, time: Date.now() / 1000 };
  }

  /** As it is now; what is recorded later does not change it. */
  snapshot(): Durations {
    return new Map(
      [...this.#series].map(([name, found]) => [
        name,
        [...found.values()].map(({ attributes, counts, sum, exemplars }) => ({
          attributes,
          counts: [...counts],
          sum,
          exemplars: [...exemplars],
        })),
      ]),
    );
  }

  #find(name: string, attributes: MetricAttributes, buckets: number): Growing {
    let ofMetric = this.#series.get(name);
    if (ofMetric === undefined) {
      ofMetric = new Map();
      this.#series.set(name, ofMetric);
    }
    const key = seriesKey(attributes);
    let found = ofMetric.get(key);
    if (found === undefined) {
      found = {
        attributes,
        counts: new Array<number>(buckets).fill(0),
        sum: 0,
        exemplars: new Array<Exemplar | undefined>(buckets).fill(undefined),
      };
      ofMetric.set(key, found);
    }
    return found;
  }
}
