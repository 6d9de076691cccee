import { beforeAll, expect, test } from 'vitest';
import type { Freeradius, WrittenRecord } from '../support/freeradius.ts';
import { freeradiusUnavailable } from '../support/freeradius.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { labRequired } from './support/availability.ts';
import { giveCertificates } from './support/certificates.ts';
import { describeWithLab } from './support/describe-lab.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import { ADDRESSES } from './support/topology.ts';
import { event } from './support/users.ts';
import { waitFor } from './support/wait.ts';

const SECRET = 'a secret of the lab';
const ADDRESS = '10.78.0.77';
const alice = { user: 'alice', password: 'open "sesame" \\1' } as const;
const ALICE = {
  name: alice.user,
  password: alice.password,
  reply: [`Framed-IP-Address = ${ADDRESS}`, 'Class = 0x676f6c64', 'Acct-Interim-Interval = 60'],
};
const [FIRST, SECOND] = [1812, 2812];
/** What iperf3 moves in each direction. */
const MOVED = 4 * 1024 * 1024;
/** Of a TCP segment over IPv4 with time stamps. */
const HEADERS = 52;

const missing = freeradiusUnavailable();

interface Sum {
  readonly bytes: number;
  readonly seconds: number;
}
interface Moved {
  readonly sent: number;
  readonly received: number;
  readonly seconds: number;
}

const number = (record: WrittenRecord | undefined, name: string): number => Number(record?.get(name)?.[0]);
const kindOf = (record: WrittenRecord): string => record.get('Acct-Status-Type')?.[0] ?? '';

const title = 'RADIUS with FreeRADIUS and pppd';
const describeHere = missing === undefined || labRequired ? describeWithLab : skipped;
function skipped(): void {
  console.warn(`skipped: ${title}, ${missing}`);
  test.skip(`${title}: ${missing}`, () => undefined);
}

await describeHere(title, (lab) => {
  let first: Freeradius;
  let second: Freeradius;
  let gateway: GatewayProcess;
  let client: Guest;
  let stateDirectory: string;
  let startGateway: () => Promise<GatewayProcess>;

  beforeAll(async () => {
    if (missing !== undefined) throw new Error(missing);
    const server = (port: number): Promise<Freeradius> =>
      lab().startRadius({ port, accountingPort: port + 1, secret: SECRET, users: [ALICE], eap: 'tls' });
    [first, second, client] = await Promise.all([server(FIRST), server(SECOND), lab().guest('c1')]);
    const servers = (more: number): string =>
      `${ADDRESSES.intranet}:${FIRST + more},${ADDRESSES.intranet}:${SECOND + more};weight=0`;
    stateDirectory = await lab().temporaryDirectory();
    startGateway = () =>
      lab().startGateway({
        stateDirectory,
        env: {
          PPTP_PLUGINS: 'radius',
          PPTP_AUTH_METHODS: 'eap,ms-chap-v2',
          PPTP_TUN_OFFLOADS: 'off',
          PPTP_RADIUS_SERVERS: servers(0),
          PPTP_RADIUS_ACCOUNTING_SERVERS: servers(1),
          PPTP_RADIUS_SHARED_SECRET: SECRET,
          PPTP_RADIUS_TIMEOUT: '1',
          PPTP_RADIUS_COA_CLIENTS: '10.77.0.0/24',
        },
      });
    gateway = await startGateway();
    await giveCertificates(client, 'alice');
  }, 90_000);

  const stops = async (server: Freeradius): Promise<readonly WrittenRecord[]> =>
    (await server.records()).filter((record) => kindOf(record) === 'Stop');
  /** The Stop that comes next, and what happens until it is there. */
  const nextStop = async (server: Freeradius, hangUp: () => Promise<unknown>): Promise<WrittenRecord> => {
    const before = (await stops(server)).length;
    await hangUp();
    return waitFor('a Stop record', async () => (await stops(server))[before], 40_000);
  };
  const radclient = (kind: 'coa' | 'disconnect', ...lines: readonly string[]): Promise<string> =>
    first.radclient('10.77.0.1:3799', kind, SECRET, ['Message-Authenticator = 0x00', ...lines]);
  /** Octets that iperf3 sent and, when it stopped its clock, had received. */
  const iperf = async (...args: readonly string[]): Promise<Moved> => {
    const text = await client.must(`iperf3 -J -c ${ADDRESSES.intranet} ${args.join(' ')}`, { timeoutSeconds: 90 });
    const report: { readonly end: { readonly sum_sent: Sum; readonly sum_received: Sum } } = JSON.parse(text);
    const { sum_sent: sent, sum_received: received } = report.end;
    return { sent: sent.bytes, received: received.bytes, seconds: received.seconds };
  };

  test('MS-CHAPv2 is judged there: keys for MPPE, the address, and a Start record; pings are counted to the octet', async () => {
    const tunnel = await client.mustDial(alice);
    expect(tunnel).toMatchObject({ auth: 'chap MS-v2', mppe: '128-bit stateless', local: ADDRESS });
    expect(await client.must(`ping -c 10 -i 0.1 -s 1000 -W 20 ${ADDRESSES.intranet}`)).toContain(' 0% packet loss');
    const stop = await nextStop(first, () => client.hangUp());
    const records = await first.records();
    expect(records.map(kindOf)).toEqual(['Accounting-On', 'Start', 'Stop']);
    expect(records[1]?.get('User-Name')).toEqual(['alice']);
    expect(records[1]?.get('Framed-IP-Address')).toEqual([ADDRESS]);
    expect(stop.get('Class')).toEqual(['0x676f6c64']);
    expect(stop.get('Acct-Authentic')).toEqual(['RADIUS']);
    expect(stop.get('Acct-Terminate-Cause')).toEqual(['User-Request']);
    const counted = ['Acct-Input-Octets', 'Acct-Output-Octets', 'Acct-Input-Packets', 'Acct-Output-Packets'];
    // IP header, ICMP header, 1000 octets.
    expect(counted.map((name) => number(stop, name))).toEqual([10_280, 10_280, 10, 10]);
  });

  test('records equal what iperf3 moved', async () => {
    await client.mustDial(alice);
    const device = async (): Promise<readonly [number, number]> => {
      const { output } = await lab().inGateway('cat /sys/class/net/pptp0/statistics/{rx,tx}_bytes');
      const [fromClient = 0, toClient = 0] = output.trim().split('\n').map(Number);
      return [fromClient, toClient];
    };
    const before = await device();
    // A window that no queue overflows with.
    const up = await iperf('-w', '128K', '-n', String(MOVED));
    const down = await iperf('-R', '-w', '128K', '-n', String(MOVED));
    const stop = await nextStop(first, () => client.hangUp());
    const after = await device();
    const input = number(stop, 'Acct-Input-Octets');
    const output = number(stop, 'Acct-Output-Octets');
    // Each packet went through the gateway's TUN device, which the kernel counts; there also what TCP says on the intranet
    // when the client has gone.
    expect(input).toBe(after[0] - before[0]);
    const late = after[1] - before[1] - output;
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(20 * HEADERS);
    // And without headers there is what iperf3 moved, what TCP sent twice, and iperf3's own connection.
    const plain = (octets: number, packets: string): number => octets - HEADERS * number(stop, packets);
    const payload = [plain(input, 'Acct-Input-Packets'), plain(output, 'Acct-Output-Packets')] as const;
    for (const [counted, moved] of [
      [payload[0], up],
      [payload[1], down],
    ] as const) {
      expect(moved.received).toBeGreaterThan(0.9 * MOVED);
      expect(counted).toBeGreaterThanOrEqual(moved.received);
      expect(counted).toBeLessThan(1.1 * moved.sent);
    }
  });

  test('a CoA-Request changes the rate; a Disconnect-Request ends the session, and the client notices', async () => {
    await client.mustDial(alice);
    const changed = await radclient('coa', 'User-Name = "alice"', 'WISPr-Bandwidth-Max-Down = 2000000');
    expect(changed).toContain('CoA-ACK');
    const { received, seconds } = await iperf('-R', '-t', '3');
    expect(received).toBeGreaterThan(100_000);
    // The bucket, and what is still on its way when iperf3 stops its clock.
    expect(received).toBeLessThan((2_000_000 / 8) * seconds + 200_000);
    expect(await radclient('coa', 'User-Name = "alice"', 'Framed-Pool = "other"')).toMatch(
      /CoA-NAK[\s\S]*Unsupported-Attribute/,
    );
    expect(await radclient('disconnect', 'User-Name = "bob"')).toMatch(
      /Disconnect-NAK[\s\S]*Session-Context-Not-Found/,
    );
    const stop = await nextStop(first, async () => {
      const ended = await radclient('disconnect', 'User-Name = "alice"', `Framed-IP-Address = ${ADDRESS}`);
      expect(ended).toContain('Disconnect-ACK');
    });
    expect(stop.get('Acct-Terminate-Cause')).toEqual(['Admin-Reset']);
    await waitFor('the end of pppd', async () => {
      const { status } = await client.exec('test ! -e /sys/class/net/ppp0');
      return status === 0 ? true : undefined;
    });
  });

  test('a wrong password is rejected there', async () => {
    const since = gateway.lines.length;
    const result = await client.dial({ ...alice, password: 'wrong', waitSeconds: 10 });
    expect(result.up).toBe(false);
    const failed = await gateway.waitForLog(event('auth.failed'), PATIENCE_MS, since);
    expect(failed.fields).toMatchObject({ denial: 'bad-credentials' });
  });

  // Not PEAP: pppd 2.5.2 wants the cryptobinding of Microsoft's servers, which FreeRADIUS has not.
  test('EAP-TLS passes through: the keys of that handshake encrypt', async () => {
    await client.must("echo '* * /run/tls/alice.pem - /run/tls/ca.pem /run/tls/alice.key *' >/etc/ppp/eaptls-client");
    const pppOptions = ['need-peer-eap', 'ca /run/tls/ca.pem', 'cert /run/tls/alice.pem', 'key /run/tls/alice.key'];
    const tunnel = await client.mustDial({ ...alice, auth: 'eap', pppOptions });
    expect(tunnel).toMatchObject({ auth: 'eap', mppe: '128-bit stateless' });
    expect(await client.must(`ping -c 2 -i 0.1 -W 20 ${ADDRESSES.intranet}`)).toContain(' 0% packet loss');
    const stop = await nextStop(first, () => client.hangUp());
    expect([stop.get('MS-Acct-Auth-Type'), stop.get('Acct-Authentic')]).toEqual([['EAP'], ['RADIUS']]);
  });

  test('one server dies: the other one takes over; both die: the records wait and are delivered', async () => {
    await first.kill();
    await client.mustDial(alice);
    await waitFor('the Start at the second server', async () => {
      const records = await second.records();
      return records.some((record) => kindOf(record) === 'Start') ? true : undefined;
    });
    await second.kill();
    const since = gateway.lines.length;
    await client.hangUp();
    await gateway.waitForLog(event('radius.accounting-waits'), PATIENCE_MS, since);
    const stop = await nextStop(first, () => first.resume());
    expect(stop.get('Acct-Session-Id')).toEqual((await second.records()).at(-1)?.get('Acct-Session-Id'));
    expect(number(stop, 'Acct-Delay-Time')).toBeGreaterThan(0);
    await client.mustDial(alice);
    await client.hangUp();
  });

  test('the gateway dies with a session: its next start tells the server that it is over', async () => {
    await client.mustDial(alice);
    const open = await waitFor('the Start', async () => {
      const last = (await first.records()).at(-1);
      return last !== undefined && kindOf(last) === 'Start' ? last : undefined;
    });
    await gateway.stop('SIGKILL');
    const stop = await nextStop(first, async () => {
      gateway = await startGateway();
    });
    expect(stop.get('Acct-Session-Id')).toEqual(open.get('Acct-Session-Id'));
    expect(stop.get('Acct-Terminate-Cause')).toEqual(['NAS-Reboot']);
  });

  test('at the end Accounting-Off comes last, and nothing is left to deliver', async () => {
    await gateway.stop();
    expect((await first.records()).map(kindOf).at(-1)).toBe('Accounting-Off');
  });
});
