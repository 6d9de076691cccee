import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { describe, expect, it } from 'vitest';
import type { TunnelRole } from '../../../core/ports/telemetry.ts';
import { after, instant } from '../../../core/time.ts';
import { SpanTrace } from '../../../observability/tunnel-trace.ts';
import { createUserNames, type UserNames } from '../../../observability/user-names.ts';

const bench = (role: TunnelRole = 'server', userNames: UserNames = createUserNames('plain')) => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  let now = instant(5_000);
  const settings = { tracer: provider.getTracer('test'), userNames, now: () => now };
  const attributes = { 'session.id': 'abc', 'client.address': '192.0.2.7', 'pptp.call.id': 7 };
  const trace = new SpanTrace(settings, attributes, instant(4_000), role);
  return {
    trace,
    wait: (milliseconds: number): void => {
      now = after(now, milliseconds);
    },
    spans: () => exporter.getFinishedSpans(),
    span: (name: string) => {
      const [found, ...others] = exporter.getFinishedSpans().filter((one) => one.name === name);
      if (found === undefined || others.length > 0) throw new Error(`not one span ${name}`);
      return found;
    },
  };
};

const milliseconds = ([seconds, nanoseconds]: readonly [number, number]): number => seconds * 1000 + nanoseconds / 1e6;

describe('the trace of a set-up', () => {
  it.each([
    ['server', SpanKind.SERVER],
    ['client', SpanKind.CLIENT],
  ] as const)('of a %s has its kind', (role, kind) => {
    const { trace, span } = bench(role);
    trace.end();
    expect(span('pptp.tunnel.setup').kind).toBe(kind);
  });

  it('keeps the times of the gateway’s clock, however long ago', () => {
    const { trace, span, wait } = bench();
    const phase = trace.phase('control', {}, instant(4_100));
    phase.event('pptp.outgoing-call-request', {}, instant(4_600));
    wait(250);
    phase.end();
    trace.end();
    const [root, control] = [span('pptp.tunnel.setup'), span('pptp.setup.control')];
    const since = milliseconds(root.startTime);
    expect(milliseconds(root.endTime) - since).toBeCloseTo(1_250, 1);
    expect(milliseconds(control.startTime) - since).toBeCloseTo(100, 1);
    expect(milliseconds(control.endTime) - since).toBeCloseTo(1_250, 1);
    expect(milliseconds(control.events[0]?.time ?? [0, 0]) - since).toBeCloseTo(600, 1);
  });

  it('shows parts of a phase below it, and ends those that are open with it', () => {
    const { trace, span } = bench();
    const auth = trace.phase('auth');
    const round = auth.step('auth.round', { 'ppp.auth.round': 1 });
    round.step('auth.backend', { 'pptp.backend.name': 'users' }).end();
    round.step('auth.task');
    const failure = { error: 'bad-credentials', message: 'wrong user name or password' };
    auth.end(failure);
    trace.end(failure);
    expect(span('pptp.auth.round').parentSpanContext?.spanId).toBe(span('pptp.setup.auth').spanContext().spanId);
    expect(span('pptp.auth.backend').parentSpanContext?.spanId).toBe(span('pptp.auth.round').spanContext().spanId);
    expect(span('pptp.auth.backend').status.code).toBe(SpanStatusCode.UNSET);
    expect(span('pptp.auth.task').status).toEqual({ code: SpanStatusCode.ERROR, message: failure.message });
    expect(span('pptp.auth.round').attributes['error.type']).toBe('bad-credentials');
  });

  it('lets a phase go on when the set-up is over, but not when it has failed', () => {
    const good = bench();
    const ipv6cp = good.trace.phase('ipv6cp');
    good.trace.end();
    expect(good.spans().map(({ name }) => name)).toEqual(['pptp.tunnel.setup']);
    ipv6cp.end();
    expect(good.spans().map(({ name }) => name)).toEqual(['pptp.tunnel.setup', 'pptp.setup.ipv6cp']);

    const bad = bench();
    bad.trace.phase('lcp');
    bad.trace.end({ error: 'control-lost', message: 'gone' });
    expect(bad.span('pptp.setup.lcp').attributes['error.type']).toBe('control-lost');
  });

  it('takes a phase that begins after it is over', () => {
    const { trace, span } = bench();
    trace.end();
    trace.phase('ccp').end();
    const [root, ccp] = [span('pptp.tunnel.setup'), span('pptp.setup.ccp')];
    expect(ccp.parentSpanContext?.spanId).toBe(root.spanContext().spanId);
    expect(ccp.spanContext().traceId).toBe(root.spanContext().traceId);
  });

  it('can be pointed at', () => {
    const { trace, span } = bench();
    trace.end();
    const { traceId, spanId } = span('pptp.tunnel.setup').spanContext();
    expect(trace.root).toEqual({ traceId, spanId, sampled: true });
    expect(trace.traceId).toBe(traceId);
  });
});

describe('a span of later life', () => {
  it('is a trace of its own that points back, with the identity of the tunnel', () => {
    const { trace, span, wait } = bench();
    trace.attributes({ 'user.name': 'alice', 'ppp.mppe.key_bits': 128 });
    trace.end();
    wait(3_600_000);
    trace.later('echo_loss', { 'ppp.echo.lost': 3 }, instant(3_575_000)).end();
    const [root, loss] = [span('pptp.tunnel.setup'), span('pptp.tunnel.echo_loss')];
    expect(loss.spanContext().traceId).not.toBe(root.spanContext().traceId);
    expect(loss.parentSpanContext).toBeUndefined();
    expect(loss.links.map(({ context }) => context.spanId)).toEqual([root.spanContext().spanId]);
    expect(loss.attributes).toEqual({
      'session.id': 'abc',
      'client.address': '192.0.2.7',
      'user.name': 'alice',
      'ppp.echo.lost': 3,
    });
    expect(milliseconds(loss.endTime) - milliseconds(loss.startTime)).toBeCloseTo(30_000, 1);
  });

  it('names the phases of a new negotiation differently', () => {
    const { trace, spans } = bench();
    trace.end();
    const again = trace.later('renegotiation');
    again.step('lcp').end();
    again.step('auth').step('auth.round').end();
    again.end();
    expect(spans().map(({ name }) => name)).toEqual([
      'pptp.tunnel.setup',
      'pptp.renegotiation.lcp',
      'pptp.auth.round',
      'pptp.renegotiation.auth',
      'pptp.tunnel.renegotiation',
    ]);
  });

  it.each([
    ['hash', { 'user.hash': createUserNames('hash', 'k').show('alice') }],
    ['off', {}],
  ] as const)('shows user names %s', (mode, shown) => {
    const { trace, span } = bench('server', createUserNames(mode, 'k'));
    trace.attributes({ 'user.name': 'alice' });
    const auth = trace.phase('auth');
    auth.step('auth.round', { 'user.name': 'alice' }).end();
    auth.event('note', { 'user.name': 'alice' });
    auth.end();
    trace.later('end').end();
    expect(span('pptp.tunnel.end').attributes).toEqual({
      'session.id': 'abc',
      'client.address': '192.0.2.7',
      ...shown,
    });
    expect(span('pptp.auth.round').attributes).toEqual(shown);
    expect(span('pptp.setup.auth').events[0]?.attributes).toEqual(shown);
  });
});
