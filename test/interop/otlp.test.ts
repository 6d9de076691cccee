import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { METRICS } from '../../observability/metrics/table.ts';
import { eventually } from '../support/eventually.ts';
import { Collector, SENDS_ALL } from './support/collector.ts';
import { describeWithLab } from './support/describe-lab.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import { ADDRESSES } from './support/topology.ts';
import { addUser, alice, event } from './support/users.ts';

const WRONG = 'no such "password" 4711';
/** What must not leave the gateway, in the forms in which it might. */
const formsOf = (secret: string): readonly string[] => {
  const forms = [Buffer.from(secret), Buffer.from(secret, 'utf16le')];
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    ...forms.flatMap((bytes) => [bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, '')]),
    ...forms.map((bytes) => createHash('sha256').update(bytes).digest('hex')),
  ];
};
/** Hashes of MS-CHAP are secrets, too: in hexadecimal and as octets in base64. */
const hashForms = (hash: string): readonly string[] => [
  hash.toLowerCase(),
  hash.toUpperCase(),
  Buffer.from(hash, 'hex').toString('base64').replace(/=+$/, ''),
];

await describeWithLab('metrics and the log of a real run, over OTLP', (lab) => {
  let collector: Collector;
  let gateway: GatewayProcess;
  let client: Guest;
  let stateDirectory: string;
  let traceId: string;

  /** The newest value of a metric with these attributes. */
  const metric = (name: string, attributes: Readonly<Record<string, unknown>> = {}): number | undefined =>
    collector.metrics
      .findLast((one) => one.name === name)
      ?.points.find((point) => Object.entries(attributes).every(([key, value]) => point.attributes[key] === value))
      ?.value;
  const restart = async (env: Readonly<Record<string, string>>): Promise<void> => {
    await gateway?.stop();
    gateway = await lab().startGateway({ stateDirectory, env: { ...SENDS_ALL, ...env } });
  };

  test('a tunnel shows in the metrics while it is up', async () => {
    stateDirectory = await lab().temporaryDirectory();
    await addUser(lab(), stateDirectory, alice);
    collector = await Collector.start(lab());
    [client] = await Promise.all([lab().guest('c1'), restart({})]);
    await collector.setUp(() => client.dial({ ...alice, password: WRONG }));
    ({ traceId } = await collector.setUp(() => client.mustDial(alice)));
    await client.must(`ping -c 5 -i 0.2 -W 20 ${ADDRESSES.intranet}`);
    const values = () => ({
      up: metric('pptp.tunnels', { state: 'up' }),
      succeeded: metric('pptp.tunnel.setup.duration', { outcome: 'ok', method: 'ms-chap-v2' }),
      failed: metric('pptp.tunnel.setup.failures', { phase: 'auth', 'error.type': 'authentication-failed' }),
      refused: metric('pptp.auth.attempts', { method: 'ms-chap-v2', result: 'bad-credentials' }),
      accepted: metric('pptp.auth.backend.duration', { backend: 'user-file', result: 'ok' }),
      calls: metric('pptp.control.messages', { message: 'outgoing-call-request', direction: 'in' }),
      pool: metric('pptp.pool.used', { family: 'ipv4' }),
      ended: metric('pptp.tunnel.duration', { reason: 'peer-request' }),
    });
    // A value comes with the next export, half a second later at most.
    const expected = { up: 1, succeeded: 1, failed: 1, refused: 1, accepted: 1, calls: 2, pool: 1, ended: 1 };
    await eventually(() => expect(values()).toEqual(expected));
    await eventually(() => {
      expect(metric('pptp.packets', { stage: 'address', direction: 'in' })).toBeGreaterThanOrEqual(5);
      expect(metric('pptp.io', { device: 'tun', direction: 'out' })).toBeGreaterThanOrEqual(5 * 84);
    });
    await client.hangUp();
    await eventually(() => expect(values()).toEqual({ ...expected, up: 0, pool: 0, ended: 2 }));
  });

  test('all that come are in the table, with their units, and of no person', () => {
    const units = new Map<string, string>(METRICS.map(({ name, unit }) => [name, unit]));
    const came = new Map(collector.metrics.map(({ name, unit }) => [name, unit]));
    expect(came.size).toBeGreaterThan(25);
    expect([...came].filter(([name, unit]) => units.get(name) !== unit)).toEqual([]);
    const said = JSON.stringify(collector.metrics.map(({ points }) => points));
    for (const private_ of [alice.user, client.address, '10.78.0.2']) expect(said).not.toContain(private_);
  });

  test('every line of the log came as a record, those of the call with the trace', async () => {
    await gateway.waitForLog(event('control.closed'));
    await gateway.stop();
    const told = gateway.lines.map(({ fields }) => [fields['event'], fields['msg'], fields['level']]);
    const records = collector.records.map(({ name, body, severity }) => [name, body, severity]);
    expect(records).toEqual(told.slice(0, records.length));
    // What is said after the last export cannot be in it.
    expect(records.map(([name]) => name)).toContain('gateway.stopping');
    const up = collector.records.find(({ name }) => name === 'session.up');
    expect(up).toMatchObject({ traceId, spanId: expect.stringMatching(/^[0-9a-f]{16}$/), service: 'pptp-gateway' });
    expect(up?.attributes).toMatchObject({ user: 'alice', address: '10.78.0.2' });
    const failed = collector.records.find(({ name }) => name === 'auth.failed');
    expect(failed).toMatchObject({ severity: 'warn', traceId: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(failed?.traceId).not.toBe(traceId);
  });

  test('with a method that sends passwords in clear as well, nothing exported holds a password or a hash', async () => {
    await restart({
      PPTP_AUTH_METHODS: 'pap,chap-md5,ms-chap-v1,ms-chap-v2',
      PPTP_MPPE: 'permitted',
      PPTP_TRACE_PACKETS_RATIO: '1',
    });
    for (const password of [WRONG, alice.password]) {
      await collector.setUp(() => client.dial({ ...alice, password, auth: 'pap', mppe: 'none', waitSeconds: 10 }));
    }
    await client.hangUp();
    await collector.setUp(() => client.mustDial({ ...alice, auth: 'any' }));
    await client.hangUp();
    await gateway.stop();
    const methods = collector.spans
      .filter(({ name }) => name === 'pptp.tunnel.setup')
      .map(({ attributes }) => attributes['ppp.auth.protocol']);
    expect(methods).toEqual(['ms-chap-v2', 'ms-chap-v2', 'pap', 'pap', 'ms-chap-v2']);
    const file: { readonly users: readonly { readonly ntHash: string }[] } = JSON.parse(
      await readFile(join(stateDirectory, 'users.json'), 'utf8'),
    );
    const hashes = file.users.map(({ ntHash }) => ntHash);
    expect(hashes).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/i)]);
    const secrets = [...[alice.password, WRONG].flatMap(formsOf), ...hashes.flatMap(hashForms)];
    const exported = collector.bodies.join('\n');
    // The search itself works: what is no secret is found.
    expect(exported).toContain(alice.user);
    expect(secrets.filter((secret) => exported.includes(secret))).toEqual([]);
    const printed = gateway.lines.map(({ text }) => text).join('\n');
    expect(secrets.filter((secret) => printed.includes(secret))).toEqual([]);
  });
});
