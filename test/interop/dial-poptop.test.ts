import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { describeWithLab } from './support/describe-lab.ts';
import type { ClientAuth } from './support/dial.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import type { Account } from './support/lab.ts';
import { ADDRESSES } from './support/topology.ts';
import { waitFor } from './support/wait.ts';

const account: Account = { server: ADDRESSES.poptop, user: 'alice', password: 'open "sesame" \\1' };
const MEGABYTES_2 = 2 * 1024 * 1024;

type Mppe = 'none' | '40' | '128';
/**
 * As pppd and as our client name the method, and what each can encrypt. MS-CHAPv1 with MPPE is left out: this pppd does
 * not give both directions the same first key (password-methods.test.ts).
 */
const METHODS: readonly (readonly [poptop: ClientAuth, ours: string, mppe: readonly Mppe[]])[] = [
  ['mschap-v2', 'ms-chap-v2', ['none', '40', '128']],
  ['mschap', 'ms-chap-v1', ['none']],
  ['chap', 'chap-md5', ['none']],
  ['pap', 'pap', ['none']],
  ['eap', 'eap-md5', ['none']],
];
const MATRIX = METHODS.flatMap(([poptop, ours, keys]) => keys.map((mppe) => [poptop, mppe, ours] as const));

const encryption = (mppe: Mppe): readonly string[] =>
  mppe === 'none' ? ['--mppe', 'permitted'] : ['--mppe', 'required', '--strength', mppe];

const lineOf = (client: GatewayProcess, start: string): string =>
  client.lines.map(({ text }) => text).find((text) => text.startsWith(start)) ?? client.tail();

await describeWithLab('our client dials poptop', (lab) => {
  let server: Guest;
  beforeAll(async () => {
    server = await lab().poptop(account.user, account.password);
  });
  const clients: GatewayProcess[] = [];
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.stop('SIGKILL');
  });
  const dialAs = async (who: Account, ...args: readonly string[]): Promise<GatewayProcess> => {
    const client = await lab().startClient(who, '--once', '--route', ADDRESSES.intranetNet, ...args);
    clients.push(client);
    return client;
  };
  const dial = (...args: readonly string[]): Promise<GatewayProcess> => dialAs(account, ...args);
  /** pppd is up a moment after it has said so. */
  const reachable = (): Promise<true> =>
    waitFor('poptop to forward', async () =>
      (await lab().inClient(`ping -c 1 -W 1 ${ADDRESSES.intranet}`)).status === 0 ? true : undefined,
    );

  test.each(MATRIX)('%s, MPPE %s', async (poptop, mppe, ours) => {
    await lab().poptopAsks(server, poptop, mppe);
    const client = await dial('--auth', ours, ...encryption(mppe));
    const cipher = mppe === 'none' ? 'NOT encrypted' : `MPPE ${mppe}-bit stateless`;
    expect(lineOf(client, 'connected')).toMatch(
      new RegExp(
        `^connected to 198\\.51\\.100\\.2: address 10\\.79\\.0\\.\\d+, server 10\\.79\\.0\\.1, .*, ${cipher}$`,
      ),
    );
    await reachable();
    const host = `http://${ADDRESSES.intranet}`;
    const ping = await lab().inClient(`ping -c 2 -i 0.2 -W 20 ${ADDRESSES.intranet}`);
    expect(ping.output).toContain(' 0% packet loss');
    const seenAs = await lab().inClient(`curl -sS -m 10 ${host}/whoami`);
    expect(seenAs.output.trim()).toMatch(/^10\.79\.0\./);

    expect(await client.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    await waitFor('poptop to end the call', async () =>
      (await server.exec('pgrep -x pppd')).status === 0 ? undefined : true,
    );
    expect(await server.must('cat /run/pppd.log')).toMatch(/LCP TermReq .*|terminated by peer/i);
  });

  describe('with MS-CHAPv2 and MPPE-128', () => {
    beforeAll(() => lab().poptopAsks(server, 'mschap-v2', '128'));

    test('carries bytes whole both ways', async () => {
      const client = await dial();
      await reachable();
      const host = `http://${ADDRESSES.intranet}`;
      const expected = (await lab().intranet(`curl -sS ${host}/sha256/${MEGABYTES_2}`)).output.trim();
      const down = await lab().inClient(`curl -sS -m 30 ${host}/bytes/${MEGABYTES_2} | sha256sum`);
      expect(down.output.split(' ')[0]).toBe(expected);
      const up = await lab().inClient(
        `curl -sS -m 30 ${host}/bytes/${MEGABYTES_2} | curl -sS -m 30 -T - ${host}/sha256`,
      );
      expect(up.output.trim()).toBe(expected);
      await client.stop('SIGTERM');
    });

    test('a wrong password: one line and status 1', async () => {
      const client = await dialAs({ ...account, password: 'wrong' });
      expect(await client.exited).toMatchObject({ code: 1 });
      expect(lineOf(client, 'pptp-gateway')).toContain('DIAL_AUTH: Authentication with 198.51.100.2:1723 failed');
    });

    test('a client that does not encrypt is not let in, and says what the server said', async () => {
      const client = await dial('--mppe', 'disabled');
      expect(await client.exited).toMatchObject({ code: 1 });
      expect(lineOf(client, 'pptp-gateway')).toMatch(/DIAL_LOST: .*MPPE/);
    });

    test('GRE that is filtered is named', async () => {
      await lab().gre('block');
      try {
        const client = await dial('--set', 'ppp.maxConfigure=3', '--set', 'ppp.restartTimer=1');
        expect(await client.exited).toMatchObject({ code: 1 });
        expect(lineOf(client, 'pptp-gateway')).toMatch(/DIAL_NO_GRE: .*IP protocol 47 \(GRE\)/);
      } finally {
        await lab().gre('allow');
      }
    });
  });

  test('a server that does not encrypt is left where encryption is required', async () => {
    await lab().poptopAsks(server, 'mschap-v2', 'none');
    const client = await dial();
    expect(await client.exited).toMatchObject({ code: 1 });
    expect(lineOf(client, 'pptp-gateway')).toContain('DIAL_LOST: No tunnel to 198.51.100.2:1723 could be made');
  });
});
