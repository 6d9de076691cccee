import { afterEach, describe, expect, test, vi } from 'vitest';
import { silentLog } from '../../../core/ports/log.ts';
import {
  instanceOfWorker,
  prometheusWish,
  startTelemetrySdk,
  telemetryDefaults,
  wantsLogs,
  wantsTelemetry,
} from '../../../observability/sdk.ts';

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
    [{ OTEL_METRICS_EXPORTER: 'prometheus' }, false],
    [{ OTEL_METRICS_EXPORTER: 'prometheus,otlp' }, true],
    [{ OTEL_METRICS_EXPORTER: 'prometheus', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://192.0.2.1:4318' }, true],
    [
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://192.0.2.1:4318',
        OTEL_TRACES_EXPORTER: 'none',
        OTEL_METRICS_EXPORTER: 'prometheus',
        OTEL_LOGS_EXPORTER: 'none',
      },
      false,
    ],
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
    expect(sdk).toMatchObject({ metrics: false, logs: false });
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

describe('OTEL_METRICS_EXPORTER=prometheus', () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://192.0.2.1:4318' };

  test('is served by the gateway, so the SDK must not', () => {
    const metrics = (OTEL_METRICS_EXPORTER: string) =>
      telemetryDefaults({ ...endpoint, OTEL_METRICS_EXPORTER })['OTEL_METRICS_EXPORTER'];
    expect(metrics('prometheus')).toBe('none');
    expect(metrics('otlp, prometheus')).toBe('otlp');
    expect(metrics('otlp')).toBeUndefined();
  });

  test.each([
    [{}, undefined],
    [{ OTEL_METRICS_EXPORTER: 'otlp' }, undefined],
    [{ OTEL_METRICS_EXPORTER: 'prometheus' }, { address: '127.0.0.1', port: 9464 }],
    [
      {
        OTEL_METRICS_EXPORTER: 'otlp,prometheus',
        OTEL_EXPORTER_PROMETHEUS_HOST: '0.0.0.0',
        OTEL_EXPORTER_PROMETHEUS_PORT: '9000',
      },
      { address: '0.0.0.0', port: 9000 },
    ],
    [
      { OTEL_METRICS_EXPORTER: 'prometheus', OTEL_EXPORTER_PROMETHEUS_PORT: '70000' },
      { address: '127.0.0.1', port: 9464 },
    ],
    [{ OTEL_METRICS_EXPORTER: 'prometheus', OTEL_SDK_DISABLED: 'true' }, undefined],
    [{ OTEL_METRICS_EXPORTER: 'prometheus', OTEL_CONFIG_FILE: '/etc/otel.yaml' }, undefined],
  ])('%o: the page is at %o', (env, at) => {
    const wish = prometheusWish(env);
    if (at === undefined) expect(wish).toBeUndefined();
    else expect(wish).toMatchObject(at);
  });
});

describe('log records', () => {
  test.each([
    [{}, false],
    [{ OTEL_LOGS_EXPORTER: 'otlp' }, true],
    [{ OTEL_LOGS_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://192.0.2.1:4318' }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://192.0.2.1:4318' }, true],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://192.0.2.1:4318' }, false],
    [{ OTEL_LOGS_EXPORTER: 'otlp', OTEL_SDK_DISABLED: 'true' }, false],
  ])('%o: %s', (env, wanted) => {
    expect(wantsLogs(env)).toBe(wanted);
  });
});

describe('several processes of one gateway', () => {
  test('are several instances where the operator named one', () => {
    const named = { OTEL_RESOURCE_ATTRIBUTES: 'deployment=x, service.instance.id=edge-7,team=y' };
    expect(instanceOfWorker(named, '3')).toEqual({
      OTEL_RESOURCE_ATTRIBUTES: 'deployment=x, service.instance.id=edge-7-3,team=y',
    });
    expect(instanceOfWorker({ OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=a' }, 'supervisor')).toEqual({
      OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=a-supervisor',
    });
  });

  test('are named by the SDK itself where the operator did not', () => {
    expect(instanceOfWorker({}, '3')).toEqual({});
    expect(instanceOfWorker({ OTEL_RESOURCE_ATTRIBUTES: 'x.service.instance.id=a' }, '3')).toEqual({});
  });
});
