import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { MetricsEndpoint } from '../../../../observability/metrics/endpoint.ts';
import { eventually } from '../../../support/eventually.ts';

const open: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function serve(page = 'the page\n', options: { readonly address?: string; readonly connectionMs?: number } = {}) {
  let made = 0;
  const endpoint = new MetricsEndpoint(
    { address: '127.0.0.1', port: 0, setting: 'PPTP_METRICS_PORT', ...options },
    async (format) => {
      made += 1;
      return { contentType: format, text: page };
    },
  );
  const { port } = await endpoint.start();
  open.push(() => endpoint.stop());
  return { endpoint, port, made: () => made };
}

async function dial(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host });
  socket.on('error', () => undefined);
  open.push(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** What comes back on a connection of its own until the server closes it. */
async function ask(port: number, lines: string, host?: string): Promise<string> {
  const socket = await dial(port, host);
  socket.write(lines);
  return textOf(socket);
}

const get = (path: string, method = 'GET', more = ''): string => `${method} ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;

describe('the metrics endpoint', () => {
  test.each([
    [get('/metrics'), '200 OK'],
    [get('/metrics?from=here'), '200 OK'],
    [get('/metrics', 'HEAD'), '200 OK'],
    [get('/metrics', 'POST'), '405 Method Not Allowed'],
    [get('/'), '404 Not Found'],
    [get('http://['), '400 Bad Request'],
    [get('//'), '400 Bad Request'],
    ['garbage\r\n\r\n', '400 Bad Request'],
    [get(`/${'a'.repeat(20_000)}`), '431 Request Header Fields Too Large'],
  ])('answers %j', async (request, status) => {
    const { port } = await serve();
    expect((await ask(port, request)).split('\r\n')[0]).toBe(`HTTP/1.1 ${status}`);
  });

  test('gives OpenMetrics to those who ask for it', async () => {
    const { port } = await serve();
    const accept = 'Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n';
    expect(await ask(port, get('/metrics', 'GET', accept))).toContain('content-type: openmetrics\r\n');
    expect(await ask(port, get('/metrics'))).toContain('content-type: text\r\n');
  });

  test('serves IPv6 too', async () => {
    const { port } = await serve('six\n', { address: '::1' });
    expect(await ask(port, get('/metrics'), '::1')).toMatch(/\r\n\r\nsix\n$/);
  });

  test('makes one page for a connection, however many are asked for', async () => {
    const { port, made } = await serve();
    const answer = await ask(port, get('/metrics').repeat(100));
    expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(1);
    expect(made()).toBe(1);
  });

  test('is not kept from others by readers that do not read', async () => {
    const { port, made } = await serve('x'.repeat(12_000_000), { connectionMs: 2000 });
    for (let i = 0; i < 16; i += 1) {
      const socket = await dial(port);
      socket.pause();
      socket.write(get('/metrics'));
    }
    await eventually(() => expect(made()).toBe(16));
    await eventually(async () => expect(await ask(port, get('/metrics', 'HEAD'))).toContain('200 OK'));
  });

  test('stops while somebody reads', async () => {
    const { endpoint, port, made } = await serve('x'.repeat(12_000_000));
    const socket = await dial(port);
    socket.pause();
    socket.write(get('/metrics'));
    await eventually(() => expect(made()).toBe(1));
    await endpoint.stop();
    await expect(dial(port)).rejects.toThrow('ECONNREFUSED');
  });

  test('says what to change when the port is taken', async () => {
    const { port } = await serve();
    const second = new MetricsEndpoint({ address: '127.0.0.1', port, setting: 'PPTP_METRICS_PORT' }, () =>
      Promise.reject(new Error('nobody asks')),
    );
    await expect(second.start()).rejects.toMatchObject({
      code: 'METRICS_ENDPOINT',
      message: `metrics cannot be served on 127.0.0.1 port ${port} (another program listens there): change PPTP_METRICS_PORT.`,
    });
  });

  test('answers that there is no page when it cannot be made', async () => {
    const endpoint = new MetricsEndpoint({ address: '127.0.0.1', port: 0, setting: 'PPTP_METRICS_PORT' }, () =>
      Promise.reject(new Error('secret')),
    );
    const { port } = await endpoint.start();
    open.push(() => endpoint.stop());
    const answer = await ask(port, get('/metrics'));
    expect(answer).toMatch(/^HTTP\/1\.1 500 /);
    expect(answer).not.toContain('secret');
  });
});
