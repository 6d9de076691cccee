import { Server } from 'node:net';
import { describe, expect, test } from 'vitest';
import { fromHex } from '../../core/bytes/hex.ts';
import { writePptpMessage } from '../../core/wire/pptp-message.ts';
import { TcpListener } from '../../plugins/control-pptp/index.ts';
import { controlBenches } from '../support/control-bench.ts';
import { ControlClient } from '../support/control-client.ts';
import { callRequest, startRequest } from '../support/control-rig.ts';

const bench = controlBenches();

describe('peers that misbehave', () => {
  test('garbage closes that connection and no other', async () => {
    const b = await bench().start();
    const good = await b.established();
    const bad = await b.established();
    bad.socket.write(fromHex('47455420 2f204854'));
    await bad.closed;
    good.send({ kind: 'echo-request', identifier: 2 });
    expect(await good.next()).toMatchObject({ kind: 'echo-reply', identifier: 2 });
    expect(b.counted).toContain('control.bad-message');
  });

  test('a version we do not speak: the answer arrives before the end', async () => {
    const b = await bench().start();
    const client = await b.connect();
    client.send(startRequest({ protocolVersion: 0x0001 }));
    expect(await client.next()).toMatchObject({ resultCode: 5 });
    await client.closed;
  });

  test('a peer that keeps its side open after the end is cut off after the linger time', async () => {
    const b = await bench({ lingerMs: 500 }).start();
    const client = await ControlClient.to(b.port, '127.0.0.1', true);
    b.clients.push(client);
    client.send(startRequest({ protocolVersion: 0x0001 }));
    await client.expect('start-control-connection-reply');
    await b.logged('control.closed');
    expect(b.plugin.connectionCount).toBe(1);
    b.clock.advance(600);
    const stopped = b.plugin.stop();
    await stopped;
    expect(b.plugin.connectionCount).toBe(0);
  });

  test('nothing said for 30 s: closed', async () => {
    const b = await bench().start();
    const silent = await b.connect();
    // Accepted in the order they came: the silent one is there when a later one has its answer.
    await b.established();
    expect(b.plugin.connectionCount).toBe(2);
    b.clock.advance(30_000);
    await silent.closed;
  });

  test('an Echo-Request that is not answered ends the connection', async () => {
    const b = await bench().start();
    const client = await b.established();
    b.clock.advance(60_000);
    await client.expect('echo-request');
    b.clock.advance(60_000);
    await client.closed;
  });

  test('control messages are counted by name and direction, and the answer to an Echo-Request is timed', async () => {
    const b = await bench().start();
    const client = await b.established();
    b.clock.advance(60_000);
    const request = await client.expect('echo-request');
    b.clock.advance(250);
    client.send({ kind: 'echo-reply', identifier: request.identifier, resultCode: 1, errorCode: 0 });
    await b.until(() => b.measured.length > 0);
    expect(b.measured).toEqual(['pptp.echo.duration 0.25 control']);
    expect(b.messages).toEqual([
      'in start-control-connection-request',
      'out start-control-connection-reply',
      'out echo-request',
      'in echo-reply',
    ]);
  });

  test('limits of connections, in all and from one source; a free place is used again', async () => {
    const b = await bench({ address: '0.0.0.0', maxConnections: 2, maxConnectionsPerSource: 1 }).start();
    const one = await b.established('127.0.0.1');
    const second = await b.connect('127.0.0.1');
    await second.closed;
    const third = await b.connect('127.0.0.1');
    await third.closed;
    expect(b.counted.filter((name) => name === 'control.connection-refused')).toHaveLength(2);
    expect(b.lines.filter((line) => line.event === 'control.connection-refused')).toHaveLength(1);
    one.socket.destroy();
    await b.until(() => b.lines.some((line) => line.event === 'control.closed'));
    // The server sees the end of the first in its own time; until then it refuses.
    const places = async (): Promise<ControlClient> => {
      const next = await b.connect('127.0.0.1');
      next.send(startRequest());
      return (await next.next()) === undefined ? places() : next;
    };
    await places();
    expect(b.plugin.connectionCount).toBe(1);
  });

  test('one source cannot take all calls: it gets as many as it may have connections', async () => {
    const b = await bench({ maxConnectionsPerSource: 3 }).start();
    const [one, two] = [await b.established(), await b.established()];
    one.send(callRequest(1), callRequest(2));
    two.send(callRequest(1), callRequest(2));
    expect(await one.next()).toMatchObject({ resultCode: 1 });
    expect(await one.next()).toMatchObject({ resultCode: 1 });
    expect(await two.next()).toMatchObject({ resultCode: 1 });
    expect(await two.next()).toMatchObject({ resultCode: 2, errorCode: 4 });
    one.send({ kind: 'call-clear-request', callId: 1 });
    await one.expect('call-disconnect-notify');
    two.send(callRequest(2));
    expect(await two.next()).toMatchObject({ resultCode: 1 });
  });

  test('one source that comes and goes without end is refused for the rest of the minute', async () => {
    const b = await bench({ address: '0.0.0.0', maxConnectionsPerSource: 20 }).start();
    let ends = 0;
    const served = async (): Promise<boolean> => {
      const client = await b.connect('127.0.0.1');
      client.send(startRequest());
      const answer = await client.next();
      client.socket.destroy();
      if (answer === undefined) return false;
      ends += 1;
      await b.until(() => b.lines.filter((line) => line.event === 'control.closed').length === ends);
      return true;
    };
    let before = 0;
    while (before < 200 && (await served())) before += 1;
    expect(before).toBe(80);
    expect(await served()).toBe(false);
    expect(b.lines.filter((line) => line.event === 'control.connection-refused')).toMatchObject([
      { fields: { reason: 'rate-per-source' } },
    ]);
    b.clock.advance(60_000);
    expect(await served()).toBe(true);
  });

  test('a peer that does not read what it asks for is closed', async () => {
    const b = await bench({ maxWriteBuffer: 32_768 }).start();
    const client = await b.established();
    client.socket.pause();
    const echoes = new Uint8Array(16 * 4096);
    for (let at = 0; at < echoes.length; at += 16) {
      echoes.set(writePptpMessage({ kind: 'echo-request', identifier: at }), at);
    }
    const more = (): void => {
      if (!client.socket.destroyed) client.socket.write(echoes, () => more());
    };
    more();
    await b.logged('control.not-reading');
    client.socket.destroy();
    await client.closed;
    const next = await b.established();
    next.send({ kind: 'echo-request', identifier: 1 });
    expect(await next.next()).toMatchObject({ kind: 'echo-reply' });
  });

  test('one connection cannot fill the log', async () => {
    const b = await bench({ maxNotesPerMinute: 3 }).start();
    const client = await b.established();
    for (let i = 0; i < 50; i += 1) client.send({ kind: 'call-clear-request', callId: i });
    client.send({ kind: 'echo-request', identifier: 1 });
    await client.expect('echo-reply');
    expect(b.lines.filter((line) => line.event === 'call.unknown')).toHaveLength(3);
    b.clock.advance(60_000);
    client.send({ kind: 'call-clear-request', callId: 1 }, { kind: 'echo-request', identifier: 2 });
    await client.expect('echo-request');
    await client.expect('echo-reply');
    expect(b.lines.filter((line) => line.event === 'call.unknown')[3]?.fields).toMatchObject({ notLogged: 47 });
  });
});

test('a server that cannot accept says so once in a while, with the number of times, and lives on', async () => {
  const b = await bench({ refusalLogIntervalMs: 10_000 }).start();
  const source: unknown = Reflect.get(b.plugin, 'source');
  const listening: unknown = source instanceof TcpListener ? Reflect.get(source, 'server') : undefined;
  if (!(listening instanceof Server)) throw new Error('it does not listen');
  const failures = () => b.lines.filter(({ event }) => event === 'control.accept');
  for (let i = 0; i < 100; i += 1) listening.emit('error', new Error('accept EMFILE'));
  expect(failures()).toEqual([
    { event: 'control.accept', message: 'Accepting failed: accept EMFILE', fields: { notLogged: 0 } },
  ]);
  b.clock.advance(10_000);
  listening.emit('error', new Error('accept EMFILE'));
  expect(failures()[1]?.fields).toEqual({ notLogged: 99 });
  await b.established();
});
