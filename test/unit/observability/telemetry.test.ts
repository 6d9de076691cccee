import { SpanStatusCode } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { describe, expect, test } from 'vitest';
import { DROP_REASONS } from '../../../core/outcome.ts';
import type { Log } from '../../../core/ports/log.ts';
import { silentLog } from '../../../core/ports/log.ts';
import { SETUP_PHASES } from '../../../core/ports/telemetry.ts';
import { instant } from '../../../core/time.ts';
import { OpenTelemetryTelemetry, type TelemetryOptions } from '../../../observability/telemetry.ts';
import { createUserNames } from '../../../observability/user-names.ts';

const withExporter = (options: TelemetryOptions = {}) => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const telemetry = new OpenTelemetryTelemetry({ tracer: provider.getTracer('test'), ...options });
  const span = (name: string) => {
    const found = exporter.getFinishedSpans().filter((one) => one.name === name);
    expect(found).toHaveLength(1);
    return found[0];
  };
  return { telemetry, span, names: () => exporter.getFinishedSpans().map((one) => one.name) };
};

const milliseconds = (time: readonly [number, number] | undefined) =>
  time === undefined ? Number.NaN : time[0] * 1000 + time[1] / 1e6;

describe('the trace of a tunnel set-up', () => {
  test('is one root span with a child per phase', () => {
    const { telemetry, span, names } = withExporter();
    const trace = telemetry.tunnel({ 'network.peer.address': '192.0.2.7' });
    for (const phase of SETUP_PHASES) trace.phase(phase, { 'pptp.call.id': 7 }).end();
    trace.attributes({ 'ppp.mppe.key_bits': 128 });
    trace.end();
    expect(names()).toEqual([
      'pptp.setup.control',
      'pptp.setup.lcp',
      'pptp.setup.auth',
      'pptp.setup.address',
      'pptp.setup.ccp',
      'pptp.setup.ipcp',
      'pptp.setup.ipv6cp',
      'pptp.tunnel.setup',
    ]);
    const root = span('pptp.tunnel.setup');
    expect(root?.parentSpanContext).toBeUndefined();
    expect(root?.attributes).toEqual({ 'network.peer.address': '192.0.2.7', 'ppp.mppe.key_bits': 128 });
    expect(root?.status.code).toBe(SpanStatusCode.UNSET);
    expect(root?.spanContext().traceId).toBe(trace.traceId);
    const lcp = span('pptp.setup.lcp');
    expect(lcp?.parentSpanContext?.spanId).toBe(root?.spanContext().spanId);
    expect(lcp?.spanContext().traceId).toBe(trace.traceId);
    expect(lcp?.attributes).toEqual({ 'pptp.call.id': 7 });
  });

  test('two set-ups are two traces', () => {
    const { telemetry } = withExporter();
    expect(telemetry.tunnel({}).traceId).not.toBe(telemetry.tunnel({}).traceId);
  });

  test('a failed phase carries status and error.type, and so does the root', () => {
    const { telemetry, span } = withExporter();
    const trace = telemetry.tunnel({});
    trace.phase('lcp').end();
    const failure = { error: '691', message: 'The password is wrong.' };
    trace.phase('auth').end(failure);
    trace.end(failure);
    for (const name of ['pptp.setup.auth', 'pptp.tunnel.setup']) {
      expect(span(name)?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'The password is wrong.' });
      expect(span(name)?.attributes['error.type']).toBe('691');
    }
    expect(span('pptp.setup.lcp')?.status.code).toBe(SpanStatusCode.UNSET);
  });

  test('the end ends the phases still open, once', () => {
    const { telemetry, span, names } = withExporter();
    const trace = telemetry.tunnel({});
    const ccp = trace.phase('ccp');
    trace.end({ error: 'control-lost', message: 'The control connection closed.' });
    ccp.end();
    ccp.attributes({ late: true });
    trace.end();
    expect(names()).toEqual(['pptp.setup.ccp', 'pptp.tunnel.setup']);
    expect(span('pptp.setup.ccp')?.attributes).toEqual({ 'error.type': 'control-lost' });
  });

  test('begins when the first octet came, not when the session was made', () => {
    const { telemetry, span } = withExporter({ now: () => instant(10_000) });
    const trace = telemetry.tunnel({}, instant(7000));
    trace.phase('control', {}, instant(8000)).end();
    trace.end();
    const root = span('pptp.tunnel.setup');
    const control = span('pptp.setup.control');
    expect(milliseconds(root?.endTime) - milliseconds(root?.startTime)).toBeGreaterThanOrEqual(2999);
    const apart = milliseconds(control?.startTime) - milliseconds(root?.startTime);
    expect(apart).toBeGreaterThan(500);
  });

  test('has an id of its own without an SDK', () => {
    const telemetry = new OpenTelemetryTelemetry();
    const [first, second] = [telemetry.tunnel({}), telemetry.tunnel({})];
    first.phase('lcp').end();
    first.end();
    expect(first.traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
    expect(second.traceId).not.toBe(first.traceId);
  });

  test.each([
    ['plain', { 'user.name': 'alice' }],
    ['hash', { 'user.hash': createUserNames('hash', 'k').show('alice') }],
    ['off', {}],
  ] as const)('shows user names %s', (mode, expected) => {
    const { telemetry, span } = withExporter({ userNames: createUserNames(mode, 'k') });
    const trace = telemetry.tunnel({});
    trace.phase('auth', { 'user.name': 'alice' }).end();
    trace.attributes({ 'user.name': 'alice' });
    trace.end();
    expect(span('pptp.setup.auth')?.attributes).toEqual(expected);
    expect(span('pptp.tunnel.setup')?.attributes).toEqual(expected);
  });
});

describe('counters', () => {
  test('are kept per stage, direction and reason', () => {
    const { telemetry } = withExporter();
    telemetry.packets('gre-decode', 'in', 3);
    telemetry.packets('gre-decode', 'in', 4);
    telemetry.packets('gre-decode', 'out', 1);
    telemetry.dropped('gre-decode', 'in', 'truncated', 2);
    telemetry.dropped('gre-decode', 'in', 'truncated', 1);
    for (const reason of DROP_REASONS) telemetry.dropped('mppe', 'out', reason, 1);
    const { stages } = telemetry.snapshot();
    expect(stages.get('gre-decode')).toEqual({
      in: { passed: 7, octets: 0, faults: 0, dropped: { truncated: 3 } },
      out: { passed: 1, octets: 0, faults: 0, dropped: {} },
    });
    expect(Object.keys(stages.get('mppe')?.out.dropped ?? {})).toEqual([...DROP_REASONS]);
  });

  test('a snapshot does not change afterwards', () => {
    const { telemetry } = withExporter();
    telemetry.event('call.refused');
    const before = telemetry.snapshot();
    telemetry.event('call.refused');
    expect(before.events).toEqual([{ name: 'call.refused', attributes: {}, count: 1 }]);
  });

  test('events with the same attributes are one series, and there are only so many series', () => {
    const { telemetry } = withExporter();
    telemetry.event('auth.failed', { method: 'ms-chap-v2', denial: 'locked' });
    telemetry.event('auth.failed', { denial: 'locked', method: 'ms-chap-v2' });
    expect(telemetry.snapshot().events).toHaveLength(1);
    for (let peer = 0; peer < 1000; peer++) telemetry.event('call.refused', { peer });
    const { events } = telemetry.snapshot();
    expect(events.length).toBeLessThanOrEqual(257);
    const refused = events.filter((event) => event.name === 'call.refused');
    expect(refused.reduce((sum, event) => sum + event.count, 0)).toBe(1000);
  });

  test('a stage that keeps throwing is counted each time and logged seldom', () => {
    const lines: string[] = [];
    const log: Log = { ...silentLog, error: (event, message) => lines.push(`${event}: ${message}`) };
    const { telemetry } = withExporter({ log });
    for (let fault = 0; fault < 1500; fault++) telemetry.fault('mppe', 'in', new Error('bug'));
    expect(telemetry.snapshot().stages.get('mppe')?.in.faults).toBe(1500);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toBe('stage.fault: The stage mppe threw: a bug; the packet was dropped.');
  });
});
