import { request } from 'node:http';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { afterEach, describe, expect, test } from 'vitest';
import { ipv4 } from '../../core/bytes/ipv4-address.ts';
import { startMetrics } from '../../observability/metrics/metrics.ts';
import { METRICS } from '../../observability/metrics/table.ts';
import { OpenTelemetryTelemetry } from '../../observability/telemetry.ts';
import { address } from '../support/batches.ts';
import { GatewayLab, type LabOptions } from '../support/gateway-lab.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';
import { MemoryLog } from '../support/memory-log.ts';
import { parsePage, sampleOf } from '../support/prometheus-page.ts';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const ask = (url: string, method = 'GET', headers: Record<string, string> = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', text }),
      );
    });
    asked.on('error', reject).end();
  });

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

/** A gateway in memory that reports as the real one does, and Prometheus' way to it. */
const open = async (options: LabOptions = {}) => {
  let telemetry: OpenTelemetryTelemetry | undefined;
  const tracer = new BasicTracerProvider().getTracer('test');
  const lab = await GatewayLab.start({
    ...options,
    observe: (platform) => {
      telemetry = new OpenTelemetryTelemetry({ tracer, now: () => platform.clock.now() });
      return { ...platform, telemetry };
    },
  });
  if (telemetry === undefined) throw new Error('the gateway was not observed');
  ends.push(() => lab.stop());
  const metrics = await startMetrics({
    version: '1.2.3',
    log: new MemoryLog(),
    telemetry,
    numbers: lab.gateway.numbers,
    endpoints: [{ address: '127.0.0.1', port: 0, setting: 'PPTP_METRICS_PORT' }],
    otel: false,
  });
  if (metrics === undefined) throw new Error('no metrics were started');
  ends.push(() => metrics.stop());
  const url = `http://127.0.0.1:${metrics.listening[0]?.port}/metrics`;
  const page = async () => parsePage((await ask(url)).text);
  return { lab, metrics, url, page };
};

const INTRANET = address('10.0.0.80');
const PAYLOAD = new Uint8Array(100);

describe('metrics of a tunnel', () => {
  test('follow it from the call to its end', async () => {
    const { lab, page } = await open({ env: { PPTP_GRE_WINDOW: 'on' } });
    expect(sampleOf(await page(), 'pptp_tunnels', { state: 'up' })).toBe(0);

    const client = await lab.connect();
    client.tun.hostSends(ipv4Packet({ source: client.address, destination: INTRANET, payload: PAYLOAD }));
    await lab.clock.advance(100);
    // A packet from a source that is not the peer's.
    client.tun.hostSends(ipv4Packet({ source: INTRANET, destination: INTRANET, payload: PAYLOAD }));
    await lab.clock.advance(100);
    lab.tun.hostSends(ipv4Packet({ source: INTRANET, destination: client.address, payload: PAYLOAD }));
    await lab.clock.advance(100);

    const up = await page();
    const value = (name: string, labels = {}) => sampleOf(up, name, labels);
    expect(value('pptp_tunnels', { state: 'up' })).toBe(1);
    expect(value('pptp_tunnels', { state: 'setup' })).toBe(0);
    expect(value('pptp_control_connections')).toBe(1);
    expect(value('pptp_pool_used', { family: 'ipv4' })).toBe(1);
    expect(value('pptp_pool_size', { family: 'ipv4' })).toBe(253);
    expect(value('pptp_packets_total', { stage: 'tun', direction: 'in' })).toBe(1);
    expect(value('pptp_io_bytes_total', { device: 'tun', direction: 'in' })).toBe(120);
    expect(value('pptp_packets_total', { stage: 'tun', direction: 'out' })).toBe(1);
    expect(value('pptp_packets_dropped_total', { stage: 'address', reason: 'spoofed-source' })).toBe(1);
    expect(value('pptp_auth_attempts_total', { method: 'ms-chap-v2', result: 'ok' })).toBe(1);
    expect(value('pptp_auth_backend_duration_seconds_count', { backend: 'memory-users', result: 'ok' })).toBe(1);
    expect(value('pptp_tunnel_setup_duration_seconds_count', { outcome: 'ok', method: 'ms-chap-v2' })).toBe(1);
    for (const phase of ['control', 'lcp', 'auth', 'ccp', 'ipcp']) {
      const labels = { phase, outcome: 'ok', method: 'ms-chap-v2' };
      expect(value('pptp_tunnel_setup_phase_duration_seconds_count', labels), phase).toBe(1);
    }
    expect(value('pptp_queue_limit', { queue: 'control-frames' })).toBe(512);
    expect(value('pptp_queue_peak', { queue: 'control-frames' })).toBeGreaterThan(0);
    expect(value('pptp_gre_window_size')).toBeGreaterThan(0);
    expect(value('pptp_tunnel_memory_bytes', { memory: 'rss' })).toBeGreaterThan(1e6);

    client.peer.hangUp();
    await lab.clock.advance(1000);
    const gone = await page();
    expect(sampleOf(gone, 'pptp_tunnels', { state: 'up' })).toBe(0);
    expect(sampleOf(gone, 'pptp_pool_used', { family: 'ipv4' })).toBe(0);
    expect(sampleOf(gone, 'pptp_tunnel_duration_seconds_count', { reason: 'peer-request' })).toBe(1);
    expect(sampleOf(gone, 'pptp_packets_total', { stage: 'tun', direction: 'in' })).toBe(1);
  });

  test('tell why a set-up failed', async () => {
    const { lab, page } = await open();
    await lab.dial({ password: 'not it' });
    await lab.clock.advance(60_000);
    const after = await page();
    const labels = { method: 'ms-chap-v2', result: 'bad-credentials' };
    expect(sampleOf(after, 'pptp_auth_attempts_total', labels)).toBeGreaterThan(0);
    expect(sampleOf(after, 'pptp_tunnel_setup_failures_total', { phase: 'auth' })).toBe(1);
    expect(
      sampleOf(after, 'pptp_tunnel_setup_duration_seconds_count', { outcome: 'failed', method: 'ms-chap-v2' }),
    ).toBe(1);
    const phase = { phase: 'auth', outcome: 'failed', method: 'ms-chap-v2' };
    expect(sampleOf(after, 'pptp_tunnel_setup_phase_duration_seconds_count', phase)).toBe(1);
  });

  test('count what the path does to GRE, also of tunnels that are gone', async () => {
    const { lab, page } = await open({ faults: { loss: 0.1, reorder: 0.2, duplicate: 0.1 } });
    const client = await lab.dial();
    await lab.clock.advance(30_000);
    const source = client.peer.network?.address ?? ipv4(0);
    for (let packet = 0; packet < 200; packet += 1) {
      client.tun.hostSends(ipv4Packet({ source, destination: INTRANET, payload: PAYLOAD }));
      await lab.clock.advance(5);
    }
    await lab.clock.advance(1000);
    const names = ['pptp_gre_reordered_total', 'pptp_gre_lost_total'];
    const before = await page();
    for (const name of names) expect(sampleOf(before, name)).toBeGreaterThan(0);
    const duplicates = { stage: 'sequence', reason: 'duplicate' };
    expect(sampleOf(before, 'pptp_packets_dropped_total', duplicates)).toBeGreaterThan(0);
    lab.gateway.hangUp('enough');
    await lab.clock.advance(60_000);
    const gone = await page();
    expect(sampleOf(gone, 'pptp_tunnels', { state: 'up' })).toBe(0);
    for (const name of names) expect(sampleOf(gone, name)).toBeGreaterThanOrEqual(sampleOf(before, name) ?? 0);
  });

  test('have the round trip of LCP echoes', async () => {
    const { lab, page } = await open({ faults: { delayMs: 40 } });
    // The client's own echoes would show it to be alive.
    await lab.connect({ link: { echoIntervalMs: 0 } });
    await lab.clock.advance(40_000);
    const after = await page();
    expect(sampleOf(after, 'pptp_echo_duration_seconds_count', { protocol: 'lcp' })).toBe(1);
    // There and back; both ends of the lab's wire delay.
    expect(sampleOf(after, 'pptp_echo_duration_seconds_sum', { protocol: 'lcp' })).toBeGreaterThanOrEqual(0.08);
  });

  test('name no user and no address', async () => {
    const { lab, url } = await open();
    const client = await lab.connect();
    client.tun.hostSends(ipv4Packet({ source: client.address, destination: INTRANET }));
    await lab.clock.advance(100);
    for (const accept of ['*/*', 'application/openmetrics-text; version=1.0.0']) {
      const { text } = await ask(url, 'GET', { accept });
      expect(text).not.toMatch(/alice|10\.99\.|203\.0\.113|198\.51\.100/);
    }
  });

  test('have the trace of a set-up as an example, for those who ask for OpenMetrics', async () => {
    const { lab, url } = await open();
    await lab.connect();
    const { type, text } = await ask(url, 'GET', { accept: 'application/openmetrics-text; version=1.0.0' });
    expect(type).toContain('application/openmetrics-text');
    const [tunnel] = lab.gateway.tunnels();
    const page = parsePage(text);
    const exemplars = page.get('pptp_tunnel_setup_duration_seconds')?.samples.map(({ exemplar }) => exemplar ?? '');
    expect(exemplars?.some((one) => one.includes(`trace_id="${tunnel?.traceId}"`))).toBe(true);
  });
});

describe('the metrics page', () => {
  test('has only metrics of the table', async () => {
    const { lab, page } = await open();
    await lab.connect();
    expect([...(await page()).keys()].toSorted()).toEqual(METRICS.map(({ prometheus }) => prometheus).toSorted());
  });

  test('is at one path, for reading', async () => {
    const { url } = await open();
    expect(await ask(url, 'HEAD')).toMatchObject({ status: 200, text: '' });
    expect(await ask(`${url}?x=1`)).toMatchObject({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8' });
    expect(await ask(url, 'POST')).toMatchObject({ status: 405 });
    expect(await ask(url.replace('metrics', ''))).toMatchObject({ status: 404 });
    expect(await ask(url.replace('metrics', '//'))).toMatchObject({ status: expect.toSatisfy((code) => code >= 400) });
  });

  test('is gone after the stop, and the stop may come twice', async () => {
    const { url, metrics } = await open();
    await metrics.stop();
    await metrics.stop();
    await expect(ask(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('on a port that is taken is a mistake with a name, and leaves nothing running', async () => {
    const { metrics, lab } = await open();
    const port = metrics.listening[0]?.port ?? 0;
    const again = startMetrics({
      version: '1',
      log: new MemoryLog(),
      telemetry: new OpenTelemetryTelemetry(),
      numbers: lab.gateway.numbers,
      endpoints: [{ address: '127.0.0.1', port, setting: 'PPTP_METRICS_ADDRESS or PPTP_METRICS_PORT' }],
      otel: false,
    });
    await expect(again).rejects.toMatchObject({
      name: 'GatewayError',
      code: 'METRICS_ENDPOINT',
      message: expect.stringContaining('change PPTP_METRICS_ADDRESS or PPTP_METRICS_PORT'),
    });
  });

  test('nobody wants is not there', async () => {
    const { lab } = await open();
    const options = { version: '1', log: new MemoryLog(), telemetry: new OpenTelemetryTelemetry() };
    expect(
      await startMetrics({ ...options, numbers: lab.gateway.numbers, endpoints: [], otel: false }),
    ).toBeUndefined();
  });
});
