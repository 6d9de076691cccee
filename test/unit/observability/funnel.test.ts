import { describe, expect, it } from 'vitest';
import { Funnel } from '../../../observability/funnel.ts';
import { OpenTelemetryTelemetry } from '../../../observability/telemetry.ts';

const of = (telemetry: OpenTelemetryTelemetry, name: string) =>
  telemetry.funnel.snapshot().find(({ phase }) => phase === name);

const SESSION = { 'session.id': '0123456789ab' };

describe('the funnel of set-ups', () => {
  it('counts a set-up once in each phase that it reaches, and where it came up', () => {
    const telemetry = new OpenTelemetryTelemetry();
    const trace = telemetry.tunnel(SESSION);
    for (const phase of ['control', 'lcp', 'auth', 'lcp', 'auth', 'ipcp'] as const) trace.phase(phase).end();
    trace.end();
    trace.phase('ipv6cp').end();
    const reached = Object.fromEntries(telemetry.funnel.snapshot().map((one) => [one.phase, one.reached]));
    expect(reached).toEqual({ control: 1, lcp: 1, auth: 1, address: 0, ccp: 0, ipcp: 1, ipv6cp: 0, up: 1 });
    expect(telemetry.funnel.snapshot().every(({ failed }) => failed === 0)).toBe(true);
  });

  it('counts a failure in the phase that the set-up ended for', () => {
    const telemetry = new OpenTelemetryTelemetry();
    const trace = telemetry.tunnel(SESSION);
    trace.phase('lcp').end();
    trace.phase('ccp').end({ error: 'not-encrypted', message: 'the set-up goes on' });
    trace.phase('ipcp').end({ error: 'no-address', message: 'none is free' });
    trace.end({ error: 'no-address', message: 'none is free' });
    expect(of(telemetry, 'ccp')).toMatchObject({ reached: 1, failed: 0, reasons: {} });
    expect(of(telemetry, 'ipcp')).toMatchObject({ reached: 1, failed: 1, reasons: { 'no-address': 1 } });
  });

  it('counts who leaves between phases where it got to', () => {
    const telemetry = new OpenTelemetryTelemetry();
    const trace = telemetry.tunnel(SESSION);
    trace.phase('control').end();
    trace.phase('lcp').end();
    trace.end({ error: 'peer-disconnect', message: 'left' });
    expect(of(telemetry, 'lcp')).toMatchObject({ failed: 1, reasons: { 'peer-disconnect': 1 } });
  });

  it('counts connections without a call once, traced or not, and none that we dial', () => {
    const telemetry = new OpenTelemetryTelemetry();
    const failure = { error: 'bad-message', message: 'no PPTP' };
    telemetry.event('control.no-call', { error: 'bad-message' });
    const traced = telemetry.tunnel({});
    traced.phase('control').end(failure);
    traced.end(failure);
    telemetry.event('control.connection-refused', { reason: 'limit' });
    telemetry.tunnel(SESSION, undefined, 'client').phase('control');
    expect(of(telemetry, 'control')).toEqual({
      phase: 'control',
      reached: 2,
      failed: 2,
      reasons: { 'bad-message': 1, limit: 1 },
    });
  });

  it('has few reasons, whatever it is told', () => {
    const funnel = new Funnel();
    for (let at = 0; at < 1_000; at += 1) funnel.failed('auth', `word-${at}`);
    const auth = funnel.snapshot().find(({ phase }) => phase === 'auth');
    expect(auth?.failed).toBe(1_000);
    expect(Object.keys(auth?.reasons ?? {})).toHaveLength(33);
    expect(auth?.reasons['other']).toBe(968);
  });
});
