import { describe, expect, test } from 'vitest';
import { EVENT_METRICS, keptAttributes, metricAttributes } from '../../../../observability/metrics/event-metrics.ts';
import { METRICS, type MetricRow } from '../../../../observability/metrics/table.ts';
import { OpenTelemetryTelemetry } from '../../../../observability/telemetry.ts';

const rows: readonly MetricRow[] = METRICS;

describe('events that are metrics', () => {
  test.each(Object.entries(EVENT_METRICS))('%s gives exactly the attributes of its metric', (_, own) => {
    const row = rows.find(({ name }) => name === own.metric);
    expect(row?.kind).toBe('counter');
    expect([...Object.values(own.from ?? {}), ...Object.keys(own.fixed ?? {})].toSorted()).toEqual(
      row?.attributes.toSorted(),
    );
  });

  test('keep nothing else of what was reported', () => {
    expect(keptAttributes('ppp.ignored', { protocol: 0x8031, why: 'unknown-code' })).toEqual({ why: 'unknown-code' });
    expect(keptAttributes('session.up', { anything: 1 })).toEqual({ anything: 1 });
  });

  test('say other when there are too many kinds of them', () => {
    const telemetry = new OpenTelemetryTelemetry();
    for (let kind = 0; kind < 1000; kind += 1) telemetry.event('ppp.ignored', { why: `why-${kind}` });
    telemetry.event('auth.failed', { method: 'pap', denial: 'locked' });
    const { events } = telemetry.snapshot();
    const own = EVENT_METRICS['ppp.ignored'];
    const labels = events.filter(({ name }) => name === 'ppp.ignored');
    expect(labels.length).toBeLessThanOrEqual(65);
    expect(labels.reduce((sum, { count }) => sum + count, 0)).toBe(1000);
    expect(labels.map(({ attributes }) => own && metricAttributes(own, attributes))).toContainEqual({
      reason: 'other',
    });
    // One event cannot take the room of another.
    expect(events).toContainEqual({ name: 'auth.failed', attributes: { method: 'pap', denial: 'locked' }, count: 1 });
  });
});
