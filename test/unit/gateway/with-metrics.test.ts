import { describe, expect, test } from 'vitest';
import { silentLog } from '../../../core/ports/log.ts';
import { metricsEndpoints, withMetrics } from '../../../gateway/with-metrics.ts';
import { OpenTelemetryTelemetry } from '../../../observability/telemetry.ts';

const OTEL = { OTEL_METRICS_EXPORTER: 'prometheus' };
const at = (port: number, env: Record<string, string> = {}, address = '127.0.0.1') =>
  metricsEndpoints({ metrics: { address, port } }, env).map((one) => `${one.address}:${one.port} ${one.setting}`);

const OWN = 'PPTP_METRICS_ADDRESS or PPTP_METRICS_PORT';
const THEIRS = 'OTEL_EXPORTER_PROMETHEUS_HOST or OTEL_EXPORTER_PROMETHEUS_PORT';

describe('the metrics page is served', () => {
  test('nowhere by itself', () => {
    expect(at(0)).toEqual([]);
  });

  test('where our settings say, and where those of OpenTelemetry say', () => {
    expect(at(9000)).toEqual([`127.0.0.1:9000 ${OWN}`]);
    expect(at(0, OTEL)).toEqual([`127.0.0.1:9464 ${THEIRS}`]);
    expect(at(9000, OTEL)).toEqual([`127.0.0.1:9000 ${OWN}`, `127.0.0.1:9464 ${THEIRS}`]);
  });

  test('once where both say the same', () => {
    expect(at(9464, OTEL)).toEqual([`127.0.0.1:9464 ${OWN}`]);
    expect(at(9464, OTEL, '192.0.2.1')).toHaveLength(2);
  });
});

describe('work with metrics', () => {
  const options = { version: '1', log: silentLog, telemetry: new OpenTelemetryTelemetry(), otel: false };
  const endpoint = { address: '127.0.0.1', port: 0, setting: OWN };

  test('gives what the work gives', async () => {
    expect(await withMetrics({ ...options, endpoints: [endpoint] }, () => Promise.resolve(7))).toBe(7);
  });

  test('fails as the work fails', async () => {
    const work = withMetrics({ ...options, endpoints: [] }, () => Promise.reject(new Error('no')));
    await expect(work).rejects.toThrow('no');
  });

  test('does not begin when an address is not of this host', async () => {
    let begun = false;
    const work = withMetrics({ ...options, endpoints: [endpoint, { ...endpoint, address: '192.0.2.1' }] }, async () => {
      begun = true;
    });
    await expect(work).rejects.toMatchObject({
      code: 'METRICS_ENDPOINT',
      message: expect.stringContaining('this host has no such address'),
    });
    expect(begun).toBe(false);
  });
});
