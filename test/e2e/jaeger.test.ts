import { diag, metrics, trace } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { afterEach, expect, test, vi } from 'vitest';
import { startTelemetrySdk } from '../../observability/sdk.ts';
import { OpenTelemetryTelemetry } from '../../observability/telemetry.ts';
import { eventuallyTrue } from '../support/eventually.ts';
import { GatewayLab } from '../support/gateway-lab.ts';
import { type StoredSpan, traceFromJaeger } from '../support/jaeger.ts';
import { MemoryLog } from '../support/memory-log.ts';
import { StandInJaeger } from '../support/stand-in-jaeger.ts';

/** A Jaeger to try it on: where its query API is. Set by setup/jaeger-smoke.mjs. */
const jaegerUrl = process.env['PPTP_TEST_JAEGER_URL'];
const otlpUrl = process.env['PPTP_TEST_OTLP_URL'] ?? 'http://127.0.0.1:4318';

afterEach(() => {
  vi.unstubAllEnvs();
  for (const api of [trace, metrics, logs, diag]) api.disable();
});

/** Sets a tunnel up, sends its trace with the SDK that the gateway uses, and returns the trace's id. */
const sendSetUp = async (endpoint: string, protocol: string): Promise<string> => {
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', endpoint);
  vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', protocol);
  vi.stubEnv('OTEL_METRICS_EXPORTER', 'none');
  vi.stubEnv('OTEL_LOGS_EXPORTER', 'none');
  vi.stubEnv('OTEL_SERVICE_NAME', 'pptp-gateway');
  const log = new MemoryLog();
  const sdk = await startTelemetrySdk({ version: 'test', log });
  const lab = await GatewayLab.start({
    observe: (platform) => ({
      ...platform,
      telemetry: new OpenTelemetryTelemetry({ now: () => platform.clock.now() }),
    }),
  });
  await lab.connect();
  const [tunnel] = lab.gateway.tunnels();
  await lab.stop();
  await sdk?.shutdown();
  expect(
    log.lines.filter(({ level }) => level === 'warn'),
    `${endpoint} takes traces`,
  ).toEqual([]);
  if (tunnel === undefined) throw new Error('there is no tunnel');
  return tunnel.traceId;
};

/** Parent and name of each span, by name. */
const tree = (spans: readonly StoredSpan[]): readonly string[] => {
  const names = new Map(spans.map(({ id, name }) => [id, name]));
  return spans.map(({ parent, name }) => `${parent === undefined ? '' : names.get(parent)} > ${name}`).toSorted();
};

const SETUP_TREE = [
  ' > pptp.tunnel.setup',
  'pptp.auth.round > pptp.auth.backend',
  'pptp.setup.auth > pptp.auth.round',
  ...['address', 'auth', 'ccp', 'control', 'ipcp', 'lcp'].map((phase) => `pptp.tunnel.setup > pptp.setup.${phase}`),
];

test.each(['v3', 'v1'] as const)('a set-up is found through the query API %s', async (version) => {
  const jaeger = new StandInJaeger(version);
  const url = await jaeger.start();
  try {
    expect(await traceFromJaeger(url, '0'.repeat(32))).toEqual([]);
    const traceId = await sendSetUp(url, 'http/json');
    expect(tree(await traceFromJaeger(`${url}/`, traceId))).toEqual(SETUP_TREE);
  } finally {
    await jaeger.stop();
  }
});

const title = 'a real Jaeger shows a set-up as it was sent';
if (jaegerUrl === undefined) {
  const reason = 'no Jaeger is named; node setup/jaeger-smoke.mjs URL tries one';
  console.warn(`skipped: ${title}: ${reason}`);
  test.skip(`${title}: ${reason}`, () => undefined);
} else {
  test(title, async () => {
    const traceId = await sendSetUp(otlpUrl, 'http/protobuf');
    const arrived = async (): Promise<readonly StoredSpan[] | undefined> => {
      const spans = await traceFromJaeger(jaegerUrl, traceId);
      return spans.length >= SETUP_TREE.length ? spans : undefined;
    };
    const spans = await eventuallyTrue(arrived, 500);
    expect(tree(spans)).toEqual(SETUP_TREE);
    console.log(`it is there: ${jaegerUrl}/trace/${traceId}`);
  });
}
