import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { NO_CALL_WORDS } from '../../../../observability/error-words.ts';
import {
  EVENT_METRICS,
  KNOWN_SERIES,
  keptAttributes,
  metricAttributes,
} from '../../../../observability/metrics/event-metrics.ts';
import { collect } from '../../../../observability/metrics/readings.ts';
import { METRICS, type MetricRow } from '../../../../observability/metrics/table.ts';
import { OpenTelemetryTelemetry } from '../../../../observability/telemetry.ts';
import { fullSources } from '../../../support/metric-sources.ts';

const rows: readonly MetricRow[] = METRICS;

describe('series that are known before anything happened', () => {
  const fresh = collect({ ...fullSources(), counters: new OpenTelemetryTelemetry().snapshot() });

  test('are there at 0, each once', () => {
    for (const { metric, attributes } of KNOWN_SERIES) {
      expect(fresh.get(metric)?.filter((one) => isDeepStrictEqual(one.attributes, attributes))).toEqual([
        { value: 0, attributes },
      ]);
    }
    expect(fresh.get('pptp.events')).toEqual([{ value: 0, attributes: { event: 'gre.blocked' } }]);
  });

  test('count on from there', () => {
    const telemetry = new OpenTelemetryTelemetry();
    telemetry.event('gre.blocked');
    telemetry.event('control.no-call', { error: 'bad-message' });
    const readings = collect({ ...fullSources(), counters: telemetry.snapshot() });
    expect(readings.get('pptp.events')).toContainEqual({ value: 1, attributes: { event: 'gre.blocked' } });
    const ended = readings.get('pptp.control.without_call') ?? [];
    expect(ended).toHaveLength(NO_CALL_WORDS.length);
    expect(ended.filter(({ value }) => value > 0)).toEqual([{ value: 1, attributes: { 'error.type': 'bad-message' } }]);
  });
});

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
