import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { writePage } from '../../../../observability/metrics/prometheus.ts';
import { collect } from '../../../../observability/metrics/readings.ts';
import { mergeSnapshots } from '../../../../observability/metrics/snapshot.ts';
import { METRICS, type MetricRow, prometheusLabel } from '../../../../observability/metrics/table.ts';
import { describeWithProgram } from '../../../support/describe-program.ts';
import { fullSources, recordAll } from '../../../support/metric-sources.ts';
import { PageExporter } from '../../../support/page-exporter.ts';
import { type PageMetric, parsePage, sampleOf } from '../../../support/prometheus-page.ts';

const rows: readonly MetricRow[] = METRICS;
const TYPE = { counter: 'counter', gauge: 'gauge', sum: 'gauge', histogram: 'histogram' } as const;
const SPAN = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled: true };

const full = () => {
  const exporter = new PageExporter(() => collect(fullSources()));
  recordAll(exporter, SPAN);
  return exporter;
};

const labelNames = ({ samples }: PageMetric): string[] => [
  ...new Set(samples.flatMap(({ labels }) => Object.keys(labels)).filter((name) => name !== 'le')),
];

describe('the page for Prometheus', () => {
  test('has every metric of the table with its type, sentence and labels, and no other', async () => {
    const merged = mergeSnapshots([{ worker: '0', snapshot: full().snapshot() }]);
    const page = parsePage((await writePage(merged, 'text')).text);
    expect([...page.keys()].toSorted()).toEqual(rows.map(({ prometheus }) => prometheus).toSorted());
    for (const row of rows) {
      const metric = page.get(row.prometheus);
      expect(metric).toMatchObject({ type: TYPE[row.kind], help: row.description });
      expect(metric?.samples.length, row.prometheus).toBeGreaterThan(0);
      expect(metric && labelNames(metric).toSorted()).toEqual(row.attributes.map(prometheusLabel).toSorted());
    }
  });

  test('of one process names no worker but what has workers', async () => {
    const page = parsePage((await full().page('text')).text);
    const naming = [...page].filter(([, metric]) => labelNames(metric).includes('worker')).map(([name]) => name);
    expect(naming).toEqual(['pptp_workers_restarts_total']);
  });

  test('has the values of the moment, each time anew', async () => {
    let sources = fullSources();
    const exporter = new PageExporter(() => collect(sources));
    const first = parsePage((await exporter.page('text')).text);
    expect(sampleOf(first, 'pptp_tunnels', { state: 'up' })).toBe(4);
    expect(sampleOf(first, 'pptp_io_bytes_total', { device: 'gre-socket', direction: 'in' })).toBe(300);
    expect(sampleOf(first, 'pptp_packets_dropped_total', { stage: 'sequence', reason: 'duplicate' })).toBe(1);
    expect(sampleOf(first, 'pptp_tunnel_memory_bytes', { memory: 'rss' })).toBe(64e6 / 5);
    expect(sampleOf(first, 'pptp_mppe_resets_total', { direction: 'out' })).toBe(1);
    expect(sampleOf(first, 'pptp_auth_attempts_total', { method: 'x', result: 'ok' })).toBe(1);
    sources = { ...sources, gateway: undefined };
    const second = parsePage((await exporter.page('text')).text);
    expect(sampleOf(second, 'pptp_tunnels', { state: 'up' })).toBeUndefined();
    expect(sampleOf(second, 'pptp_packets_total', { stage: 'sequence', direction: 'in' })).toBe(2);
  });

  test('is OpenMetrics for those who ask for it: counters without suffix, exemplars, an end', async () => {
    const { contentType, text } = await full().page('openmetrics');
    expect(contentType).toMatch(/^application\/openmetrics-text; version=1\.0\.0/);
    expect(text.endsWith('\n# EOF\n')).toBe(true);
    const page = parsePage(text);
    expect(page.get('pptp_packets')?.type).toBe('counter');
    expect(sampleOf(page, 'pptp_packets_total', { stage: 'sequence', direction: 'in' })).toBe(2);
    const exemplars = page
      .get('pptp_tunnel_setup_duration_seconds')
      ?.samples.flatMap(({ exemplar, labels }) => (exemplar === undefined ? [] : [[labels['le'], exemplar]]));
    expect(exemplars).toEqual([
      ['0.5', expect.stringMatching(/^\{trace_id="a{32}",span_id="b{16}"\} 0\.3 \d+(\.\d+)?$/)],
    ]);
  });

  test('plain text has no exemplars, and comes as before when OpenMetrics was asked for between', async () => {
    const exporter = full();
    const before = (await exporter.page('text')).text;
    await exporter.page('openmetrics');
    expect((await exporter.page('text')).text).toBe(before);
    expect(before).not.toContain('trace_id');
  });

  test('a span that nobody keeps is no example', async () => {
    const exporter = new PageExporter(() => new Map());
    recordAll(exporter, { ...SPAN, sampled: false });
    recordAll(exporter);
    expect((await exporter.page('openmetrics')).text).not.toContain('trace_id');
  });

  test('two readers at once see the same', async () => {
    const exporter = full();
    const pages = await Promise.all([exporter.page('text'), exporter.page('openmetrics'), exporter.page('text')]);
    expect(pages[2]).toEqual(pages[0]);
  });

  test('hides nothing in label values that would break a line', async () => {
    const sources = fullSources();
    const versions = { gateway: 'a"b\\c\nd', node: 'x' };
    const exporter = new PageExporter(() => collect({ ...sources, versions }));
    const line = (await exporter.page('text')).text.split('\n').find((one) => one.startsWith('pptp_build_info'));
    expect(line).toBe('pptp_build_info{version="a\\"b\\\\c\\nd",node="x"} 1');
  });
});

describeWithProgram('promtool', 'the page for Prometheus, to promtool', () => {
  test('is as it should be', async () => {
    const { text } = await full().page('text');
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' });
  });
});
