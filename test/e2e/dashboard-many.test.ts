import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { browserUnavailable, logIn, openBrowser, type Watched, watchedPage } from '../support/dashboard/browser.ts';
import { FakeGateway } from '../support/dashboard/fake-gateway.ts';

const FILES = fileURLToPath(new URL('../../dist/pages', import.meta.url));
const PICTURES = fileURLToPath(new URL('../../docs/pictures', import.meta.url));
const reason = browserUnavailable() ?? (existsSync(FILES) ? undefined : 'the dashboard is not built (npm run build)');
/** Draws the pictures of docs/dashboard.md anew: they are to be looked at, and committed. */
const isDrawing = process.env['PPTP_TEST_DRAW_PICTURES'] === '1';

const SESSIONS = 10_000;
/** Seconds in which the page is watched. */
const UPDATES = 4;

/** Notes what freezes the page. */
const WATCH = `window.frozen = { longest: 0, tasks: 0, gap: 0, frames: 0 };
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) {
    frozen.tasks += 1;
    frozen.longest = Math.max(frozen.longest, duration);
  }
}).observe({ type: 'longtask', buffered: true });
let last;
const frame = (at) => {
  if (last !== undefined) frozen.gap = Math.max(frozen.gap, at - last);
  last = at;
  frozen.frames += 1;
  requestAnimationFrame(frame);
};
requestAnimationFrame(frame);`;

describe.skipIf(reason !== undefined)(
  `the dashboard with many sessions${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let gateway: FakeGateway;
    let origin: string;
    let browser: Browser;
    let watched: Watched;
    let page: Page;

    const open = async (options: Parameters<typeof watchedPage>[2]): Promise<Watched> => {
      const one = await watchedPage(browser, origin, options);
      await one.page.goto(origin);
      return one;
    };
    const picture = async (of: Page, name: string): Promise<void> => {
      if (isDrawing) await of.screenshot({ path: join(PICTURES, `dashboard-${name}.png`) });
    };

    beforeAll(async () => {
      gateway = new FakeGateway({ sessions: SESSIONS, files: FILES, tokens: { admin: 'admin', reader: 'read' } });
      [origin, browser] = await Promise.all([gateway.listen(), openBrowser()]);
      watched = await watchedPage(browser, origin, { viewport: { width: 1280, height: 860 } });
      page = watched.page;
      await page.addInitScript(WATCH);
      await page.goto(origin);
    });
    afterEach(() => {
      gateway.refuseWith = undefined;
    });
    afterAll(async () => {
      await browser?.close();
      await gateway?.close();
    });

    const frozen = (): Promise<string> => page.evaluate('JSON.stringify(frozen)');
    const since = (): Promise<string | null> => page.locator('tbody tr').first().locator('td').nth(3).textContent();

    it('says so when somebody tried too often', async () => {
      gateway.refuseWith = 429;
      await logIn(page, 'admin');
      await page.getByText('Too many attempts. Wait a minute.').waitFor();
      watched.takeProblems();
    });

    it('shows each second what has changed, and takes keys meanwhile', async () => {
      await logIn(page, 'admin');
      await page.keyboard.press('Escape');
      await page.getByRole('link', { name: 'Sessions' }).click();
      await page.getByText('1 to 100 of 10,000').waitFor();
      const seen = new Set<string | null>();
      for (let press = 0; seen.size < UPDATES; press += 1) {
        const isDown = press % 2 === 0;
        await page.keyboard.press(isDown ? 'j' : 'k');
        expect(await page.locator('tr.current').getAttribute('aria-rowindex')).toBe(isDown && press > 0 ? '3' : '2');
        seen.add(await since());
      }
      console.log(`dashboard, ${SESSIONS} sessions at 1 Hz: ${await frozen()}`);
    });

    it('sorts, turns pages and searches all of them', async () => {
      await page.getByRole('button', { name: 'Out', exact: true }).click();
      await page.locator('th[aria-sort=descending]', { hasText: 'Out' }).waitFor();
      await page.getByRole('button', { name: 'Next' }).click();
      await page.getByText('101 to 200 of 10,000').waitFor();
      await page.keyboard.press('End');
      await page.getByText('9,901 to 10,000 of 10,000').waitFor();
      await page.keyboard.press('/');
      await page.keyboard.type('user00042');
      await page.getByText('1 to 1 of 1').waitFor();
      await page.keyboard.press('Enter');
      await page.keyboard.press('j');
      await page.keyboard.press('x');
      await page
        .getByRole('dialog', { name: 'Disconnect user00042?' })
        .getByRole('button', { name: 'Disconnect' })
        .click();
      await page.getByText('No session.').waitFor();
      await page.keyboard.press('/');
      await page.keyboard.press('Escape');
      await page.getByText('of 9,999').waitFor();
    });

    it('shows what peers say as text', async () => {
      await page.goto(`${origin}/#/sessions/s-000007`);
      await page.getByText('laptop-of-<b>mallory</b>').waitFor();
      expect(await page.getByRole('link', { name: 'Trace of the set-up' }).getAttribute('href')).toBe(
        `https://traces.example/trace/${'8'.padStart(32, '0')}`,
      );
      expect(watched.takeProblems()).toEqual([]);
    });

    it('keeps what it has when the gateway goes away, says that it is old, and comes back by itself', async () => {
      await page.keyboard.press('1');
      await page.locator('.top .fresh.live').waitFor();
      await gateway.close();
      await page.locator('.top .fresh.away', { hasText: 'stale for' }).waitFor();
      expect(await page.locator('.tile dd').first().textContent()).toBe('10,000');
      await gateway.listen(Number(new URL(origin).port));
      await page.locator('.top .fresh.live').waitFor();
      watched.takeProblems();
    });

    it('wants another token when this one is taken away', async () => {
      gateway.refuseWith = 401;
      await page.getByText('does not take this token any more').waitFor();
      expect(await page.evaluate('sessionStorage.length')).toBe(0);
    });

    it('fits a phone, and its pictures can be drawn', async () => {
      const size = { viewport: { width: 1280, height: 960 } };
      const phone = await open({ viewport: { width: 390, height: 844 }, isMobile: true });
      await logIn(phone.page, 'reader');
      await phone.page.locator('.tiles').waitFor();
      // The width of a window grows with what does not fit.
      const width = await phone.page.evaluate('document.documentElement.scrollWidth');
      expect(width).toBe(390);
      await picture(phone.page, 'phone');
      await phone.context.close();
      if (!isDrawing) return;
      for (const colorScheme of ['light', 'dark'] as const) {
        const one = await open({ ...size, colorScheme });
        await logIn(one.page, 'admin');
        await one.page.locator('.tiles').waitFor();
        await one.page.waitForTimeout(2500);
        await picture(one.page, colorScheme === 'dark' ? 'dark' : 'overview');
        if (colorScheme === 'light') {
          await one.page.keyboard.press('2');
          await one.page.locator('tbody tr').first().waitFor();
          await one.page.keyboard.press('j');
          await picture(one.page, 'sessions');
          await one.page.goto(`${origin}/#/sessions/s-000010`);
          await one.page.waitForTimeout(8000);
          await picture(one.page, 'session');
        }
        await one.context.close();
      }
    });
  },
);
