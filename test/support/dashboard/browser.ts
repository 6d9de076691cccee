import { accessSync, chmodSync, constants, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { BROWSERS } from '../../../setup/lib/preflight.mjs';
import type { Netns } from '../netns.ts';

const onPath = (program: string): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });

export const browserPath = (): string | undefined => BROWSERS.map(onPath).find((path) => path !== undefined);

/** Why tests with a browser cannot run here; undefined when they can. */
export const browserUnavailable = (): string | undefined =>
  browserPath() === undefined ? `there is none of the browsers ${BROWSERS.join(', ')}` : undefined;

/** A browser without a window, in a network namespace if wanted; its script goes into `folder` then. */
export const openBrowser = (inside?: {
  readonly ns: Pick<Netns, 'name'>;
  readonly folder: string;
}): Promise<Browser> => {
  const program = browserPath();
  if (program === undefined) throw new Error('no browser');
  const args = ['--disable-gpu', '--no-first-run', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])];
  if (inside === undefined) return chromium.launch({ executablePath: program, args });
  const script = join(inside.folder, 'browser');
  writeFileSync(script, `#!/bin/sh\nexec ip netns exec ${inside.ns.name} '${program}' "$@"\n`);
  chmodSync(script, 0o755);
  return chromium.launch({ executablePath: script, args });
};

export interface Watched {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What a strict page must not do: errors, what the security policy stopped, requests to elsewhere. Emptied when taken. */
  takeProblems(): readonly string[];
}

const VIOLATIONS = `document.addEventListener('securitypolicyviolation', (event) =>
  console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI));`;

/** A page of its own, with nothing kept from others. */
export const watchedPage = async (
  browser: Browser,
  origin: string,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<Watched> => {
  const context = await browser.newContext({ timezoneId: 'UTC', locale: 'en-GB', ...options });
  await context.addInitScript(VIOLATIONS);
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  let problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  context.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !url.startsWith('data:')) problems.push(`elsewhere: ${url}`);
  });
  const takeProblems = (): readonly string[] => {
    const taken = problems;
    problems = [];
    return taken;
  };
  return { page, context, takeProblems };
};

/** Pastes a token and waits for what comes after it. */
export const logIn = async (page: Page, token: string): Promise<void> => {
  await page.getByLabel('Token').fill(token);
  await page.keyboard.press('Enter');
};
