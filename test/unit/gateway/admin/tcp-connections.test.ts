import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TcpServer } from '../../../../gateway/admin/tcp-server.ts';
import { adminRig, RIG_TOKENS } from '../../../support/admin-rig.ts';
import { sendRaw, talk } from '../../../support/http-talk.ts';
import { MemoryLog } from '../../../support/memory-log.ts';
import { adminGet, portOf, TcpAdminBench } from '../../../support/tcp-admin-bench.ts';

const { admin } = RIG_TOKENS;

let bench: TcpAdminBench;
beforeEach(() => {
  bench = new TcpAdminBench();
});
afterEach(() => bench.stop());

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
    const rig = await bench.make({ tcp: { limits: { connectionsPerSource: 4 } } });
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
    const rig = await bench.make({ tcp: { limits: { connections: 4 } } });
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
    const rig = await bench.make({ tcp: { limits } });
    const heard = await sendRaw(portOf(rig), octets);
    const status = /^HTTP\/1\.1 (\d+)/.exec(heard)?.[1];
    expect([undefined, '200', '408']).toContain(status);
    if (status === '408') expect(heard).toContain('"code":"REQUEST_TIMEOUT"');
  });

  it('whose answer nobody reads are not kept, others are, however long nothing is said', async () => {
    const rig = await bench.make({ tcp: { limits: { silenceMs: 100, checkMs: 20 } } });
    let isCut = false;
    const quiet = sendRaw(portOf(rig), adminGet('/v1/odd/endless')).then((heard) => {
      isCut = true;
      return heard;
    });
    await expect.poll(() => bench.begun).toBe(1);
    // Is given up later than the other one would have been.
    const unread = connect({ host: '127.0.0.1', port: portOf(rig) });
    unread.on('error', () => undefined).write(adminGet('/v1/odd/flood'));
    await expect.poll(() => bench.givenUp).toBe(1);
    unread.destroy();
    expect(isCut).toBe(false);
    await rig.server.stop();
    expect(await quiet).toContain('begun');
  });

  it('have one answer at a time, in the order of their requests', async () => {
    const rig = await bench.make();
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
    const rig = await bench.make();
    const endless = adminGet('/v1/odd/endless');
    await sendRaw(portOf(rig), endless.repeat(40));
    expect(bench.begun).toBe(1);
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
    const rig = await bench.make();
    const heard = await sendRaw(portOf(rig), octets);
    expect(heard).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(JSON.parse(heard.split('\r\n\r\n')[1] ?? '')).toMatchObject({ code: expect.any(String) });
  });

  it('that ask for a tunnel and are cut do not end the gateway', async () => {
    const rig = await bench.make();
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
    const endless = adminGet('/v1/odd/endless');
    try {
      for (let at = 0; at < 20; at += 1) await Promise.all([cut(tunnel), cut(`${endless}${tunnel}`)]);
      expect((await talk(rig.url, '/healthz')).status).toBe(200);
    } finally {
      process.off('uncaughtException', note);
    }
    expect(faults).toEqual([]);
  });

  it('that ask for a tunnel and stay are closed', async () => {
    const rig = await bench.make({ tcp: { limits: { connections: 1 } } });
    const tunnel = 'CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: a\r\n\r\n';
    const stays = connect({ host: '127.0.0.1', port: portOf(rig), allowHalfOpen: true });
    stays.on('error', () => undefined).write(tunnel);
    await new Promise((resolve) => stays.once('data', resolve));
    await expect.poll(() => talk(rig.url, '/healthz').catch(() => undefined)).toMatchObject({ status: 200 });
    stays.destroy();
  });

  it('do not hold up the end', async () => {
    const rig = await bench.make();
    const endless = adminGet('/v1/odd/endless');
    const answers = [sendRaw(portOf(rig), endless), sendRaw(portOf(rig), '')];
    await expect.poll(() => bench.begun).toBe(1);
    await rig.server.stop();
    await Promise.all(answers);
    await expect(talk(rig.url, '/healthz')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('the listener', () => {
  it('whose port is taken says what to do, and leaves no socket', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const failed = adminRig({ gateway: bench.lab.gateway, clock: bench.lab.clock, tcp: { port } });
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
