import { describe, expect, test } from 'vitest';
import {
  METRIC_ATTRIBUTES,
  METRICS,
  type MetricRow,
  prometheusLabel,
  prometheusName,
} from '../../../../observability/metrics/table.ts';

const rows: readonly MetricRow[] = METRICS;
/** Names that every Node process and every dashboard has. */
const STANDARD = new Map([
  ['process.cpu.time', 'process_cpu_seconds_total'],
  ['process.memory.usage', 'process_resident_memory_bytes'],
  ['v8js.memory.heap.used', 'nodejs_heap_size_used_bytes'],
  ['process.open_file_descriptor.count', 'process_open_fds'],
  ['process.start_time', 'process_start_time_seconds'],
]);

describe('the table of metrics', () => {
  test('names each metric once', () => {
    expect(new Set(rows.map((row) => row.name)).size).toBe(rows.length);
    expect(new Set(rows.map((row) => row.prometheus)).size).toBe(rows.length);
  });

  test.each(rows.map((row) => [row.name, row] as const))('%s has the Prometheus name of the rule', (name, row) => {
    expect(row.prometheus).toBe(STANDARD.get(name) ?? prometheusName(row));
    expect(row.prometheus).toMatch(/^[a-z][a-z0-9_]*$/);
    if (!STANDARD.has(name)) expect(name).toMatch(/^pptp\.[a-z0-9_.]+$/);
  });

  test.each(rows.map((row) => [row.name, row] as const))('%s has a unit, a sentence and known attributes', (_, row) => {
    expect(row.unit).toMatch(/^(s|By|1|\{[a-z_]+\})$/);
    expect(row.description).toMatch(/^[A-Z].*\.$/s);
    for (const attribute of row.attributes) expect(METRIC_ATTRIBUTES[attribute].description).toMatch(/\.$/);
    expect(row.buckets).toEqual(row.buckets?.toSorted((a, b) => a - b));
  });

  test('uses no attribute that could name a user or an address', () => {
    const used = new Set(rows.flatMap((row) => row.attributes));
    expect([...used].toSorted()).toEqual(Object.keys(METRIC_ATTRIBUTES).toSorted());
    for (const attribute of used) {
      expect(attribute).not.toMatch(/user|address|peer|client|session|tunnel/);
      expect(prometheusLabel(attribute)).toMatch(/^[a-z_]+$/);
      // Prometheus has these for itself.
      expect(['le', 'quantile', 'job', 'instance']).not.toContain(attribute);
    }
  });

  test('each histogram has buckets', () => {
    for (const row of rows) expect(row.kind === 'histogram').toBe((row.buckets?.length ?? 0) > 0);
  });
});
