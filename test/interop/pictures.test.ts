import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { eventuallyTrue } from '../support/eventually.ts';
import { type ExportedSpan, exportedSpan, inOrder } from '../support/exported-span.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { drawWaterfall, type WaterfallOptions } from '../support/waterfall.ts';
import { describeWithLab } from './support/describe-lab.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import { ADDRESSES } from './support/topology.ts';
import { addUser, alice, event } from './support/users.ts';

const receiver = fileURLToPath(new URL('./support/otlp-receiver.mjs', import.meta.url));
const pictures = fileURLToPath(new URL('../../docs/pictures/', import.meta.url));
/** Draws the pictures anew instead of comparing: they are to be looked at, and committed with what they show. */
const isDrawing = process.env['PPTP_TEST_DRAW_PICTURES'] === '1';

const ENV = {
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_LOGS_EXPORTER: 'none',
  OTEL_BSP_SCHEDULE_DELAY: '200',
  // A set-up without GRE gives up sooner than by default.
  PPTP_PPP_MAX_CONFIGURE: '4',
  PPTP_PPP_RESTART_TIMER: '1',
};

const PINGS = 20;
const byDuration = (a: ExportedSpan, b: ExportedSpan): number =>
  Number(BigInt(a.end) - BigInt(a.start) - (BigInt(b.end) - BigInt(b.start)));

const ROOT = [
  ...['client.address', 'server.address', 'user.name', 'session.id', 'ppp.auth.protocol', 'ppp.mppe.key_bits'],
  ...['ppp.ipcp.address', 'pptp.end.reason', 'error.type'],
];
const PACKET = [
  ...['pptp.packet.direction', 'pptp.packet.outcome', 'session.id', 'network.type', 'ppp.protocol', 'gre.sequence'],
  ...['gre.acknowledgment', 'mppe.coherency_count', 'pptp.packet.octets_in', 'pptp.packet.octets_out', 'links'],
];

await describeWithLab('the pictures of docs/follow-a-tunnel-in-jaeger.md', (lab) => {
  let collector: GatewayProcess;
  let client: Guest;
  let stateDirectory: string;

  const spans = (): readonly ExportedSpan[] =>
    collector.lines.filter(event('span')).map(({ fields }) => exportedSpan(fields));

  /** The root of the next set-up, all of its trace being there: a root ends with or after its children. */
  const setUp = async (dial: () => Promise<unknown>): Promise<ExportedSpan> => {
    const since = collector.lines.length;
    await dial();
    const line = await collector.waitForLog(event('span', { name: 'pptp.tunnel.setup' }), PATIENCE_MS, since);
    return exportedSpan(line.fields);
  };

  /** Draws the trace, or says whether the picture in the documentation shows a trace of the same spans. */
  const drawn = async (file: string, root: ExportedSpan, options: WaterfallOptions): Promise<void> => {
    const path = `${pictures}${file}`;
    if (isDrawing) await writeFile(path, drawWaterfall(spans(), root, options));
    const picture = await readFile(path, 'utf8');
    const names = [...picture.matchAll(/class="span">([^<]*)</g)].map(([, name = '']) => name);
    const real = inOrder(spans(), root).map(({ span }) => span.name);
    expect(new Set(names)).toEqual(new Set(real));
  };

  test('a set-up that went well', async () => {
    stateDirectory = await lab().temporaryDirectory();
    await addUser(lab(), stateDirectory, alice);
    collector = await lab().startGateway({ command: [process.execPath, receiver], ready: event('otlp.ready') });
    [, client] = await Promise.all([lab().startGateway({ stateDirectory, env: ENV }), lab().guest('c1')]);
    const root = await setUp(() => client.mustDial(alice));
    await drawn('setup.svg', root, {
      title: 'The trace of a tunnel that was set up',
      attributes: { 'pptp.tunnel.setup': ROOT, 'pptp.auth.backend': ['pptp.backend.name', 'pptp.backend.answer'] },
      events: ['pptp.setup.control', 'pptp.setup.ccp'],
    });
  });

  test('one packet each way', async () => {
    const trace = ['trace', '--user', alice.user];
    expect((await lab().gatewayCommand(trace, stateDirectory)).status).toBe(0);
    // One of middling speed: the first packets of a gateway's life are slow, because its code is not compiled yet.
    await client.must(`ping -c ${PINGS} -i 0.2 -W 20 ${ADDRESSES.intranet}`);
    for (const direction of ['in', 'out']) {
      const userData = (one: ExportedSpan): boolean =>
        one.name === 'pptp.packet' &&
        one.attributes['pptp.packet.direction'] === direction &&
        one.attributes['network.type'] === 'ipv4';
      await eventuallyTrue(() => spans().filter(userData).length >= PINGS);
      const root = spans().filter(userData).toSorted(byDuration)[PINGS / 2];
      if (root === undefined) throw new Error('no packet');
      await drawn(`packet-${direction}.svg`, root, {
        title: `The trace of one packet (${direction})`,
        attributes: { 'pptp.packet': PACKET },
      });
    }
    await client.hangUp();
  });

  test('a wrong password', async () => {
    const wrong = { ...alice, password: 'not it' };
    const root = await setUp(() => client.dial(wrong));
    await drawn('wrong-password.svg', root, {
      title: 'The trace of a set-up that failed: wrong password',
      attributes: { 'pptp.tunnel.setup': ROOT, 'pptp.setup.auth': ['error.type'] },
      events: ['pptp.auth.round'],
    });
  });

  test('a set-up whose GRE is filtered on the way', async () => {
    await lab().gre('block');
    const root = await setUp(() => client.dial({ ...alice, waitSeconds: 10 }));
    await drawn('gre-filtered.svg', root, {
      title: 'The trace of a set-up that failed: GRE is filtered',
      attributes: { 'pptp.tunnel.setup': ROOT, 'pptp.setup.lcp': ['error.type'] },
      events: ['pptp.setup.lcp'],
    });
    await lab().gre('allow');
  });
});
