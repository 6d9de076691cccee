import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adminRequest } from '../../../../gateway/admin/client.ts';
import { RIG_TOKENS } from '../../../support/admin-rig.ts';
import { sendRaw, talk } from '../../../support/http-talk.ts';
import { testLife } from '../../../support/life.ts';
import { MemoryLog } from '../../../support/memory-log.ts';
import { portOf, TcpAdminBench } from '../../../support/tcp-admin-bench.ts';

const { admin, operate, read } = RIG_TOKENS;

let bench: TcpAdminBench;
beforeEach(() => {
  bench = new TcpAdminBench();
});
afterEach(() => bench.stop());

describe('who asks', () => {
  it('must show a token, and has the role of the token', async () => {
    const { url } = await bench.make();
    for (const [role, token] of Object.entries(RIG_TOKENS)) {
      const heard = await talk(url, '/v1/odd/who', { token, headers: { 'x-admin-actor': 'al\u00efce' } });
      expect(heard.json).toEqual({ role, from: '127.0.0.1', actor: 'al.ce' });
    }
  });

  it('over the socket needs none', async () => {
    const { socket } = await bench.make();
    expect(await (await adminRequest(socket, { method: 'GET', path: '/v1/odd/who' })).json()).toMatchObject({
      role: 'admin',
      from: 'socket',
    });
  });

  it.each([
    ['nothing', undefined],
    ['another scheme', 'Basic YWxpY2U6d29uZGVybGFuZA=='],
    ['an empty token', 'Bearer '],
    ['two tokens', `Bearer ${admin} ${admin}`],
  ])('with %s is told how to', async (_what, authorization) => {
    const { url } = await bench.make();
    const heard = await talk(url, '/v1/gateway', { headers: authorization === undefined ? {} : { authorization } });
    expect(heard).toMatchObject({ status: 401, json: { code: 'UNAUTHORIZED' } });
    expect(heard.headers['www-authenticate']).toBe('Bearer realm="pptp-gateway"');
  });

  it('with a role that is not enough is told which it takes', async () => {
    const { url } = await bench.make();
    const heard = await talk(url, '/v1/log/level', { method: 'PUT', token: read, body: { level: 'debug' } });
    expect(heard).toMatchObject({
      status: 403,
      json: { code: 'FORBIDDEN', message: expect.stringContaining('operate') },
    });
    expect((await talk(url, '/v1/log/level', { method: 'PUT', token: operate, body: { level: 'debug' } })).status).toBe(
      200,
    );
  });

  it('with wrong tokens is not looked at for a while, not with the right one either', async () => {
    const { url, log, deps } = await bench.make();
    for (let at = 0; at < 10; at += 1) {
      const heard = await talk(url, '/v1/gateway', { token: `wrong-${at}` });
      expect(heard).toMatchObject({
        status: 401,
        headers: { 'www-authenticate': expect.stringContaining('invalid_token') },
      });
    }
    const heard = await talk(url, '/v1/gateway', { token: admin });
    expect(heard).toMatchObject({ status: 429, json: { code: 'TOO_MANY_REQUESTS' } });
    expect(Number(heard.headers['retry-after'])).toBeGreaterThan(0);
    expect((await talk(url, '/healthz')).status).toBe(200);
    expect(log.events('warn')).toHaveLength(10);
    const kept = await deps.audit.read({ limit: 100 });
    expect(kept).toHaveLength(10);
    expect(kept[0]).toMatchObject({ action: 'auth.refused', role: null, from: '127.0.0.1', outcome: 'refused' });
    expect(JSON.stringify([kept, log.lines])).not.toContain('wrong-');
  });

  const first = {
    address: '',
    port: 1,
    token: 'first-of-the-tokens',
    operateToken: '',
    readToken: '',
    tlsCert: 'none',
    tlsKey: 'none',
    traceLink: '',
  };

  it('has the tokens of the configuration in force', async () => {
    let settings = first;
    const { url } = await bench.make({ tcp: { settings: () => settings } });
    expect((await talk(url, '/v1/gateway', { token: 'first-of-the-tokens' })).status).toBe(200);
    settings = { ...first, token: 'second-of-the-tokens' };
    expect((await talk(url, '/v1/gateway', { token: 'first-of-the-tokens' })).status).toBe(401);
    expect((await talk(url, '/v1/gateway', { token: 'second-of-the-tokens' })).status).toBe(200);
  });

  it('is answered no more when its token is gone, and its streams end', async () => {
    let settings = { ...first, readToken: 'reader-of-the-tokens' };
    const rig = await bench.make({ tcp: { settings: () => settings } });
    const get = (token: string) => `GET /v1/odd/endless HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`;
    let adminIsCut = false;
    const ofAdmin = sendRaw(portOf(rig), get(first.token)).then(() => {
      adminIsCut = true;
    });
    const ofReader = sendRaw(portOf(rig), get('reader-of-the-tokens'));
    await expect.poll(() => bench.begun).toBe(2);
    settings = { ...first, readToken: 'another-reader-token' };
    expect(await ofReader).toMatch(/^HTTP\/1.1 200 .*begun/s);
    expect(adminIsCut).toBe(false);
    await rig.server.stop();
    await ofAdmin;
  });
});

describe('health', () => {
  const words = async (url: string): Promise<unknown[]> => {
    const heard = await Promise.all(['/healthz', '/readyz', '/startupz'].map((path) => talk(url, path)));
    return heard.map(({ status, text }) => `${status} ${text.trim()}`);
  };

  it('is for everybody, in every phase', async () => {
    const log = new MemoryLog();
    const sessions = {
      sessions: () => 1,
      isEmpty: () => false,
      onFewer: () => undefined,
      refuseCalls: () => undefined,
      acceptCalls: () => undefined,
      endTunnels: () => Promise.resolve(),
      isWell: () => true,
      prepare: () => Promise.reject(new Error('not in this test')),
    };
    const life = testLife({ clock: bench.lab.clock, log, body: sessions, starting: true });
    const { url } = await bench.make({ deps: { life } });
    expect(await words(url)).toEqual(['200 alive', '503 starting', '503 starting']);
    life.started();
    expect(await words(url)).toEqual(['200 alive', '200 ready', '200 started']);
    life.drain({ seconds: 60 }, 'test');
    expect(await words(url)).toEqual(['200 alive', '503 draining', '200 started']);
    life.end();
    expect(await words(url)).toEqual(['200 alive', '503 stopping', '200 started']);
    expect((await talk(url, '/readyz', { method: 'HEAD' })).status).toBe(503);
  });
});

describe('answers', () => {
  it('are kept by nobody and run nothing', async () => {
    const { url } = await bench.make();
    for (const path of ['/v1/gateway', '/v1/none', '/healthz']) {
      expect((await talk(url, path, { token: read })).headers).toMatchObject({
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      });
    }
  });

  it.each([
    ['DELETE', '/v1/gateway', undefined, {}, 405, 'METHOD_NOT_ALLOWED'],
    ['PROPFIND', '/v1/gateway', undefined, {}, 405, 'METHOD_NOT_ALLOWED'],
    ['GET', '/v1/none', undefined, {}, 404, 'NOT_FOUND'],
    ['GET', `/v1/gateway?${'a'.repeat(5000)}`, undefined, {}, 414, 'URI_TOO_LONG'],
    ['GET', `/v1/explain/${'a'.repeat(300)}`, undefined, {}, 414, 'URI_TOO_LONG'],
    ['PUT', '/v1/log/level', 'level=debug', { 'content-type': 'text/plain' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['PUT', '/v1/log/level', `"${'x'.repeat(70_000)}"`, {}, 413, 'BODY_TOO_LARGE'],
    ['PUT', '/v1/log/level', '{"level":"debug","__proto__":{}}', {}, 400, 'INVALID_REQUEST'],
    ['PUT', '/v1/log/level?a=b', '{"level":"debug"}', {}, 400, 'INVALID_REQUEST'],
    ['GET', '/v1/gateway', undefined, { expect: 'the unexpected' }, 417, 'EXPECTATION_FAILED'],
    ['GET', '/v1/gateway', undefined, { a: 'a'.repeat(40_000) }, 431, 'HEADERS_TOO_LARGE'],
  ])('to %s %.30s say what is wrong', async (method, path, body, headers, status, code) => {
    const { url } = await bench.make();
    const heard = await talk(url, path, { method, token: admin, headers, ...(body === undefined ? {} : { body }) });
    expect(heard).toMatchObject({ status, json: { code, message: expect.stringMatching(/\.$/) } });
    if (status === 405) expect(heard.headers.allow).toBe('GET, HEAD');
  });

  it('name each mistake, and never a value', async () => {
    const { url } = await bench.make();
    const body = { level: 'hunter2-is-my-password', wonderland: 1 };
    const heard = await talk(url, '/v1/log/level', {
      method: 'PUT',
      token: admin,
      body: { level: 'debug', wonderland: 1 },
    });
    expect(heard.json).toMatchObject({
      errors: [{ path: 'body', message: 'must NOT have additional properties: "wonderland"' }],
    });
    expect((await talk(url, '/v1/log/level', { method: 'PUT', token: admin, body })).text).not.toContain('hunter2');
    const broken = await talk(url, '/v1/log/level', { method: 'PUT', token: admin, body: '{"level":hunter2' });
    expect(broken).toMatchObject({ status: 400, json: { message: 'The body is no JSON.' } });
  });
});

describe('changes', () => {
  it('are in the audit, with who, what and how it went', async () => {
    const { url, deps } = await bench.make();
    const put = (token: string, body: unknown) =>
      talk(url, '/v1/log/level', { method: 'PUT', token, body, headers: { 'x-admin-actor': 'alice' } });
    await put(operate, { level: 'debug', seconds: 5 });
    await put(read, { level: 'debug' });
    await put(admin, { level: 'loud' });
    await talk(url, '/v1/captures/none', { method: 'DELETE', token: admin });
    await talk(url, '/v1/gateway', { token: admin });
    const entries = await deps.audit.read({ limit: 10 });
    const common = { actor: 'alice', from: '127.0.0.1' };
    expect(entries.map(({ at: _, ...entry }) => entry).toReversed()).toEqual([
      {
        ...common,
        action: 'log.level',
        role: 'operate',
        outcome: 'done',
        target: { level: 'debug', seconds: 5 },
        detail: null,
      },
      {
        ...common,
        action: 'log.level',
        role: 'read',
        outcome: 'refused',
        target: {},
        detail: 'FORBIDDEN: This takes the role operate, and the token is of the role read.',
      },
      {
        ...common,
        action: 'log.level',
        role: 'admin',
        outcome: 'refused',
        target: { level: 'loud' },
        detail: expect.stringContaining('INVALID_REQUEST: body/level'),
      },
      {
        ...common,
        actor: 'the admin token',
        action: 'capture.end',
        role: 'admin',
        outcome: 'refused',
        target: { id: 'none' },
        detail: expect.stringContaining('NO_CAPTURE'),
      },
    ]);
  });

  it('that were done are not driven out by attempts', async () => {
    const { url, deps } = await bench.make();
    const put = (token: string) => talk(url, '/v1/log/level', { method: 'PUT', token, body: { level: 'info' } });
    for (let at = 0; at < 130; at += 1) await put(read);
    await put(admin);
    const entries = await deps.audit.read({ limit: 1000 });
    expect(entries.length).toBeLessThan(120);
    expect(entries[0]).toMatchObject({ outcome: 'done' });
  });
});
