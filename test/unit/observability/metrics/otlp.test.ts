import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { silentLog } from '../../../../core/ports/log.ts';
import { logBridge } from '../../../../observability/log-bridge.ts';
import { createLog } from '../../../../observability/logger.ts';
import { startMetrics } from '../../../../observability/metrics/metrics.ts';
import { METRICS, type MetricRow } from '../../../../observability/metrics/table.ts';
import { startTelemetrySdk, telemetryDefaults } from '../../../../observability/sdk.ts';
import { OpenTelemetryTelemetry } from '../../../../observability/telemetry.ts';
import { fullSources, recordAll } from '../../../support/metric-sources.ts';
import { type OtlpInbox, type OtlpMetric, openOtlpInbox, plainAttributes } from '../../../support/otlp-inbox.ts';

const rows: readonly MetricRow[] = METRICS;
const TRACE = 'a'.repeat(32);
const SPAN = 'b'.repeat(16);

/** Read from /proc of a real device, which a test has not. */
const FROM_THE_KERNEL = ['pptp.kernel.queue', 'pptp.kernel.dropped'];

let inbox: OtlpInbox;
let defaults: readonly string[] = [];

/** Everything that the SDK sends until it has shut down. */
beforeAll(async () => {
  inbox = await openOtlpInbox();
  for (const name of Object.keys(process.env).filter((one) => one.startsWith('OTEL_'))) vi.stubEnv(name, undefined);
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', inbox.url);
  vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/json');
  vi.stubEnv('OTEL_TRACES_EXPORTER', 'none');
  defaults = Object.keys(telemetryDefaults(process.env));
  const bridge = logBridge();
  const log = createLog({ level: 'info', format: 'json', sink: { write: () => undefined }, copy: bridge });
  log.info('gateway.early', 'before the SDK');
  const sdk = await startTelemetrySdk({ version: '1.2.3', log: silentLog, bridge });
  const telemetry = new OpenTelemetryTelemetry();
  const { gateway } = fullSources();
  if (sdk === undefined || gateway === undefined) throw new Error('the SDK did not start');
  for (const event of ['auth.succeeded', 'mppe.reset-needed', 'control.message', 'control.connection-refused'])
    telemetry.event(event, { method: 'pap', message: 'echo-request', direction: 'in', reason: 'limit' });
  telemetry.event('ppp.ignored', { protocol: 0x8031, why: 'unknown-code' });
  telemetry.event('control.no-call', { error: 'bad-message' });
  telemetry.packets('gre-socket', 'in', 3, 300);
  telemetry.dropped('sequence', 'in', 'late', 1);
  telemetry.fault('mppe', 'in', new Error('bug'));
  const metrics = await startMetrics({
    version: '1.2.3',
    log: silentLog,
    telemetry,
    numbers: () => gateway,
    workers: () => ({ alive: 1, restarts: [0, 1] }),
    life: () => ({ phases: ['ready', 'draining'], phase: 'ready' }),
    endpoints: [],
    otel: sdk.metrics,
  });
  telemetry.tunnel({}).end({ error: 'no-gre', message: 'Nothing came.' });
  recordAll(telemetry.durations);
  log.child({ trace_id: TRACE, span_id: SPAN, session: 's1' }).warn('gre.blocked', 'no GRE', { seconds: 10 });
  await sdk.shutdown();
  await metrics?.stop();
});

afterAll(async () => {
  vi.unstubAllEnvs();
  for (const name of defaults) delete process.env[name];
  await inbox.close();
});

const kindOf = ({ histogram, gauge, sum }: OtlpMetric): MetricRow['kind'] => {
  if (histogram !== undefined) return 'histogram';
  if (gauge !== undefined) return 'gauge';
  return sum?.isMonotonic === true ? 'counter' : 'sum';
};

const pointsOf = ({ histogram, gauge, sum }: OtlpMetric) => (histogram ?? gauge ?? sum)?.dataPoints ?? [];

describe('what a collector gets', () => {
  test('is every metric of the table, and no other', () => {
    const expected = rows.map(({ name }) => name).filter((name) => !FROM_THE_KERNEL.includes(name));
    const names = new Set(inbox.metrics.map(({ name }) => name).filter((name) => !FROM_THE_KERNEL.includes(name)));
    expect([...names].toSorted()).toEqual(expected.toSorted());
  });

  test('has the units, kinds, sentences and attributes of the table', () => {
    for (const metric of inbox.metrics) {
      const row = rows.find(({ name }) => name === metric.name);
      expect(metric).toMatchObject({ unit: row?.unit, description: row?.description });
      expect([metric.name, kindOf(metric)]).toEqual([row?.name, row?.kind]);
      const attributes = new Set(pointsOf(metric).flatMap((point) => Object.keys(plainAttributes(point.attributes))));
      // Which process it is, the resource says.
      const expected = row?.attributes.filter((name) => name !== 'worker' || row.workers !== 'each');
      expect([metric.name, [...attributes].toSorted()]).toEqual([metric.name, expected?.toSorted()]);
      for (const point of metric.histogram?.dataPoints ?? []) expect(point.explicitBounds).toEqual(row?.buckets);
    }
  });

  test('has the values', () => {
    const value = (name: string, attributes: Record<string, string>) =>
      inbox.metrics
        .filter((metric) => metric.name === name)
        .flatMap(pointsOf)
        .filter(({ attributes: own }) => expect.objectContaining(attributes).asymmetricMatch(plainAttributes(own)))
        .map(({ asDouble, asInt, count }) => Number(asDouble ?? asInt ?? count));
    expect(value('pptp.tunnels', { state: 'up' })).toEqual([4]);
    expect(value('pptp.io', { device: 'gre-socket', direction: 'in' })).toEqual([300]);
    expect(value('pptp.packets.dropped', { reason: 'late' })).toEqual([1]);
    expect(value('pptp.tunnel.setup.failures', { 'error.type': 'no-gre' })).toEqual([1]);
    expect(value('pptp.echo.duration', {})).toEqual([1]);
  });

  test('are log records with their trace, those from before the SDK as well', () => {
    const records = inbox.logs.map(({ body, eventName, severityText }) => [eventName, severityText, body.stringValue]);
    expect(records).toEqual([
      ['gateway.early', 'info', 'before the SDK'],
      ['gre.blocked', 'warn', 'no GRE'],
    ]);
    const blocked = inbox.logs[1];
    expect(blocked).toMatchObject({ traceId: TRACE, spanId: SPAN });
    expect(plainAttributes(blocked?.attributes)).toEqual({ session: 's1', seconds: 10 });
  });
});
