import type { DurationSeries, Durations } from './durations.ts';
import { seriesKey } from './durations.ts';
import type { Reading, Readings } from './readings.ts';
import { METRICS, type MetricRow } from './table.ts';

/** All metrics of a process at one moment. */
export interface MetricsSnapshot {
  readonly readings: Readings;
  readonly durations: Durations;
}

export const NO_METRICS: MetricsSnapshot = { readings: new Map(), durations: new Map() };

/** A snapshot and the process that it is of, as the label `worker` names it. */
export interface SnapshotOf {
  readonly worker: string;
  readonly snapshot: MetricsSnapshot;
}

const ROWS: readonly MetricRow[] = METRICS;

const MERGES = { sum: (a: number, b: number) => a + b, max: Math.max } as const;

const mergeReadings = (readings: readonly Reading[], merge: (a: number, b: number) => number): readonly Reading[] => {
  const bySeries = new Map<string, Reading>();
  for (const reading of readings) {
    const key = seriesKey(reading.attributes);
    const earlier = bySeries.get(key);
    const value = earlier === undefined ? reading.value : merge(earlier.value, reading.value);
    bySeries.set(key, { value, attributes: reading.attributes });
  }
  return [...bySeries.values()];
};

const add = (a: DurationSeries, b: DurationSeries): DurationSeries => ({
  attributes: a.attributes,
  counts: a.counts.map((count, bucket) => count + (b.counts[bucket] ?? 0)),
  sum: a.sum + b.sum,
  exemplars: a.exemplars.map((one, bucket) => {
    const other = b.exemplars[bucket];
    return one === undefined || (other !== undefined && other.time > one.time) ? other : one;
  }),
});

const mergeDurations = (all: readonly DurationSeries[]): readonly DurationSeries[] => {
  const bySeries = new Map<string, DurationSeries>();
  for (const series of all) {
    const key = seriesKey(series.attributes);
    const earlier = bySeries.get(key);
    bySeries.set(key, earlier === undefined ? series : add(earlier, series));
  }
  return [...bySeries.values()];
};

/** The metrics of several processes as those of one, each row by its rule (`MetricRow.workers`). */
export const mergeSnapshots = (parts: readonly SnapshotOf[]): MetricsSnapshot => {
  const readings = new Map<string, readonly Reading[]>();
  const durations = new Map<string, readonly DurationSeries[]>();
  for (const { name, kind, workers = 'sum' } of ROWS) {
    if (kind === 'histogram') {
      const merged = mergeDurations(parts.flatMap(({ snapshot }) => snapshot.durations.get(name) ?? []));
      if (merged.length > 0) durations.set(name, merged);
      continue;
    }
    const all = parts.flatMap(({ worker, snapshot }) => {
      const own = snapshot.readings.get(name) ?? [];
      if (workers !== 'each') return own;
      return own.map(({ value, attributes }) => ({ value, attributes: { worker, ...attributes } }));
    });
    const merged = workers === 'each' ? all : mergeReadings(all, MERGES[workers]);
    if (merged.length > 0) readings.set(name, merged);
  }
  return { readings, durations };
};

/** What of the metrics of a process that is gone still counts: what only grows, without what is told for each process. */
export const lastingPart = ({ readings, durations }: MetricsSnapshot): MetricsSnapshot => {
  const lasts = new Set(
    ROWS.flatMap(({ name, kind, workers = 'sum' }) => (kind === 'counter' && workers === 'sum' ? [name] : [])),
  );
  return { readings: new Map([...readings].filter(([name]) => lasts.has(name))), durations };
};

const isRecord = (value: unknown): value is object => typeof value === 'object' && value !== null;
const has = (value: object, name: string, is: (field: unknown) => boolean): boolean =>
  is(Object.entries(value).find(([key]) => key === name)?.[1]);
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isAttributes = (value: unknown): boolean =>
  isRecord(value) && Object.values(value).every((one) => typeof one === 'string');
const isExemplar = (value: unknown): boolean =>
  value === undefined ||
  (isRecord(value) &&
    ['traceId', 'spanId'].every((name) => has(value, name, (one) => typeof one === 'string')) &&
    ['value', 'time'].every((name) => has(value, name, isNumber)));
const isReading = (value: unknown): boolean =>
  isRecord(value) && has(value, 'value', isNumber) && has(value, 'attributes', isAttributes);
const isSeries = (value: unknown): boolean =>
  isRecord(value) &&
  has(value, 'attributes', isAttributes) &&
  has(value, 'sum', isNumber) &&
  has(value, 'counts', (counts) => Array.isArray(counts) && counts.every(isNumber)) &&
  has(value, 'exemplars', (list) => Array.isArray(list) && list.every(isExemplar));
const isMapOf = (value: unknown, is: (one: unknown) => boolean): boolean =>
  value instanceof Map &&
  [...value].every(([name, list]) => typeof name === 'string' && Array.isArray(list) && list.every(is));

/** Whether a value from another process is a snapshot. */
export const isMetricsSnapshot = (value: unknown): value is MetricsSnapshot =>
  isRecord(value) &&
  has(value, 'readings', (readings) => isMapOf(readings, isReading)) &&
  has(value, 'durations', (durations) => isMapOf(durations, isSeries));
