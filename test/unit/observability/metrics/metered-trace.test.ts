import { describe, expect, test } from 'vitest';
import type { SpanReference } from '../../../../core/ports/telemetry.ts';
import { instant } from '../../../../core/time.ts';
import { MeteredTrace } from '../../../../observability/metrics/metered-trace.ts';
import type { MetricAttributes } from '../../../../observability/metrics/readings.ts';
import { MemoryTelemetry } from '../../../support/memory-telemetry.ts';

const rig = (since?: number) => {
  let now = 10_000;
  const recorded: { name: string; seconds: number; attributes: MetricAttributes; span: SpanReference | undefined }[] =
    [];
  const failures: string[] = [];
  const memory = new MemoryTelemetry();
  const trace = new MeteredTrace(
    memory.tunnel({}),
    {
      durations: { record: (name, seconds, attributes, span) => recorded.push({ name, seconds, attributes, span }) },
      now: () => instant(now),
      failed: (phase, error) => failures.push(`${phase} ${error}`),
    },
    since === undefined ? undefined : instant(since),
  );
  const pass = (milliseconds: number) => {
    now += milliseconds;
  };
  const lines = () =>
    recorded.map(({ name, seconds, attributes }) => [name, seconds, Object.values(attributes).join(' ')]);
  return { trace, memory: memory.traces, recorded, failures, pass, lines };
};

const SETUP = 'pptp.tunnel.setup.duration';
const PHASE = 'pptp.tunnel.setup.phase.duration';
const FAILURE = { error: '691', message: 'wrong password' };

describe('a set-up that is measured', () => {
  test('gives the time of each phase and of the whole, by the method it ended with', () => {
    const { trace, recorded, failures, pass, lines } = rig(9_500);
    trace.phase('control', {}, instant(9_500)).end();
    const lcp = trace.phase('lcp');
    pass(200);
    lcp.end();
    trace.attributes({ 'ppp.auth.protocol': 'ms-chap-v2', other: 1 });
    expect(lines()).toEqual([]);
    trace.end();
    expect(lines()).toEqual([
      [PHASE, 0.5, 'control ok ms-chap-v2'],
      [PHASE, 0.2, 'lcp ok ms-chap-v2'],
      [SETUP, 0.7, 'ok ms-chap-v2'],
    ]);
    expect(recorded.every(({ span }) => span?.traceId === trace.traceId)).toBe(true);
    expect(failures).toEqual([]);
  });

  test('that fails names the phase that failed first, and ends those that are open', () => {
    const { trace, failures, pass, lines, memory } = rig();
    const auth = trace.phase('auth');
    trace.phase('ccp');
    pass(100);
    auth.end(FAILURE);
    trace.end({ error: 'peer-terminated', message: 'gone' });
    expect(failures).toEqual(['auth 691']);
    expect(lines()).toEqual([
      [PHASE, 0.1, 'auth failed none'],
      [PHASE, 0.1, 'ccp failed none'],
      [SETUP, 0.1, 'failed none'],
    ]);
    expect(memory[0]).toMatchObject({ ended: true, phases: [{ failure: FAILURE }, { ended: true }] });
  });

  test('that fails between phases belongs to none', () => {
    const { trace, failures } = rig();
    trace.phase('control').end();
    trace.end(FAILURE);
    expect(failures).toEqual(['none 691']);
  });

  test('may have a phase that ends after it, which is measured then', () => {
    const { trace, pass, lines } = rig();
    const ipv6cp = trace.phase('ipv6cp');
    trace.end();
    pass(3000);
    ipv6cp.end();
    expect(lines()).toEqual([
      [SETUP, 0, 'ok none'],
      [PHASE, 3, 'ipv6cp ok none'],
    ]);
  });

  test('counts each end once, and passes everything on', () => {
    const { trace, lines, memory, failures } = rig();
    const lcp = trace.phase('lcp');
    lcp.attributes({ a: 1 });
    lcp.event('lcp.configure-request');
    lcp.step('auth.round').end();
    lcp.end();
    lcp.end(FAILURE);
    trace.event('note');
    trace.end();
    trace.end(FAILURE);
    trace.later('end', { b: 2 }).end();
    expect(lines()).toHaveLength(2);
    expect(failures).toEqual([]);
    expect(memory[0]).toMatchObject({
      failure: undefined,
      events: [{ name: 'note' }],
      later: [{ name: 'end', attributes: { b: 2 } }],
      phases: [{ attributes: { a: 1 }, events: [{ name: 'lcp.configure-request' }], steps: [{ name: 'auth.round' }] }],
    });
  });

  test('does not take time backwards', () => {
    const { trace, lines } = rig(20_000);
    trace.end();
    expect(lines()).toEqual([[SETUP, 0, 'ok none']]);
  });
});
