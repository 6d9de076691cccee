import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';
import type { AuditEntry } from '../../gateway/admin/api/operations.ts';
import type { SessionDetail, SessionsPage } from '../../gateway/admin/api/sessions.ts';
import { browserUnavailable, logIn, openBrowser, type Watched, watchedPage } from '../support/dashboard/browser.ts';
import { describeWithLab } from './support/describe-lab.ts';
import { gatewayEnvironment } from './support/gateway-contract.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import { type Finished, quote } from './support/shell.ts';
import { ADDRESSES, REPOSITORY } from './support/topology.ts';
import { alice, bob } from './support/users.ts';
import { waitFor } from './support/wait.ts';

const ORIGIN = 'http://127.0.0.1:8723';
const TOKEN = 'the-token-of-the-operator';

/** One day of an operator, with the program as the Debian package has it and a real client. */
await describeWithLab('the day of an operator', (lab) => {
  let installed: string;
  let environment: Readonly<Record<string, string>>;
  let gateway: GatewayProcess;
  let client: Guest;
  let browser: Browser;
  let watched: Watched;
  let page: Page;

  const program = (): string => join(installed, 'usr/lib/pptp-gateway/dist/gateway/main.js');
  const type = (...args: readonly string[]): Promise<Finished> => typeWith('', ...args);
  const typeWith = (input: string, ...args: readonly string[]): Promise<Finished> => {
    const settings = Object.entries(environment).map(([name, value]) => `${name}=${quote(value)}`);
    const command = [...settings, quote(process.execPath), quote(program()), ...args.map(quote)].join(' ');
    return lab().inGateway(input === '' ? command : `printf '%s\\n' ${quote(input)} | ${command}`);
  };
  const told = async <T>(...args: readonly string[]): Promise<T> => {
    const { status, output, errors } = await type(...args, '--json');
    if (status !== 0) throw new Error(`${args.join(' ')}: status ${status}\n${output}${errors}`);
    return JSON.parse(output) as T;
  };
  const only = async (): Promise<SessionsPage['sessions'][number]> => {
    const { sessions } = await told<SessionsPage>('sessions', 'list');
    const [session, ...others] = sessions;
    if (session === undefined || others.length > 0) throw new Error(`${sessions.length} sessions`);
    return session;
  };
  const pings = (count = 3): Promise<string> => client.must(`ping -c ${count} -i 0.2 -W 20 ${ADDRESSES.intranet}`);

  afterAll(async () => {
    await browser?.close();
  });

  test('installs the package', async () => {
    installed = await lab().temporaryDirectory();
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ['setup/deb.mjs', installed], { cwd: REPOSITORY });
    await run('dpkg-deb', ['-x', stdout.trim().split('\n').at(-1) ?? '', installed]);
    const { status, output } = await lab().inGateway(`${quote(process.execPath)} ${quote(program())} version`);
    expect({ status, output }).toEqual({ status: 0, output: expect.stringMatching(/^pptp-gateway \d/) });
  });

  test('configures it by nothing but the environment, and starts it', async () => {
    const state = await lab().temporaryDirectory();
    const [token, profiles] = [join(state, 'token'), join(state, 'profiles.yaml')];
    await writeFile(token, `${TOKEN}\n`, { mode: 0o600 });
    await writeFile(profiles, '{}\n');
    environment = {
      ...gatewayEnvironment(state),
      PPTP_ADMIN_PORT: '8723',
      PPTP_ADMIN_TOKEN_FILE: token,
      PPTP_PLUGINS: 'policy-profile',
      PPTP_POLICY_PROFILE_FILE: profiles,
    };
    expect(await type('config', 'check')).toMatchObject({ status: 0 });
    [gateway, client] = await Promise.all([
      lab().startGateway({ stateDirectory: state, env: environment, command: [process.execPath, program(), 'run'] }),
      lab().guest('c1'),
    ]);
    expect(await type('healthcheck')).toMatchObject({ status: 0 });
  });

  test('adds a user, whose client has a tunnel at once', async () => {
    expect(await typeWith(alice.password, 'users', 'add', alice.user)).toMatchObject({ status: 0 });
    await client.mustDial(alice);
    await pings();
  });

  test.skipIf(browserUnavailable() !== undefined)('sees it in the dashboard', async () => {
    const folder = await lab().temporaryDirectory();
    browser = await openBrowser({ ns: { name: lab().gatewayNamespace }, folder });
    watched = await watchedPage(browser, ORIGIN);
    ({ page } = watched);
    await page.goto(`${ORIGIN}/#/sessions`);
    await logIn(page, TOKEN);
    await page.getByRole('link', { name: alice.user }).waitFor();
    expect(watched.takeProblems()).toEqual([]);
  });

  test('sees it on the command line', async () => {
    const session = await only();
    expect(session).toMatchObject({
      state: 'up',
      user: alice.user,
      method: 'ms-chap-v2',
      packetsIn: expect.any(Number),
    });
    expect(session.peer).toContain(client.address);
    const { output } = await type('sessions', 'list');
    expect(output).toContain(alice.user);
    expect((await type('stats')).output).toMatch(/auth/i);
  });

  test('changes its rate and its password without dropping it', async () => {
    const { id } = await only();
    expect(await type('sessions', 'set', id, '--rate-down', '2M')).toMatchObject({ status: 0 });
    expect(await typeWith(bob.password, 'users', 'passwd', alice.user)).toMatchObject({ status: 0 });
    const detail = await told<SessionDetail>('sessions', 'show', id);
    expect(detail).toMatchObject({ id, state: 'up', profile: { rateDown: 2_000_000, rateUp: null } });
    await pings();
  });

  test('kicks it: the client is told, and comes back only with the new password', async () => {
    const { id } = await only();
    expect(await type('sessions', 'kick', id, '--reason', 'end of the trial')).toMatchObject({ status: 0 });
    await waitFor(
      'the end of the session',
      async () => (await told<SessionsPage>('sessions', 'list')).total === 0 || undefined,
    );
    await client.hangUp();
    expect(await client.dial(alice)).toMatchObject({ up: false });
    await client.mustDial({ user: alice.user, password: bob.password });
    expect((await only()).id).not.toBe(id);
  });

  test('drains it: who is there stays, who comes is refused, and then not any more', async () => {
    expect(await type('drain', '--seconds', '300')).toMatchObject({ status: 0 });
    const refused = await lab().inGateway(`curl -s -o /dev/null -w '%{http_code}' ${ORIGIN}/readyz`);
    expect(refused.output).toBe('503');
    await pings();
    expect(await type('drain', '--cancel')).toMatchObject({ status: 0 });
    expect((await lab().inGateway(`curl -s ${ORIGIN}/readyz`)).output).toContain('ready');
  });

  test('upgrades it to the next version; the tunnel is the same', async () => {
    const { id } = await only();
    const manifest = join(installed, 'usr/lib/pptp-gateway/package.json');
    const next = (await readFile(manifest, 'utf8')).replace(/"version": "[^"]*"/, '"version": "99.0.0"');
    const pinging = client.exec(`ping -c 60 -i 0.1 -W 2 ${ADDRESSES.intranet}`);
    await writeFile(manifest, next);
    const { status, output, errors } = await type('upgrade');
    expect({ status, output, errors }).toMatchObject({ status: 0 });
    const [, received = '0'] = /(\d+) (?:packets )?received/.exec((await pinging).output) ?? [];
    expect(Number(received)).toBeGreaterThan(50);
    expect((await only()).id).toBe(id);
    expect((await told<{ readonly gateway: { readonly version: string } }>('status')).gateway.version).toBe('99.0.0');
    await pings();
  });

  test('reads in the audit log what was done today', async () => {
    const { entries } = await told<{ readonly entries: readonly AuditEntry[] }>('audit');
    expect(entries.toReversed().map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      'user.add done',
      'session.change done',
      'user.password done',
      'session.disconnect done',
      'life.drain done',
      'life.resume done',
      'gateway.upgrade done',
    ]);
    const text = JSON.stringify(entries);
    for (const secret of [TOKEN, alice.password, bob.password]) expect(text).not.toContain(secret);
    expect(text).toContain('end of the trial');
  });

  test('stops it in the evening, and the host is as it was', async () => {
    expect(await type('drain', '--seconds', '0', '--stop', '--wait')).toMatchObject({ status: 0 });
    expect(await gateway.exited).toMatchObject({ code: 0 });
    expect((await lab().inGateway('ip -brief link show type tun')).output).toBe('');
  });
});
