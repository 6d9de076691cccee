import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { browserUnavailable, logIn, openBrowser, type Watched, watchedPage } from '../support/dashboard/browser.ts';
import { FakeGateway } from '../support/dashboard/fake-gateway.ts';

const FILES = fileURLToPath(new URL('../../dist/pages', import.meta.url));
const reason = browserUnavailable() ?? (existsSync(FILES) ? undefined : 'the dashboard is not built (npm run build)');

const SESSIONS = 250;
const TOKENS = { admin: 'admin', operator: 'operate', reader: 'read' } as const;
const PHONE = 390;
/** More than any time that the page waits before it asks again. */
const LATER_MS = 20_000;

/** Makes the page believe that its tab is behind others, or in front again. */
const tab = (
  isHidden: boolean,
): string => `Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true });
document.dispatchEvent(new Event('visibilitychange'));`;

describe.skipIf(reason !== undefined)(
  `the dashboard of people who do other things too${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let gateway: FakeGateway;
    let origin: string;
    let browser: Browser;
    let watched: Watched;

    const enter = async (
      token: keyof typeof TOKENS,
      view: string,
      options: Parameters<typeof watchedPage>[2] = {},
      sign = '.top .fresh.live',
    ) => {
      watched = await watchedPage(browser, origin, options);
      const { page } = watched;
      await page.clock.install();
      await page.goto(`${origin}/#/${view}`);
      await logIn(page, token);
      await page.locator(sign).waitFor();
      return page;
    };

    beforeAll(async () => {
      gateway = new FakeGateway({ sessions: SESSIONS, files: FILES, tokens: TOKENS });
      [origin, browser] = await Promise.all([gateway.listen(), openBrowser()]);
    });
    afterEach(async () => {
      gateway.hold = undefined;
      gateway.refuseWith = undefined;
      for (const go of gateway.held.splice(0)) go();
      await watched.context.close();
    });
    afterAll(async () => {
      await browser?.close();
      await gateway?.close();
    });

    it('a key is for the page that was turned to, not for the one that still shows', async () => {
      const page = await enter('admin', 'sessions', { viewport: { width: 1280, height: 500 } });
      await page.getByText('1 to 100 of 250').waitFor();
      gateway.hold = /sessions\/stream/;
      await page.keyboard.press('PageDown');
      await page.keyboard.press('PageDown');
      await page.keyboard.press('Enter');
      await page.keyboard.press('x');
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
      expect(await page.getByRole('dialog', { name: 'Keys' }).count()).toBe(1);
      expect(await page.getByRole('dialog').count()).toBe(1);
      expect(await page.evaluate('location.hash')).toBe('#/sessions');
    });

    it('a session opens at its top, and the list is as it was left', async () => {
      const page = await enter('admin', 'sessions', { viewport: { width: 1280, height: 500 } });
      await page.getByText('1 to 100 of 250').waitFor();
      await page.getByRole('button', { name: 'User', exact: true }).click();
      await page.keyboard.press('End');
      await page.getByText('201 to 250 of 250').waitFor();
      await page.locator('tbody tr.current').waitFor();
      expect(await page.locator('tbody tr.current').getAttribute('aria-rowindex')).toBe(String(SESSIONS + 1));
      expect(await page.evaluate('scrollY')).toBeGreaterThan(0);
      // The button "User" has the focus of the mouse no more.
      await page.keyboard.press('Enter');
      await page.locator('.facts').waitFor();
      expect(await page.evaluate('scrollY')).toBe(0);
      await page.keyboard.press('Escape');
      await page.getByText('201 to 250 of 250').waitFor();
      await page.locator('th[aria-sort=ascending]', { hasText: 'User' }).waitFor();
    });

    it('follows nothing while its tab is behind others, and what was missed is asked for', async () => {
      const page = await enter('admin', 'sessions');
      await expect.poll(() => gateway.streams).toBe(2);
      await page.evaluate(tab(true));
      await page.clock.fastForward(LATER_MS);
      await expect.poll(() => gateway.streams).toBe(0);
      gateway.asked.splice(0);
      await page.evaluate(tab(false));
      await expect.poll(() => gateway.streams).toBe(2);
      await expect.poll(() => gateway.asked.map(({ path }) => path)).toContain('/v1/stats/history');
    });

    it('knows another version and another role of its token after a restart', async () => {
      const page = await enter('admin', 'configuration');
      await gateway.close();
      await page.locator('.top .fresh.away').waitFor();
      await page.keyboard.press('3');
      await page.getByText('The gateway does not answer.').waitFor();
      gateway.tokens = { ...TOKENS, admin: 'read' };
      gateway.version = '2.0.0';
      await gateway.listen(Number(new URL(origin).port));
      await page.locator('.badge', { hasText: 'read' }).waitFor();
      await page.locator('.top', { hasText: '2.0.0' }).waitFor();
      await page.getByText('It takes the role admin.').waitFor();
      gateway.tokens = TOKENS;
    });

    it('shows the configuration also when the gateway was away at first', async () => {
      const page = await enter('admin', 'overview');
      await gateway.close();
      await page.locator('.top .fresh.away').waitFor();
      await page.keyboard.press('5');
      await page.getByText('The gateway does not answer.').waitFor();
      await gateway.listen(Number(new URL(origin).port));
      await page.clock.fastForward(LATER_MS);
      await page.getByText('PPTP_LOG_LEVEL', { exact: true }).waitFor();
    });

    it('says why it shows nothing, when the gateway answers', async () => {
      gateway.hold = /stats\/stream/;
      const page = await enter('admin', 'overview', {}, '.top .fresh.connecting');
      await expect.poll(() => gateway.held.length).toBeGreaterThan(0);
      gateway.refuseWith = 429;
      for (const go of gateway.held.splice(0)) go();
      await page.getByText('Not now.').waitFor();
      expect(await page.getByText('does not answer').count()).toBe(0);
      gateway.hold = undefined;
      gateway.refuseWith = undefined;
      await page.clock.fastForward(LATER_MS);
      await page.locator('.tiles').waitFor();
      expect(await page.getByText('Not now.').count()).toBe(0);
    });

    it('does not ask again for what it may not see', async () => {
      const page = await enter('reader', 'overview');
      gateway.asked.splice(0);
      await page.keyboard.press('3');
      await page.getByText('It takes the role admin.').waitFor();
      await page.clock.fastForward(LATER_MS);
      await page.keyboard.press('4');
      await page.getByText('mallory').waitFor();
      expect(gateway.asked.filter(({ path }) => path.startsWith('/v1/audit'))).toHaveLength(1);
    });

    it('says in the dialog why a session was not disconnected', async () => {
      const page = await enter('operator', 'sessions/s-000003');
      await page.getByRole('button', { name: 'Disconnect…' }).click();
      const dialog = page.getByRole('dialog', { name: 'Disconnect user00003?' });
      await dialog.waitFor();
      gateway.hold = /^\/v1\/sessions\/s-000003$/;
      gateway.sessions.end('s-000003');
      await dialog.getByRole('button', { name: 'Disconnect' }).click();
      await dialog.getByText('The session was over already.').waitFor();
      expect(await page.getByText('was disconnected.').count()).toBe(0);
    });

    it('a late answer to one token does not throw out the next', async () => {
      gateway.hold = /\/v1\/life/;
      const page = await enter('admin', 'overview');
      await expect.poll(() => gateway.held.length).toBeGreaterThan(0);
      await page.getByRole('button', { name: 'Log out' }).click();
      gateway.hold = undefined;
      await logIn(page, 'reader');
      await page.locator('.badge', { hasText: 'read' }).waitFor();
      gateway.tokens = { operator: 'operate', reader: 'read' };
      const refused = page.waitForResponse((response) => response.status() === 401);
      for (const go of gateway.held.splice(0)) go();
      await (await refused).finished();
      await page.keyboard.press('4');
      await page.getByText('mallory').waitFor();
      gateway.tokens = TOKENS;
    });

    it('marks as failed only phases where a set-up failed', async () => {
      const page = await enter('reader', 'overview');
      await page.locator('.funnel-step').nth(6).waitFor();
      expect(await page.locator('.funnel-failed').count()).toBe(await page.locator('.funnel-reasons').count());
    });

    it('draws a stage that stands in two places, and goes on doing so', async () => {
      const page = await enter('reader', 'overview');
      const boxes = page.locator('.pipeline .box-name');
      const names = await boxes.allTextContents();
      expect(names.filter((name) => name === 'ipsec-gate')).toHaveLength(2);
      const passed = page.getByRole('button', { name: /^mppe: passed/ });
      const first = await passed.getAttribute('aria-label');
      await expect.poll(() => passed.getAttribute('aria-label')).not.toBe(first);
      expect(await boxes.allTextContents()).toEqual(names);
    });

    it('is no wider than a phone, whatever is looked at', async () => {
      const page = await enter('admin', 'overview', { viewport: { width: PHONE, height: 844 }, isMobile: true });
      const widths: Record<string, unknown> = {};
      for (const view of ['overview', 'sessions', 'sessions/s-000007', 'audit', 'locks', 'configuration', 'reasons']) {
        await page.goto(`${origin}/#/${view}`);
        await page.locator('.card, .tiles').first().waitFor();
        await page.locator('.table td, .facts, .tiles').first().waitFor();
        widths[view] = await page.evaluate('document.documentElement.scrollWidth');
      }
      expect(widths).toEqual(Object.fromEntries(Object.keys(widths).map((view) => [view, PHONE])));
    });
  },
);
