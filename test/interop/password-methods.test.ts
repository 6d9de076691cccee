import { expect, test } from 'vitest';
import { PATIENCE_MS } from '../support/patience.ts';
import { describeWithLab } from './support/describe-lab.ts';
import type { ClientAuth, ClientMppe, DialOptions } from './support/dial.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import { ADDRESSES } from './support/topology.ts';
import { alice, event } from './support/users.ts';

const ALL_METHODS = 'pap,chap-md5,ms-chap-v1,ms-chap-v2';
/** Part of every password here: it must not show up in a log line. */
const TELLTALE = 'sesame';

await describeWithLab('password methods of a Linux client', (lab) => {
  let client: Guest;
  let gateway: GatewayProcess;
  let stateDirectory: string;

  const users = async (...args: readonly string[]): Promise<void> => {
    const { status, errors } = await lab().gatewayCommand(['users', ...args], stateDirectory, `${alice.password}\n`);
    if (status !== 0) throw new Error(`users ${args.join(' ')}: status ${status}\n${errors}`);
  };
  const restart = async (env: Readonly<Record<string, string>>): Promise<void> => {
    await gateway?.stop();
    gateway = await lab().startGateway({ stateDirectory, env });
  };
  /** Dials in vain; what the log says about the end. */
  const refused = async (options: Partial<DialOptions>) => {
    const since = gateway.lines.length;
    const result = await client.dial({ ...alice, waitSeconds: 10, ...options });
    expect(result.up).toBe(false);
    const closed = await gateway.waitForLog(event('session.closed'), PATIENCE_MS, since);
    return { closed: closed.fields, clientLog: result.up ? '' : result.log, lines: gateway.lines.slice(since) };
  };

  test('boots', async () => {
    stateDirectory = await lab().temporaryDirectory();
    await users('add', alice.user, '--store-password');
    [client] = await Promise.all([
      lab().guest('c1'),
      restart({ PPTP_AUTH_METHODS: ALL_METHODS, PPTP_MPPE: 'permitted' }),
    ]);
  });

  test.each<[ClientAuth | 'any', ClientMppe, string, string]>([
    ['pap', 'none', 'pap', 'none'],
    ['chap', 'none', 'chap MD5', 'none'],
    ['mschap', 'none', 'chap MS', 'none'],
    ['mschap-v2', 'none', 'chap MS-v2', 'none'],
    ['mschap-v2', '128', 'chap MS-v2', '128-bit stateless'],
    ['any', 'none', 'chap MS-v2', 'none'],
  ])('%s with MPPE %s: comes up and carries pings', async (auth, mppe, agreed, encryption) => {
    expect(await client.mustDial({ ...alice, auth, mppe })).toMatchObject({ auth: agreed, mppe: encryption });
    expect(await client.must(`ping -c 2 -i 0.2 -W 20 ${ADDRESSES.intranet}`)).toContain(' 0% packet loss');
    await client.hangUp();
  });

  test('mschap with MPPE 128: what the client sends arrives; this pppd cannot read answers in that mode', async () => {
    const echoes = async (): Promise<number> => {
      const { output } = await lab().intranet("awk '/^IcmpMsg/ { print }' /proc/net/snmp");
      const [names = '', values = ''] = output.trim().split('\n');
      const at = names.split(' ').indexOf('InType8');
      return at < 0 ? 0 : Number(values.split(' ')[at]);
    };
    const tunnel = await client.mustDial({ ...alice, auth: 'mschap', mppe: '128' });
    expect(tunnel).toMatchObject({ auth: 'chap MS', mppe: '128-bit stateless' });
    const before = await echoes();
    await client.exec(`ping -c 4 -i 0.2 -W 1 ${ADDRESSES.intranet}`);
    expect((await echoes()) - before).toBe(4);
    await client.hangUp();
  });

  test.each<[ClientAuth, string]>([
    ['pap', 'pap'],
    ['chap', 'chap-md5'],
    ['mschap', 'ms-chap-v1'],
  ])('%s with a wrong password: one log line, and nothing of the password in the log', async (auth, method) => {
    const { lines } = await refused({ auth, mppe: 'none', password: `wrong ${TELLTALE}` });
    const failed = lines.filter(event('auth.failed'));
    expect(failed.map(({ fields }) => fields)).toMatchObject([{ user: 'alice', method, denial: 'bad-credentials' }]);
    expect(gateway.lines.some(({ text }) => text.includes(TELLTALE))).toBe(false);
  });

  test('an expired password: the client is told 648, and the log says so', async () => {
    await users('expire', alice.user);
    const { clientLog, lines } = await refused({ auth: 'mschap-v2', mppe: 'none' });
    expect(clientLog).toContain('E=648');
    expect(lines.filter(event('auth.failed')).map(({ fields }) => fields)).toMatchObject([{ denial: 'expired' }]);
    await users('passwd', alice.user);
    await client.mustDial({ ...alice, mppe: 'none' });
    await client.hangUp();
  });

  test('required encryption: a client that has only methods without keys is refused, and the log says why', async () => {
    await restart({ PPTP_AUTH_METHODS: ALL_METHODS });
    const { closed, lines } = await refused({ auth: 'pap', mppe: 'none' });
    expect(closed).toMatchObject({
      reason: 'encryption-required',
      detail: expect.stringContaining('encryption is required and pap yields no keys'),
    });
    expect(lines.some(event('auth.failed'))).toBe(false);
  });

  test('only PAP against only MS-CHAPv2: no common method, on one log line', async () => {
    await restart({ PPTP_MPPE: 'disabled' });
    const { closed } = await refused({ auth: 'pap', mppe: 'none' });
    expect(closed).toMatchObject({
      reason: 'authentication-failed',
      detail: 'no common authentication method: we allow ms-chap-v2; the peer offers pap',
    });
    await client.mustDial({ ...alice, mppe: 'none' });
    await client.hangUp();
  });
});
