import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { STRICT_POLICY } from '../../../../gateway/admin/page-app.ts';
import { pages } from '../../../../gateway/admin/pages.ts';
import { ADMIN_SPECS } from '../../../../gateway/admin/specs/index.ts';
import { type AdminRig, adminRig, RIG_TOKENS } from '../../../support/admin-rig.ts';
import { GatewayLab } from '../../../support/gateway-lab.ts';
import { talk } from '../../../support/http-talk.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

let folder: string;
let rig: AdminRig;
const log = new MemoryLog();
const start = async (): Promise<void> => {
  const lab = new GatewayLab();
  rig = await adminRig({
    gateway: lab.gateway,
    clock: lab.clock,
    tcp: true,
    pages: pages({ version: '1.2.3', log, dashboard: join(folder, 'dashboard') }),
  });
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pptp-pages-'));
});
afterEach(async () => {
  await rig.stop();
  rmSync(folder, { recursive: true });
});

describe('the dashboard', () => {
  const build = (): void => {
    mkdirSync(join(folder, 'dashboard', 'assets'), { recursive: true });
    writeFileSync(join(folder, 'dashboard', 'index.html'), '<!doctype html><title>Gateway</title>');
    writeFileSync(join(folder, 'dashboard', 'assets', 'app-1234.js'), 'run();');
    writeFileSync(join(folder, 'dashboard', 'assets', 'app-1234.js.br'), brotliCompressSync('run();'));
    writeFileSync(join(folder, 'dashboard', '.hidden'), 'hidden');
    writeFileSync(join(folder, 'secret'), 'wonderland');
  };

  it('is there for everybody, under a policy that runs nothing of others', async () => {
    build();
    await start();
    const heard = await talk(rig.url, '/');
    expect(heard).toMatchObject({ status: 200, text: expect.stringContaining('<title>Gateway') });
    expect(heard.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': STRICT_POLICY,
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    const again = await talk(rig.url, '/', { headers: { 'if-none-match': String(heard.headers.etag) } });
    expect(again).toMatchObject({ status: 304, text: '' });
    expect((await talk(rig.url, '/', { method: 'HEAD' })).status).toBe(200);
  });

  it('has parts that are kept for good, compressed where the browser can', async () => {
    build();
    await start();
    const heard = await talk(rig.url, '/assets/app-1234.js');
    expect(heard).toMatchObject({ status: 200, text: 'run();' });
    expect(heard.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    const small = await fetch(`${rig.url}/assets/app-1234.js`, { headers: { 'accept-encoding': 'br' } });
    expect(small.headers.get('content-encoding')).toBe('br');
    expect(small.headers.get('vary')).toBe('accept-encoding');
    expect(small.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(await small.text()).toBe('run();');
    expect(brotliDecompressSync(brotliCompressSync('run();')).toString()).toBe('run();');
  });

  it.each([
    '/../secret',
    '/..%2fsecret',
    '/%2e%2e/secret',
    '/assets/..%2f..%2f..%2fsecret',
    '/assets/%00',
    '//secret',
    '/.hidden',
    '/none.js',
    '/assets/',
    '/\\..\\secret',
  ])('gives away nothing else: %s', async (path) => {
    build();
    await start();
    const heard = await talk(rig.url, path);
    expect(heard.status).toBeGreaterThanOrEqual(400);
    expect(heard.status).toBeLessThan(500);
    expect(heard.json).toMatchObject({ code: expect.any(String), message: expect.stringMatching(/\.$/) });
    expect(heard.text).not.toContain('wonderland');
  });

  it('takes nothing but reading', async () => {
    build();
    await start();
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']) {
      expect((await talk(rig.url, '/', { method })).json, method).toMatchObject({ code: 'NOT_FOUND' });
    }
  });

  it('that is not built says how to', async () => {
    await start();
    const heard = await talk(rig.url, '/');
    expect(heard).toMatchObject({
      status: 200,
      text: expect.stringMatching(/^The dashboard is not built:.*npm run build.*\n$/),
    });
    expect(heard.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect((await talk(rig.url, '/assets/app.js')).status).toBe(404);
  });
});

const textOf = (value: unknown): string => JSON.stringify(value);

describe('the description of the API', () => {
  beforeEach(start);

  it('is OpenAPI 3.1 with every route, its role and its refusals', async () => {
    const heard = await talk(rig.url, '/openapi.json');
    expect(heard.headers['content-type']).toContain('application/json');
    const document = heard.json as {
      readonly openapi: string;
      readonly info: object;
      readonly paths: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
      readonly components: { readonly securitySchemes: object };
    };
    expect(document.openapi).toBe('3.1.0');
    expect(document.info).toMatchObject({ version: '1.2.3' });
    expect(document.components.securitySchemes).toEqual({ token: { type: 'http', scheme: 'bearer' } });
    const ids = new Set<unknown>();
    let count = 0;
    for (const methods of Object.values(document.paths)) count += Object.keys(methods).length;
    expect(count).toBe(ADMIN_SPECS.length);
    for (const spec of ADMIN_SPECS) {
      const operation = document.paths[spec.url.replaceAll(/:(\w+)/g, '{$1}')]?.[spec.method.toLowerCase()];
      expect(operation, spec.url).toMatchObject({
        summary: spec.summary,
        tags: [spec.tag],
        'x-role': spec.role ?? 'none',
      });
      expect(operation?.['security']).toEqual(spec.role === null ? [] : [{ token: [] }]);
      expect(Object.keys(Object(operation?.['responses']))).toEqual(
        expect.arrayContaining([String(spec.status ?? 200), '4XX', ...(spec.role === null ? [] : ['401', '403'])]),
      );
      expect(operation?.['requestBody'] !== undefined).toBe(spec.body !== undefined);
      ids.add(operation?.['operationId']);
    }
    expect(ids.size).toBe(ADMIN_SPECS.length);
    expect(textOf(document)).not.toMatch(/nullable|"\$id"/);
  });

  it('is a page that needs nothing from elsewhere, under the same policy', async () => {
    const page = await talk(rig.url, '/docs/');
    expect(page.status).toBe(200);
    expect(page.headers['content-security-policy']).toBe(STRICT_POLICY);
    expect(page.text).not.toMatch(/<script>|<style|style=|https?:/);
    const parts = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(
      ([, part]) => `/docs/${part?.replace(/^\.\//, '')}`,
    );
    expect(parts.length).toBeGreaterThan(4);
    for (const part of parts) expect((await talk(rig.url, part)).status, part).toBe(200);
    expect((await talk(rig.url, '/docs/json')).json).toMatchObject({ openapi: '3.1.0' });
    expect((await talk(rig.url, '/docs/none')).json).toMatchObject({ code: 'NOT_FOUND' });
    expect((await talk(rig.url, '/docs')).status).toBe(200);
  });

  it('describes, and does not answer for them', async () => {
    expect((await talk(rig.url, '/v1/gateway', { token: RIG_TOKENS.read })).json).toMatchObject({ version: '1.2.3' });
    expect((await talk(rig.url, '/docs/../v1/gateway')).status).toBe(404);
  });
});
