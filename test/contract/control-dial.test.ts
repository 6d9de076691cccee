import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { connectControl, resolveServer } from '../../plugins/control-pptp/index.ts';

const never = new AbortController().signal;

describe('connecting to a control port', () => {
  const servers: Server[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  });
  const listen = (onSocket: (socket: Socket) => void): Promise<number> =>
    new Promise((resolve) => {
      const server = createServer(onSocket).listen(0, '127.0.0.1', () => {
        const bound = server.address();
        resolve(typeof bound === 'object' && bound !== null ? bound.port : 0);
      });
      servers.push(server);
    });
  const connect = (port: number, signal = never) =>
    connectControl({ host: '127.0.0.1', port, timeoutMs: 5_000 }, signal);

  it('gives a pipe both ways that knows its two ends, and tells its end once', async () => {
    const port = await listen((socket) => socket.on('data', (data) => socket.end(data)));
    const { pipe, ends } = await connect(port);
    expect(ends).toEqual({ local: 0x7f00_0001, peer: 0x7f00_0001, peerName: `127.0.0.1:${port}` });
    const got: number[] = [];
    const told: string[] = [];
    await new Promise<void>((resolve) => {
      pipe.read({
        bytes: (bytes) => got.push(...bytes),
        closed: (detail) => {
          told.push(detail);
          resolve();
        },
      });
      pipe.write(Uint8Array.of(1, 2, 3));
    });
    expect([got, told]).toEqual([[1, 2, 3], ['The peer closed the TCP connection.']]);
    pipe.write(Uint8Array.of(4));
    pipe.end();
    pipe.abort();
    expect(told).toHaveLength(1);
  });

  it('tells a reader that comes after the end, too', async () => {
    const port = await listen((socket) => socket.destroy());
    const { pipe } = await connect(port);
    pipe.abort();
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    const detail = await new Promise<string>((resolve) => {
      pipe.read({ bytes: () => undefined, closed: resolve });
    });
    expect(detail).toMatch(/closed|error/i);
  });

  it('says that nothing listens there', async () => {
    const port = await listen(() => undefined);
    await new Promise((resolve) => servers.splice(0)[0]?.close(resolve));
    await expect(connect(port)).rejects.toMatchObject({
      code: 'DIAL_FAILED',
      message: expect.stringMatching(/Cannot connect to 127\.0\.0\.1:\d+ \(ECONNREFUSED\): nothing listens there/),
    });
  });

  it('does not begin once it is called off', async () => {
    await expect(connect(1, AbortSignal.abort())).rejects.toMatchObject({ code: 'DIAL_FAILED' });
  });

  it('takes an IPv4 address as it is, and refuses names without one', async () => {
    expect(await resolveServer('192.0.2.1')).toBe(0xc000_0201);
    await expect(resolveServer('2001:db8::1')).rejects.toMatchObject({
      code: 'DIAL_FAILED',
      message: '2001:db8::1 is an IPv6 address; PPTP is carried over IPv4: give an IPv4 address.',
    });
    expect(await resolveServer('vpn.example.com', async () => '192.0.2.2')).toBe(0xc000_0202);
  });

  it.each([
    ['ENOTFOUND', 'there is no IPv4 address for this name: check its spelling'],
    ['EAI_AGAIN', 'no name server answered: check the network and /etc/resolv.conf'],
  ])('says what to do about a name that is not found: %s', async (code, advice) => {
    const find = async (): Promise<string> => {
      throw Object.assign(new Error('no'), { code });
    };
    await expect(resolveServer('vpn.example.com', find)).rejects.toMatchObject({
      code: 'DIAL_FAILED',
      message: `The server name "vpn.example.com" was not found (${code}): ${advice}.`,
    });
  });
});
