import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../../gateway/system-clock.ts';
import {
  type DatagramEvents,
  type OpenDatagramSocket,
  RadiusClient,
  type RadiusClientOptions,
} from '../../../../../plugins/radius/client/index.ts';
import { ATTRIBUTE, attribute, CODE } from '../../../../../plugins/radius/wire/index.ts';
import { ManualClock } from '../../../../support/manual-clock.ts';
import { MemoryLog } from '../../../../support/memory-log.ts';
import { FakeRadiusServer } from '../../../../support/radius-server.ts';
import { seededRandom } from '../../../../support/seeded-random.ts';

const options: RadiusClientOptions = {
  purpose: 'authentication',
  servers: [{ host: '192.0.2.1', port: 1812, weight: 1 }],
  secret: 'a secret',
  timeoutMs: 1000,
  tries: 2,
  deadTimeMs: 30_000,
  maxOutstanding: 256,
  maxWaiting: 16,
  requireMessageAuthenticator: true,
};
const request = { code: CODE.accessRequest, attributes: () => [attribute(ATTRIBUTE.userName, 'alice')] };

const setUp = (changes: Partial<RadiusClientOptions> = {}) => {
  const clock = new ManualClock();
  const log = new MemoryLog();
  const counted: string[] = [];
  const server = new FakeRadiusServer('a secret');
  const opened: DatagramEvents[] = [];
  const closed: number[] = [];
  const open: OpenDatagramSocket = (_server, _bind, events) => {
    const number = opened.push(events) - 1;
    return {
      send: (bytes) => {
        const reply = server.receive(bytes);
        if (reply !== undefined) queueMicrotask(() => events.message(reply));
      },
      close: () => closed.push(number),
    };
  };
  const client = new RadiusClient(
    { ...options, ...changes },
    {
      clock,
      log,
      random: seededRandom(),
      telemetry: { event: (name, attributes) => counted.push(`${name} ${attributes?.['why'] ?? ''}`) },
      open,
    },
  );
  return { clock, log, counted, server, client, opened, closed };
};

describe('RadiusClient', () => {
  it('gives the verified answer', async () => {
    const { client } = setUp();
    const { packet, server } = await client.ask(request);
    expect([packet.code, server, client.nameOf(server)]).toEqual([CODE.accessAccept, 0, '192.0.2.1:1812']);
  });

  it('fails when no server answers, and says which', async () => {
    const { client, clock, server, log } = setUp();
    server.answer = () => undefined;
    const asked = client.ask(request);
    clock.advance(3000);
    await expect(asked).rejects.toMatchObject({ code: 'no-answer' });
    expect(server.datagrams).toHaveLength(2);
    expect(log.lines).toMatchObject([{ event: 'radius.server-dead', fields: { server: '192.0.2.1:1812' } }]);
    expect(clock.scheduled).toBe(0);
  });

  it('counts and logs what it does not believe, without a secret', async () => {
    const { client, server, counted, log, clock } = setUp();
    server.signed = false;
    const asked = client.ask(request);
    await Promise.resolve();
    await Promise.resolve();
    clock.advance(3000);
    await expect(asked).rejects.toMatchObject({ code: 'no-answer' });
    expect(counted[0]).toBe('radius.dropped no-message-authenticator');
    expect(log.lines[0]?.message).toContain('PPTP_RADIUS_REQUIRE_MESSAGE_AUTHENTICATOR');
    expect(JSON.stringify(log.lines)).not.toContain('a secret');
  });

  it('opens a socket again that failed', async () => {
    const { client, opened, clock, server } = setUp();
    server.answer = () => undefined;
    const asked = client.ask(request);
    opened[0]?.failed('ECONNREFUSED', true);
    server.answer = () => ({ code: CODE.accessReject });
    clock.advance(1200);
    expect((await asked).packet.code).toBe(CODE.accessReject);
    expect(opened).toHaveLength(2);
  });

  it('opens new sockets to a server that was silent: its name or the way to it may have changed', async () => {
    const { client, opened, closed, clock, server } = setUp();
    server.answer = () => undefined;
    const asked = client.ask(request);
    clock.advance(3000);
    await expect(asked).rejects.toMatchObject({ code: 'no-answer' });
    expect(closed).toEqual([0]);
    server.answer = () => ({ code: CODE.accessAccept });
    expect((await client.ask(request)).packet.code).toBe(CODE.accessAccept);
    expect(opened).toHaveLength(2);
  });

  it('lets go of a request that nobody waits for', async () => {
    const { client, server } = setUp();
    server.answer = () => undefined;
    const abort = new AbortController();
    const asked = client.ask(request, abort.signal);
    abort.abort();
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
    await expect(client.ask(request, abort.signal)).rejects.toMatchObject({ code: 'cancelled' });
    expect(client.load).toEqual({ outstanding: 0, waiting: 0 });
  });

  it('gives up everything when it is closed', async () => {
    const { client, server, closed, clock } = setUp();
    server.answer = () => undefined;
    const asked = client.ask(request);
    client.close();
    await expect(asked).rejects.toMatchObject({ code: 'closed' });
    await expect(client.ask(request)).rejects.toMatchObject({ code: 'closed' });
    expect([closed, clock.scheduled]).toEqual([[0], 0]);
  });
});

describe('RadiusClient over UDP', () => {
  it('asks the second server when the first has nobody listening', async () => {
    const fake = new FakeRadiusServer('a secret');
    const socket = createSocket('udp4');
    socket.on('message', (bytes, from) => {
      const reply = fake.receive(bytes);
      if (reply !== undefined) socket.send(reply, from.port, from.address);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const nobody = createSocket('udp4');
    nobody.bind(0, '127.0.0.1');
    await once(nobody, 'listening');
    const free = nobody.address().port;
    nobody.close();
    const log = new MemoryLog();
    const client = new RadiusClient(
      {
        ...options,
        timeoutMs: 60_000,
        servers: [
          { host: '127.0.0.1', port: free, weight: 1 },
          { host: '127.0.0.1', port: socket.address().port, weight: 1 },
        ],
      },
      { clock: systemClock, log, random: seededRandom(), telemetry: { event: () => undefined } },
    );
    const { server } = await client.ask(request);
    expect(server).toBe(1);
    expect(log.events('warn')).toEqual(['radius.socket', 'radius.server-dead']);
    client.close();
    socket.close();
  });
});
