import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAIN, notBuilt } from '../support/built.ts';
import { browserUnavailable, logIn, openBrowser, type Watched, watchedPage } from '../support/dashboard/browser.ts';
import { connect, Netns, netnsUnavailable } from '../support/netns.ts';
import { Program } from '../support/program.ts';

const reason = netnsUnavailable('nft') ?? browserUnavailable() ?? notBuilt('dist/pages/index.html');

const SERVER = '203.0.113.1';
const INNER = '10.99.0.1';
const ORIGIN = 'http://127.0.0.1:8723';
const ADMIN = 'token-of-an-administrator';
const READER = 'token-of-a-reader';

describe.skipIf(reason !== undefined)(`the dashboard of a gateway${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let server: Netns;
  let client: Netns;
  let folder: string;
  let browser: Browser;
  let watched: Watched;
  let page: Page;
  const programs: Program[] = [];

  const started = (ns: Netns, command: readonly string[], env: Readonly<Record<string, string>> = {}): Program => {
    const program = new Program(ns, command, env);
    programs.push(program);
    return program;
  };
  const gatewayEnv = () => ({
    PPTP_STATE_DIR: join(folder, 'server'),
    PPTP_LOG_FORMAT: 'json',
    PPTP_NAT: 'off',
    PPTP_INTRANET_INTERFACE: 'lo',
    // Rates are held where a policy wants them.
    PPTP_PLUGINS: 'policy-profile,policy-lockout',
    PPTP_POLICY_PROFILE_FILE: join(folder, 'profiles.yaml'),
    PPTP_ADMIN_PORT: '8723',
    PPTP_ADMIN_TOKEN: ADMIN,
    PPTP_ADMIN_READ_TOKEN: READER,
  });
  const dial = async (): Promise<Program> => {
    const password = join(folder, 'password');
    writeFileSync(password, 'wonderland');
    const command = [process.execPath, MAIN, 'dial', SERVER, '--user', 'alice', '--password-file', password, '--once'];
    const program = started(client, command, { PPTP_STATE_DIR: join(folder, 'client') });
    await program.says(/^connected/);
    return program;
  };

  beforeAll(async () => {
    server = new Netns('hs');
    client = new Netns('hc');
    connect(
      { ns: server, device: 'wan0', addresses: [`${SERVER}/24`] },
      { ns: client, device: 'up0', addresses: ['203.0.113.2/24'] },
    );
    folder = mkdtempSync(join(tmpdir(), 'pptp-dashboard-'));
    writeFileSync(join(folder, 'profiles.yaml'), '{}\n');
    const options = { env: { ...process.env, ...gatewayEnv() }, input: 'wonderland\n' };
    execFileSync(process.execPath, [MAIN, 'users', 'add', 'alice'], options);
    const gateway = started(server, [process.execPath, MAIN, 'run'], gatewayEnv());
    [browser] = await Promise.all([openBrowser({ ns: server, folder }), gateway.says(/"gateway.ready"/)]);
    watched = await watchedPage(browser, ORIGIN, { viewport: { width: 1280, height: 860 }, colorScheme: 'light' });
    page = watched.page;
    await dial();
    started(client, ['ping', '-q', '-i', '0.02', '-s', '1000', INNER]);
  });
  afterAll(async () => {
    await browser?.close();
    for (const program of programs) await program.end('SIGKILL');
    for (const ns of [server, client]) ns?.destroy();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const session = () => page.getByRole('link', { name: 'alice' });
  const fact = (name: string) => page.locator('.facts > div', { hasText: name }).locator('dd');

  it('lets nobody in without a token it knows, and says what is wrong', async () => {
    await page.goto(ORIGIN);
    await logIn(page, 'no-such-token');
    await page.getByText('does not know this token').waitFor();
    expect(watched.takeProblems()).toEqual([expect.stringContaining('401')]);
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  });

  it('shows a reader everything, and why it may change nothing', async () => {
    await logIn(page, READER);
    await page.getByRole('link', { name: 'Sessions' }).click();
    await session().waitFor();
    const kick = page.getByRole('button', { name: 'Disconnect alice' });
    expect(await kick.getAttribute('aria-disabled')).toBe('true');
    expect(await kick.getAttribute('title')).toBe('This token has the role read; it takes operate.');
    await kick.click({ force: true });
    expect(await page.getByRole('dialog').count()).toBe(0);
    await page.getByRole('button', { name: 'Log out' }).click();
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  });

  it('shows tunnels, traffic, set-ups and the pipeline as they are', async () => {
    await page.goto(`${ORIGIN}/#/overview`);
    await logIn(page, ADMIN);
    const tile = page.locator('.tile', { hasText: 'Tunnels up' }).locator('dd');
    await tile.getByText('1', { exact: true }).waitFor();
    await page.locator('.key.in', { hasText: /in \d.* kbit\/s/ }).waitFor();
    await page.getByRole('listitem').filter({ hasText: 'Authentication' }).waitFor();
    const stage = page.getByRole('button', { name: /^mppe: passed/ });
    const first = await stage.getAttribute('aria-label');
    await expect.poll(() => stage.getAttribute('aria-label')).not.toBe(first);
    await stage.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'mppe' }).waitFor();
    expect(watched.takeProblems()).toEqual([]);
  });

  it('is light or dark, as the system is or as people choose', async () => {
    const theme = (): Promise<string | null> => page.locator('html').getAttribute('data-theme');
    expect(await theme()).toBe('light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.locator('html[data-theme=dark]').waitFor();
    await page.keyboard.press('t');
    await page.locator('html[data-theme=light]').waitFor();
    await page.keyboard.press('t');
    await page.locator('html[data-theme=dark]').waitFor();
  });

  it('needs no mouse: to the session, its set-up, and another rate', async () => {
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('2');
    await session().waitFor();
    await page.keyboard.press('/');
    const searched = page.waitForRequest(/search=ALI/);
    await page.keyboard.type('ALI');
    await page.keyboard.press('Enter');
    // From now on the cursor is one in what was found.
    await searched;
    await page.getByText('1 to 1 of 1').waitFor();
    await page.keyboard.press('j');
    await page.locator('tr.current').waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'alice', level: 1 }).waitFor();
    const phases = page.locator('.wf-line:not(.wf-scale) .wf-name');
    await phases.first().waitFor();
    expect(await phases.allTextContents()).toEqual(expect.arrayContaining(['LCP', 'Authentication', 'CCP', 'IPCP']));
    await page.getByLabel('From the client').focus();
    await page.keyboard.type('2 Mbit/s');
    await page.keyboard.press('Enter');
    await fact('Rate from the client').getByText('2 Mbit/s').waitFor();
    expect(watched.takeProblems()).toEqual([]);
  });

  it('disconnects a session, after asking', async () => {
    await page.getByRole('button', { name: 'Disconnect…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Disconnect alice?' });
    await dialog.getByLabel('Reason').fill('laptop stolen');
    await dialog.getByRole('button', { name: 'Disconnect' }).click();
    await page.getByText('alice was disconnected.').waitFor();
    await page.getByText('No session.').waitFor();
  });

  it('drains the gateway, and lets it take calls again', async () => {
    await page.keyboard.press('1');
    await page.getByRole('button', { name: 'Drain…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Drain the gateway?' });
    await dialog.getByLabel('Deadline').fill('120');
    await dialog.getByRole('button', { name: 'Drain', exact: true }).click();
    await page.locator('.phase.draining').waitFor();
    await page.getByRole('button', { name: 'Take calls again' }).click();
    await page.locator('.phase.ready').waitFor();
  });

  it('has all of it in the audit log, and shows locks and the configuration', async () => {
    await page.keyboard.press('3');
    await page.getByRole('cell', { name: 'session.change' }).waitFor();
    const actions = await page.locator('tbody tr td:nth-child(2)').allTextContents();
    expect(actions).toEqual(
      expect.arrayContaining(['session.change', 'session.disconnect', 'life.drain', 'life.resume']),
    );
    await page.getByText('laptop stolen').waitFor();
    await page.keyboard.press('4');
    await page.getByText('Nobody is locked out.').waitFor();
    await page.keyboard.press('5');
    const token = page.getByRole('row', { name: 'PPTP_ADMIN_TOKEN' });
    await token.getByText('env PPTP_ADMIN_TOKEN').waitFor();
    expect(await page.content()).not.toContain(ADMIN);
    expect(watched.takeProblems()).toEqual([]);
  });
});
