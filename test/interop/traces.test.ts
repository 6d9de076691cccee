import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { describeWithLab } from './support/describe-lab.ts';
import type { GatewayProcess, LogLine } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import { addUser, alice, event } from './support/users.ts';

const receiver = fileURLToPath(new URL('./support/otlp-receiver.mjs', import.meta.url));
const ROOT_SPAN = 'pptp.tunnel.setup';

const OTEL = {
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_LOGS_EXPORTER: 'none',
  OTEL_BSP_SCHEDULE_DELAY: '200',
};

await describeWithLab('the trace of a tunnel', (lab) => {
  let collector: GatewayProcess;
  let gateway: GatewayProcess;
  let client: Guest;

  const spans = (): readonly LogLine['fields'][] => collector.lines.filter(event('span')).map(({ fields }) => fields);
  /** The root span that comes after those already there, and its children by start. */
  async function nextTrace(dial: () => Promise<unknown>) {
    const since = collector.lines.length;
    await dial();
    const { fields: root } = await collector.waitForLog(event('span', { name: ROOT_SPAN }), 15_000, since);
    const children = spans().filter(({ parentSpanId }) => parentSpanId === root['spanId']);
    return {
      root,
      children: children.toSorted((a, b) => Number(BigInt(String(a['start'])) - BigInt(String(b['start'])))),
    };
  }

  test('one trace from the first message to IPCP open, a span per phase', async () => {
    const stateDirectory = await lab().temporaryDirectory();
    await addUser(lab(), stateDirectory, alice);
    collector = await lab().startGateway({ command: [process.execPath, receiver], ready: event('otlp.ready') });
    [gateway, client] = await Promise.all([lab().startGateway({ stateDirectory, env: OTEL }), lab().guest('c1')]);
    const { root, children } = await nextTrace(() => client.mustDial(alice));
    expect(children.map(({ name }) => String(name))).toEqual(
      ['control', 'lcp', 'auth', 'address', 'ccp', 'ipcp'].map((phase) => expect.stringContaining(phase)),
    );
    expect(new Set([root, ...children].map(({ traceId }) => traceId)).size).toBe(1);
    expect(root).toMatchObject({
      service: 'pptp-gateway',
      parentSpanId: '',
      attributes: {
        'client.address': client.address,
        'user.name': 'alice',
        'ppp.auth.protocol': 'ms-chap-v2',
        'ppp.mppe.key_bits': 128,
        'ppp.ipcp.address': '10.78.0.2',
      },
    });
    const up = gateway.lines.find(event('session.up'));
    expect(up?.fields['trace_id']).toBe(root['traceId']);
    await client.hangUp();
  });

  test('a failure ends in the phase that failed, with the reason; no secret in any span', async () => {
    const { root, children } = await nextTrace(() => client.dial({ ...alice, password: 'not it' }));
    const last = children.at(-1);
    expect(last).toMatchObject({ name: expect.stringContaining('auth'), status: { code: 2 } });
    expect(root).toMatchObject({ status: { code: 2 }, attributes: { 'error.type': 'authentication-failed' } });
    expect(JSON.stringify(spans())).not.toMatch(/not it|sesame/);
  });
});
