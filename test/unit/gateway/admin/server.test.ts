import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../core/errors.ts';
import { adminRequest } from '../../../../gateway/admin/client.ts';
import { AdminError, type AdminRoute } from '../../../../gateway/admin/route.ts';
import { AdminServer } from '../../../../gateway/admin/server.ts';
import { fromSpec } from '../../../../gateway/admin/spec.ts';
import { type AdminRig, adminRig } from '../../../support/admin-rig.ts';
import { GatewayLab } from '../../../support/gateway-lab.ts';

const odd = (name: string) =>
  fromSpec({ method: 'GET', url: `/v1/odd/${name}`, role: 'read', tag: 'odd', summary: 'A route of this test' });

const oddRoutes: AdminRoute = (app) => {
  app.route({
    ...odd('refusal'),
    handler: () => {
      throw new AdminError(422, 'TOO_ODD', 'Ask for something else.');
    },
  });
  app.route({
    ...odd('operator'),
    handler: () => {
      throw new GatewayError('USER_UNKNOWN', 'there is no user bob.');
    },
  });
  app.route({
    ...odd('bug'),
    handler: () => {
      throw new Error('the password is wonderland');
    },
  });
  app.route({ ...odd('actor'), handler: (request) => ({ actor: request.actor }) });
  app.route({ ...odd('stream'), handler: (_request, reply) => reply.send(Readable.from(['one ', 'two'])) });
  app.route({
    ...odd('endless'),
    handler: (_request, reply) => {
      const endless = new Readable({ read: () => undefined });
      endless.push('begun');
      return reply.send(endless);
    },
  });
};

let rig: AdminRig;
let lab: GatewayLab;
beforeEach(async () => {
  lab = new GatewayLab();
  rig = await adminRig({ gateway: lab.gateway, clock: lab.clock, routes: [oddRoutes] });
});
afterEach(() => rig.stop());

const get = (path: string) => adminRequest(rig.socket, { method: 'GET', path });

/** What the server says to somebody who is not our client. */
const raw = async (method: string, path: string, body?: string): Promise<{ status: number; body: unknown }> => {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const asked = request({ socketPath: rig.socket, method, path, headers }, (response) => {
      text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: JSON.parse(answer) }), reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
};

describe('the socket', () => {
  it('is for the user of the gateway alone', () => {
    expect(statSync(rig.socket).mode & 0o777).toBe(0o600);
  });

  it('is gone when the server has stopped, also with an answer under way', async () => {
    const other = await adminRig({ gateway: lab.gateway, clock: lab.clock, routes: [oddRoutes] });
    const { stream } = await adminRequest(other.socket, { method: 'GET', path: '/v1/odd/endless' });
    const broken = new Promise((resolve) => stream.on('error', resolve));
    stream.resume();
    await other.server.stop();
    expect(await broken).toMatchObject({ code: 'ECONNRESET' });
    expect(existsSync(other.socket)).toBe(false);
    await other.stop();
  });

  it('of a process that died is replaced', async () => {
    const path = join(rig.folder, 'stale.sock');
    await leaveSocket(path);
    const server = new AdminServer(path, rig.deps, []);
    await server.start();
    await expect(adminRequest(path, { method: 'GET', path: '/' })).rejects.toMatchObject({ code: 'ADMIN_REFUSED' });
    await server.stop();
  });

  it('of a gateway that lives is left alone', async () => {
    const second = new AdminServer(rig.socket, rig.deps, []);
    await expect(second.start()).rejects.toMatchObject({
      code: 'ADMIN_SOCKET',
      message: expect.stringContaining('another gateway answers'),
    });
    await second.stop();
    expect((await get('/v1/gateway')).status).toBe(200);
  });

  it('of a gateway that is stopped and has no room for another connection is left alone', async () => {
    const path = join(rig.folder, 'busy.sock');
    const script = `require('node:net').createServer().listen({ path: ${JSON.stringify(path)}, backlog: 1 }, () => process.kill(process.pid, 'SIGSTOP'))`;
    const stopped = spawn(process.execPath, ['-e', script]);
    await until(() => existsSync(path) && stateOf(stopped.pid) === 'T');
    const waiting = await fillQueue(path);
    const second = new AdminServer(path, rig.deps, []);
    await expect(second.start()).rejects.toMatchObject({ message: expect.stringContaining('another gateway answers') });
    await second.stop();
    expect(statSync(path).isSocket()).toBe(true);
    for (const socket of waiting) socket.destroy();
    stopped.kill('SIGKILL');
  });

  it.each([
    ['nothing', false],
    ['what a dead process left', true],
  ])('goes to one of many that start at once over %s, and the others leave nothing', async (_what, stale) => {
    const path = join(rig.folder, 'race.sock');
    for (let round = 0; round < 5; round += 1) {
      if (stale) await leaveSocket(path);
      const servers = Array.from({ length: 8 }, () => new AdminServer(path, rig.deps, []));
      const started = await Promise.allSettled(servers.map((server) => server.start()));
      expect(started.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const [at, server] of servers.entries()) if (started[at]?.status === 'rejected') await server.stop();
      expect(readdirSync(rig.folder).toSorted()).toEqual(['admin.sock', 'race.sock']);
      await expect(adminRequest(path, { method: 'GET', path: '/' })).rejects.toMatchObject({ code: 'ADMIN_REFUSED' });
      for (const server of servers) await server.stop();
      expect(existsSync(path)).toBe(false);
    }
  });

  it('of a process that died is replaced also when another one died while it did so', async () => {
    const path = join(rig.folder, 'twice.sock');
    await leaveSocket(path);
    await leaveSocket(join(rig.folder, `.stale-${statSync(path).ino}`));
    const server = new AdminServer(path, rig.deps, []);
    await server.start();
    expect(readdirSync(rig.folder).toSorted()).toEqual(['admin.sock', 'twice.sock']);
    await server.stop();
  });

  it('that another one has put in its place is not removed at the end', async () => {
    const path = join(rig.folder, 'replaced.sock');
    const first = new AdminServer(path, rig.deps, []);
    await first.start();
    rmSync(path);
    const second = new AdminServer(path, rig.deps, []);
    await second.start();
    await first.stop();
    await expect(adminRequest(path, { method: 'GET', path: '/' })).rejects.toMatchObject({ code: 'ADMIN_REFUSED' });
    await second.stop();
    expect(existsSync(path)).toBe(false);
  });

  it('does not take the place of a file', async () => {
    const path = join(rig.folder, 'file');
    writeFileSync(path, 'precious');
    const server = new AdminServer(path, rig.deps, []);
    await expect(server.start()).rejects.toMatchObject({ code: 'ADMIN_SOCKET' });
    await server.stop();
    expect(statSync(path).size).toBe(8);
  });

  it('in a folder that is not there says what to set', async () => {
    const server = new AdminServer(join(rig.folder, 'none', 'admin.sock'), rig.deps, []);
    await expect(server.start()).rejects.toMatchObject({
      code: 'ADMIN_SOCKET',
      message: expect.stringMatching(/a folder that is there/),
    });
    await server.stop();
  });
});

describe('refusals have a code and a sentence', () => {
  it.each([
    ['GET', '/v1/nothing', undefined, 404, 'NOT_FOUND'],
    ['GET', '/v1/explain/%E0%A4%A', undefined, 400, 'INVALID_REQUEST'],
    ['DELETE', '/v1/gateway', undefined, 405, 'METHOD_NOT_ALLOWED'],
    ['GET', '/v1/gateway?what=1', undefined, 400, 'INVALID_REQUEST'],
    ['GET', '/v1/sessions/zz', undefined, 404, 'NO_SESSION'],
    ['PUT', '/v1/log/level', '{"level":"loud"}', 400, 'INVALID_REQUEST'],
    ['PUT', '/v1/log/level', '{"level":"debug","more":1}', 400, 'INVALID_REQUEST'],
    ['PUT', '/v1/log/level', '{"level":"debug","seconds":0}', 400, 'INVALID_REQUEST'],
    ['PUT', '/v1/log/level', '{', 400, 'INVALID_REQUEST'],
    ['PUT', '/v1/log/level', `"${'x'.repeat(70_000)}"`, 413, 'BODY_TOO_LARGE'],
    ['GET', '/v1/odd/refusal', undefined, 422, 'TOO_ODD'],
    ['GET', '/v1/odd/operator', undefined, 409, 'USER_UNKNOWN'],
    ['GET', '/v1/odd/bug', undefined, 500, 'INTERNAL'],
  ])('%s %s', async (method, path, body, status, code) => {
    expect(await raw(method, path, body)).toEqual({
      status,
      body: expect.objectContaining({ code, message: expect.stringMatching(/\.$/) }),
    });
  });

  it.each([
    ['what is no HTTP', 'LCP Configure-Request\r\n\r\n', 400, 'INVALID_REQUEST'],
    ['a header without end', `GET /v1/gateway HTTP/1.1\r\nA: ${'a'.repeat(40_000)}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
  ])('also %s', async (_what, bytes, status, code) => {
    const socket = connect(rig.socket);
    socket.write(bytes);
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    expect(head).toContain(`HTTP/1.1 ${status} `);
    expect(JSON.parse(body)).toEqual({ code, message: expect.stringMatching(/\.$/) });
    expect((await get('/v1/gateway')).status).toBe(200);
  });

  it('a bug is in the log and not in the answer', async () => {
    const { body } = await raw('GET', '/v1/odd/bug');
    expect(JSON.stringify(body)).not.toContain('wonderland');
    expect(rig.log.events('error')).toEqual(['admin.fault']);
  });
});

describe('the client', () => {
  it('has the answer as JSON', async () => {
    expect(await (await get('/v1/gateway')).json()).toMatchObject({ version: '1.2.3', pid: process.pid, tunnels: 0 });
  });

  it('has the answer as a stream', async () => {
    expect(await text((await get('/v1/odd/stream')).stream)).toBe('one two');
  });

  it('says who it is', async () => {
    expect(await (await get('/v1/odd/actor')).json()).toEqual({ actor: expect.stringMatching(/^.+$/) });
    expect((await raw('GET', '/v1/odd/actor')).body).toEqual({ actor: 'unknown' });
  });

  it('rejects with the sentence of the gateway', async () => {
    await expect(get('/v1/odd/refusal')).rejects.toMatchObject({
      name: 'GatewayError',
      code: 'ADMIN_REFUSED',
      message: 'Ask for something else.',
    });
  });

  it('says where no gateway answers', async () => {
    const path = join(rig.folder, 'none.sock');
    await expect(adminRequest(path, { method: 'GET', path: '/' })).rejects.toMatchObject({
      code: 'ADMIN_UNREACHABLE',
      message: expect.stringContaining(path),
    });
  });

  it('says so when what listens there hangs up', async () => {
    const path = join(rig.folder, 'rude.sock');
    const rude = await listen(path);
    rude.on('connection', (socket) => socket.destroy());
    await expect(adminRequest(path, { method: 'GET', path: '/' })).rejects.toMatchObject({ code: 'ADMIN_UNREACHABLE' });
    rude.close();
  });

  it('gives up when it is told to', async () => {
    const abort = new AbortController();
    const path = join(rig.folder, 'mute.sock');
    const mute = await listen(path);
    mute.on('connection', () => abort.abort());
    await expect(adminRequest(path, { method: 'GET', path: '/', signal: abort.signal })).rejects.toMatchObject({
      code: 'ADMIN_UNREACHABLE',
    });
    mute.close();
  });
});

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
};

/** "T": stopped. */
const stateOf = (pid: number | undefined): string | undefined =>
  /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];

/** Connects until the queue of whoever listens has no more room. */
const fillQueue = async (path: string): Promise<readonly Socket[]> => {
  const sockets: Socket[] = [];
  for (;;) {
    const socket = connect(path);
    const full = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(false));
      socket.once('error', () => resolve(true));
    });
    if (full) return sockets;
    sockets.push(socket);
  }
};

const listen = (path: string): Promise<Server> =>
  new Promise((resolve) => {
    const server = createServer();
    server.listen(path, () => resolve(server));
  });

/** A socket in the file system that nobody listens on. */
const leaveSocket = async (path: string): Promise<void> => {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  expect(statSync(path).isSocket()).toBe(true);
};
