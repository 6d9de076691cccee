import { copyFileSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adminRequest } from '../../../../gateway/admin/client.ts';
import type { AdminRoute } from '../../../../gateway/admin/route.ts';
import { fromSpec } from '../../../../gateway/admin/spec.ts';
import { TcpServer } from '../../../../gateway/admin/tcp-server.ts';
import { TlsSource } from '../../../../gateway/admin/tls-files.ts';
import { type AdminRig, type AdminRigOptions, adminRig, RIG_TOKENS } from '../../../support/admin-rig.ts';
import { tlsVector } from '../../../support/eap-tls-files.ts';
import { GatewayLab } from '../../../support/gateway-lab.ts';
import { sendRaw, talk } from '../../../support/http-talk.ts';
import { testLife } from '../../../support/life.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

const { admin, operate, read } = RIG_TOKENS;

const spec = { role: 'read', tag: 'odd', summary: 'A route of this test' } as const;
/** Answers that have begun and do not end. */
let begun = 0;
/** Answers with too much in them that were given up. */
let givenUp = 0;
const oddRoutes: AdminRoute = (app) => {
  app.route({
    ...fromSpec({ ...spec, method: 'GET', url: '/v1/odd/endless' }),
    handler: (_request, reply) => {
      begun += 1;
      const endless = new Readable({ read: () => undefined });
      endless.push('begun');
      return reply.send(endless);
    },
  });
  app.route({
    ...fromSpec({ ...spec, method: 'GET', url: '/v1/odd/flood' }),
    handler: (_request, reply) => {
      const flood = new Readable({ read: () => flood.push(Buffer.alloc(65_536)) });
      flood.once('close', () => {
        givenUp += 1;
      });
      return reply.send(flood);
    },
  });
  app.route({
    ...fromSpec({ ...spec, method: 'GET', url: '/v1/odd/who' }),
    handler: ({ role, from, actor }) => ({ role, from, actor }),
  });
};

let lab: GatewayLab;
const rigs: AdminRig[] = [];
const make = async (more: Partial<AdminRigOptions> = {}): Promise<AdminRig> => {
  const rig = await adminRig({ gateway: lab.gateway, clock: lab.clock, routes: [oddRoutes], tcp: true, ...more });
  rigs.push(rig);
  return rig;
};
const portOf = ({ url }: AdminRig): number => Number(new URL(url).port);

beforeEach(() => {
  lab = new GatewayLab();
  begun = 0;
  givenUp = 0;
});
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.stop();
});

describe('who asks', () => {
  it('must show a token, and has the role of the token', async () => {
    const { url } = await make();
    for (const [role, token] of Object.entries(RIG_TOKENS)) {
      const heard = await talk(url, '/v1/odd/who', { token, headers: { 'x-admin-actor': 'al\u00efce' } });
      expect(heard.json).toEqual({ role, from: '127.0.0.1', actor: 'al.ce' });
    }
  });

  it('over the socket needs none', async () => {
    const { socket } = await make();
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
    const { url } = await make();
    const heard = await talk(url, '/v1/gateway', { headers: authorization === undefined ? {} : { authorization } });
    expect(heard).toMatchObject({ status: 401, json: { code: 'UNAUTHORIZED' } });
    expect(heard.headers['www-authenticate']).toBe('Bearer realm="pptp-gateway"');
  });

  it('with a role that is not enough is told which it takes', async () => {
    const { url } = await make();
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
    const { url, log, deps } = await make();
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
    const { url } = await make({ tcp: { settings: () => settings } });
    expect((await talk(url, '/v1/gateway', { token: 'first-of-the-tokens' })).status).toBe(200);
    settings = { ...first, token: 'second-of-the-tokens' };
    expect((await talk(url, '/v1/gateway', { token: 'first-of-the-tokens' })).status).toBe(401);
    expect((await talk(url, '/v1/gateway', { token: 'second-of-the-tokens' })).status).toBe(200);
  });

  it('is answered no more when its token is gone, and its streams end', async () => {
    let settings = { ...first, readToken: 'reader-of-the-tokens' };
    const rig = await make({ tcp: { settings: () => settings } });
    const get = (token: string) => `GET /v1/odd/endless HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`;
    let adminIsCut = false;
    const ofAdmin = sendRaw(portOf(rig), get(first.token)).then(() => {
      adminIsCut = true;
    });
    const ofReader = sendRaw(portOf(rig), get('reader-of-the-tokens'));
    await expect.poll(() => begun).toBe(2);
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
    const life = testLife({ clock: lab.clock, log, body: sessions, starting: true });
    const { url } = await make({ deps: { life } });
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
    const { url } = await make();
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
    const { url } = await make();
    const heard = await talk(url, path, { method, token: admin, headers, ...(body === undefined ? {} : { body }) });
    expect(heard).toMatchObject({ status, json: { code, message: expect.stringMatching(/\.$/) } });
    if (status === 405) expect(heard.headers.allow).toBe('GET, HEAD');
  });

  it('name each mistake, and never a value', async () => {
    const { url } = await make();
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
    const { url, deps } = await make();
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
    const { url, deps } = await make();
    const put = (token: string) => talk(url, '/v1/log/level', { method: 'PUT', token, body: { level: 'info' } });
    for (let at = 0; at < 130; at += 1) await put(read);
    await put(admin);
    const entries = await deps.audit.read({ limit: 1000 });
    expect(entries.length).toBeLessThan(120);
    expect(entries[0]).toMatchObject({ outcome: 'done' });
  });
});

describe('connections', () => {
  const open = async (port: number, count: number): Promise<Socket[]> => {
    const sockets = Array.from({ length: count }, () =>
      connect({ host: '127.0.0.1', port }).on('error', () => undefined),
    );
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    return sockets;
  };
  const closed = (socket: Socket): Promise<void> =>
    new Promise((resolve) => {
      socket.resume();
      if (socket.closed) resolve();
      else socket.once('close', () => resolve());
    });

  it('of one source are limited, and room is made by those that go', async () => {
    const rig = await make({ tcp: { limits: { connectionsPerSource: 4 } } });
    const first = await open(portOf(rig), 4);
    const more = await open(portOf(rig), 3);
    await Promise.all(more.map(closed));
    for (const socket of first) socket.destroy();
    await expect
      .poll(() =>
        talk(rig.url, '/healthz').then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(200);
  });

  it('are limited in all', async () => {
    const rig = await make({ tcp: { limits: { connections: 4 } } });
    const first = await open(portOf(rig), 4);
    await Promise.all((await open(portOf(rig), 3)).map(closed));
    for (const socket of first) socket.destroy();
    await expect
      .poll(() =>
        talk(rig.url, '/healthz').then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(200);
  });

  it.each([
    ['that say nothing', ''],
    ['whose header does not end', 'GET /healthz HTTP/1.1\r\nHost: a\r\nA: b\r\n'],
    [
      'whose body does not come',
      `PUT /v1/log/level HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${admin}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
    ],
    ['that were answered and say no more', 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n'],
  ])('%s are not kept', async (_what, octets) => {
    const limits = { headersMs: 100, requestMs: 200, keepAliveMs: 50, silenceMs: 100, checkMs: 20 };
    const rig = await make({ tcp: { limits } });
    const heard = await sendRaw(portOf(rig), octets);
    const status = /^HTTP\/1\.1 (\d+)/.exec(heard)?.[1];
    expect([undefined, '200', '408']).toContain(status);
    if (status === '408') expect(heard).toContain('"code":"REQUEST_TIMEOUT"');
  });

  it('whose answer nobody reads are not kept, others are, however long nothing is said', async () => {
    const rig = await make({ tcp: { limits: { silenceMs: 100, checkMs: 20 } } });
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${admin}\r\n\r\n`;
    let isCut = false;
    const quiet = sendRaw(portOf(rig), get('/v1/odd/endless')).then((heard) => {
      isCut = true;
      return heard;
    });
    await expect.poll(() => begun).toBe(1);
    // Is given up later than the other one would have been.
    const unread = connect({ host: '127.0.0.1', port: portOf(rig) });
    unread.on('error', () => undefined).write(get('/v1/odd/flood'));
    await expect.poll(() => givenUp).toBe(1);
    unread.destroy();
    expect(isCut).toBe(false);
    await rig.server.stop();
    expect(await quiet).toContain('begun');
  });

  it('have one answer at a time, in the order of their requests', async () => {
    const rig = await make();
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${admin}\r\n`;
    const heard = await sendRaw(
      portOf(rig),
      `${get('/healthz')}\r\n${get('/startupz')}\r\n${get('/v1/none')}Connection: close\r\n\r\n`,
    );
    expect(heard.match(/HTTP\/1\.1 \d+|\balive\n|started|NOT_FOUND/g)).toEqual([
      'HTTP/1.1 200',
      'alive\n',
      'HTTP/1.1 200',
      'started',
      'HTTP/1.1 404',
      'NOT_FOUND',
    ]);
  });

  it('on which too many requests wait are cut, and no more than one was begun', async () => {
    const rig = await make();
    const endless = `GET /v1/odd/endless HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${admin}\r\n\r\n`;
    await sendRaw(portOf(rig), endless.repeat(40));
    expect(begun).toBe(1);
    expect((await talk(rig.url, '/healthz')).status).toBe(200);
  });

  it.each([
    ['no HTTP', 'LCP Configure-Request\r\n\r\n', 400],
    ['HTTP without a host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
    ['what is meant for a proxy', 'CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: a\r\n\r\n', 405],
    [
      'a body of two lengths',
      'PUT /v1/log/level HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
  ])('that bring %s are answered and closed', async (_what, octets, status) => {
    const rig = await make();
    const heard = await sendRaw(portOf(rig), octets);
    expect(heard).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(JSON.parse(heard.split('\r\n\r\n')[1] ?? '')).toMatchObject({ code: expect.any(String) });
  });

  it('that ask for a tunnel and are cut do not end the gateway', async () => {
    const rig = await make();
    const faults: unknown[] = [];
    const note = (fault: unknown) => faults.push(fault);
    process.on('uncaughtException', note);
    const cut = (octets: string): Promise<void> =>
      new Promise((resolve) => {
        const socket = connect({ host: '127.0.0.1', port: portOf(rig) }, () => {
          socket.write(octets, () => socket.resetAndDestroy());
        });
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
      });
    const tunnel = 'CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: a\r\n\r\n';
    const endless = `GET /v1/odd/endless HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${admin}\r\n\r\n`;
    try {
      for (let at = 0; at < 20; at += 1) await Promise.all([cut(tunnel), cut(`${endless}${tunnel}`)]);
      expect((await talk(rig.url, '/healthz')).status).toBe(200);
    } finally {
      process.off('uncaughtException', note);
    }
    expect(faults).toEqual([]);
  });

  it('that ask for a tunnel and stay are closed', async () => {
    const rig = await make({ tcp: { limits: { connections: 1 } } });
    const tunnel = 'CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: a\r\n\r\n';
    const stays = connect({ host: '127.0.0.1', port: portOf(rig), allowHalfOpen: true });
    stays.on('error', () => undefined).write(tunnel);
    await new Promise((resolve) => stays.once('data', resolve));
    await expect.poll(() => talk(rig.url, '/healthz').catch(() => undefined)).toMatchObject({ status: 200 });
    stays.destroy();
  });

  it('do not hold up the end', async () => {
    const rig = await adminRig({ gateway: lab.gateway, clock: lab.clock, routes: [oddRoutes], tcp: true });
    const endless = `GET /v1/odd/endless HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${admin}\r\n\r\n`;
    const answers = [sendRaw(portOf(rig), endless), sendRaw(portOf(rig), '')];
    await expect.poll(() => begun).toBe(1);
    await rig.stop();
    await Promise.all(answers);
    await expect(talk(rig.url, '/healthz')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('the listener', () => {
  it('whose port is taken says what to do, and leaves no socket', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const failed = adminRig({ gateway: lab.gateway, clock: lab.clock, tcp: { port } });
    await expect(failed).rejects.toMatchObject({
      code: 'ADMIN_LISTEN',
      message: expect.stringMatching(/another program listens there.*PPTP_ADMIN_PORT/),
    });
    other.close();
  });

  it.each([['a host without it', '203.0.113.77', /no such address/]])(
    'on an address of %s says what to do',
    async (_what, address, message) => {
      const server = new TcpServer({ address, port: 0, tls: undefined, log: new MemoryLog() }, () => undefined);
      await expect(server.start()).rejects.toMatchObject({
        code: 'ADMIN_LISTEN',
        message: expect.stringMatching(message),
      });
      await server.stop();
    },
  );
});

describe('TLS', () => {
  const ca = readFileSync(tlsVector('ca.pem'), 'utf8');
  const tls = { cert: tlsVector('server.pem'), key: tlsVector('server.key') };

  it('carries the same API, from version 1.2 on', async () => {
    const rig = await make({ tcp: { tls } });
    expect((await talk(rig.url, '/v1/gateway', { token: read, ca })).status).toBe(200);
    const old = connectTls({
      port: portOf(rig),
      host: '127.0.0.1',
      ca,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    expect(
      await new Promise((resolve) =>
        old.once('error', () => resolve('refused')).once('secureConnect', () => resolve('taken')),
      ),
    ).toBe('refused');
    expect(await sendRaw(portOf(rig), 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n')).not.toContain('alive');
    expect((await talk(rig.url, '/healthz', { ca })).status).toBe(200);
  });

  it.each([
    ['cannot be read', { cert: '/nowhere/cert.pem', key: tls.key }],
    ['do not belong together', { cert: tls.cert, key: tlsVector('alice.key') }],
  ])('with files that %s says what to do', async (_what, files) => {
    const failed = adminRig({ gateway: lab.gateway, clock: lab.clock, tcp: { tls: files } });
    await expect(failed).rejects.toMatchObject({
      code: 'ADMIN_LISTEN',
      message: expect.stringContaining('PPTP_ADMIN_TLS_CERT'),
    });
  });

  it('takes files that have been replaced, and keeps what it has when they are of no use', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pptp-tls-'));
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    const put = (name: string, at: number): void => {
      copyFileSync(tlsVector(`${name}.pem`), files.cert);
      copyFileSync(tlsVector(`${name}.key`), files.key);
      utimesSync(files.cert, at, at);
    };
    let now = 0;
    put('server', 1);
    const source = new TlsSource(files, () => now);
    const first = await source.load();
    now += 5000;
    expect(await source.renewed()).toBeUndefined();
    put('bare', 2);
    expect(await source.renewed()).toBeUndefined();
    now += 5000;
    const second = await source.renewed();
    expect(second?.cert.equals(first.cert)).toBe(false);
    writeFileSync(files.key, 'half of a k');
    now += 5000;
    await expect(source.renewed()).rejects.toThrow();
    rmSync(folder, { recursive: true });
  });
});
