import { afterEach, describe, expect, test, vi } from 'vitest';
import { silentLog } from '../../../core/ports/log.ts';
import { startTelemetrySdk, telemetryDefaults, wantsTelemetry } from '../../../observability/sdk.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('OpenTelemetry starts only when the environment asks for it', () => {
  test.each([
    [{}, false],
    [{ OTEL_SERVICE_NAME: 'x' }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://192.0.2.1:4318' }, true],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, false],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://192.0.2.1:4318/v1/traces' }, true],
    [{ OTEL_TRACES_EXPORTER: 'console' }, true],
    [{ OTEL_TRACES_EXPORTER: 'none' }, false],
    [{ OTEL_METRICS_EXPORTER: 'prometheus' }, true],
    [{ OTEL_CONFIG_FILE: '/etc/otel.yaml' }, true],
    [{ OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://192.0.2.1:4318' }, false],
  ])('%o: %s', (env, wanted) => {
    expect(wantsTelemetry(env)).toBe(wanted);
  });

  test('not asked for, nothing is started', async () => {
    expect(await startTelemetrySdk({ version: '0', log: silentLog, env: {} })).toBeUndefined();
  });

  test('asked for, it starts and shuts down', async () => {
    for (const name of Object.keys(process.env).filter((one) => one.startsWith('OTEL_'))) vi.stubEnv(name, undefined);
    vi.stubEnv('OTEL_TRACES_EXPORTER', 'console');
    const names = Object.keys(telemetryDefaults(process.env));
    const sdk = await startTelemetrySdk({ version: '0', log: silentLog });
    expect(sdk).toBeDefined();
    expect(process.env['OTEL_NODE_RESOURCE_DETECTORS']).toBe('env,host,os,serviceinstance');
    await sdk?.shutdown();
    for (const name of names) delete process.env[name];
  });
});

describe('defaults', () => {
  test('name the service, leave out the process detector, and switch off signals nobody asked for', () => {
    expect(telemetryDefaults({ OTEL_TRACES_EXPORTER: 'console' })).toEqual({
      OTEL_NODE_RESOURCE_DETECTORS: 'env,host,os,serviceinstance',
      OTEL_SERVICE_NAME: 'pptp-gateway',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    });
  });

  test('a general endpoint switches all signals on; what is set stays', () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://192.0.2.1:4318',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_RESOURCE_ATTRIBUTES: 'a=b,service.name=mine',
      OTEL_NODE_RESOURCE_DETECTORS: 'env',
    };
    expect(telemetryDefaults(env)).toEqual({ OTEL_TRACES_EXPORTER: 'otlp', OTEL_LOGS_EXPORTER: 'otlp' });
  });

  test('a declarative file decides about exporters itself', () => {
    const defaults = telemetryDefaults({ OTEL_CONFIG_FILE: '/etc/otel.yaml' });
    expect(Object.keys(defaults)).toEqual(['OTEL_NODE_RESOURCE_DETECTORS', 'OTEL_SERVICE_NAME']);
  });
});
