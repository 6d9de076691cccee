import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { writePptpMessage } from '../../core/wire/pptp-message.ts';
import { ConnectionRules, type ControlPptpOptions, TcpListener } from '../../plugins/control-pptp/index.ts';
import { address } from '../support/batches.ts';
import { type ControlBench, controlBenches } from '../support/control-bench.ts';
import { callRequest, startRequest } from '../support/control-rig.ts';

const bench = controlBenches();

const seen = async (when: () => boolean): Promise<void> => {
  while (!when()) await new Promise((resolve) => setImmediate(resolve));
};

describe('more clients than can be set up at once', () => {
  const ONE = { setups: { atOnce: 1, waiting: 2, waitMs: 10_000 } };
  /** The first has a call that is not up yet; the second has asked for its connection. */
  const waiting = async (options: Partial<ControlPptpOptions> = ONE) => {
    const b = await bench(options).start();
    const first = await b.established();
    first.send(callRequest(1));
    await first.expect('outgoing-call-reply');
    const second = await b.connect();
    second.send(startRequest());
    await seen(() => b.plugin.setups.waiting === 1);
    return { b, first, second };
  };

  test('wait until a tunnel before them is up', async () => {
    const { b, second } = await waiting();
    const [opened] = b.events;
    if (opened === undefined) throw new Error('no call');
    expect(second.socket.bytesRead).toBe(0);
    b.plugin.settled(opened.call);
    await second.expect('start-control-connection-reply');
    expect(b.plugin.setups).toEqual({ running: 1, waiting: 0 });
  });

  test('wait until a call before them is cleared, or its connection is gone', async () => {
    const { b, first, second } = await waiting();
    first.send({ kind: 'call-clear-request', callId: 1 });
    await second.expect('start-control-connection-reply');
    const third = await b.connect();
    third.send(startRequest());
    await seen(() => b.plugin.setups.waiting === 1);
    second.socket.destroy();
    await third.expect('start-control-connection-reply');
  });

  test('do not wait for those that connect and say nothing', async () => {
    const b = await bench(ONE).start();
    await b.connect();
    await b.connect();
    await b.established();
  });

  test('get everything answered that they said meanwhile', async () => {
    const { b, first, second } = await waiting();
    second.send(callRequest(7));
    const [opened] = b.events;
    first.socket.destroy();
    await second.expect('start-control-connection-reply');
    expect(await second.expect('outgoing-call-reply')).toMatchObject({ peerCallId: 7, resultCode: 1 });
    expect(opened?.kind).toBe('opened');
  });

  test('and give up are forgotten', async () => {
    const { b, first, second } = await waiting();
    second.socket.destroy();
    await seen(() => b.plugin.connectionCount === 1);
    expect(b.plugin.setups).toEqual({ running: 1, waiting: 0 });
    first.socket.destroy();
    await seen(() => b.plugin.connectionCount === 0);
    expect(b.plugin.setups).toEqual({ running: 0, waiting: 0 });
  });

  test('are refused with result 2, no-resource, after their time, counted and logged', async () => {
    const { b, second } = await waiting();
    b.clock.advance(4_000);
    expect(second.socket.bytesRead).toBe(0);
    const { b: late, second: refused } = await waiting({ setups: { atOnce: 1, waiting: 2, waitMs: 3_000 } });
    late.clock.advance(3_050);
    expect(await refused.expect('start-control-connection-reply')).toMatchObject({ resultCode: 2, errorCode: 4 });
    await refused.closed;
    expect(late.counted).toContain('control.connection-refused');
    expect(late.lines.find(({ event }) => event === 'control.connection-refused')?.fields).toMatchObject({
      reason: 'limit-setup-wait',
    });
    expect(late.plugin.setups.waiting).toBe(0);
  });

  test('are refused at once where as many wait as may', async () => {
    const { b } = await waiting({ setups: { atOnce: 1, waiting: 1, waitMs: 10_000 } });
    const third = await b.connect();
    third.send(startRequest());
    expect(await third.expect('start-control-connection-reply')).toMatchObject({ resultCode: 2, errorCode: 4 });
    await third.closed;
  });

  test('and pour out octets meanwhile are closed', async () => {
    const { b, second } = await waiting();
    for (let call = 1; call <= 40; call += 1) second.send(callRequest(call));
    await second.closed;
    await seen(() => b.plugin.setups.waiting === 0);
  });

  test('and send octet by octet without end are closed', async () => {
    const { b, second } = await waiting();
    second.socket.setNoDelay(true);
    let sent = 0;
    while (!second.socket.destroyed && sent < 1000) {
      second.socket.write(Uint8Array.of(0));
      sent += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await second.closed;
    expect(sent).toBeLessThan(1000);
    await seen(() => b.plugin.setups.waiting === 0);
  });

  test('do not keep the gateway from stopping', async () => {
    const { b, first, second } = await waiting();
    const stopped = b.plugin.stop();
    first.socket.destroy();
    await second.closed;
    await stopped;
    expect(b.plugin.setups.waiting).toBe(0);
    expect(b.plugin.connectionCount).toBe(0);
  });
});

describe('strangers', () => {
  const callOf = (b: ControlBench, at: number) => {
    const event = b.events[at];
    if (event?.kind !== 'opened') throw new Error('no call');
    return event.call;
  };

  test('who is denied is closed before it is read, and counted', async () => {
    const rules = new ConnectionRules({ maxConnections: 5, maxConnectionsPerSource: 5 });
    const b = await bench({ address: '0.0.0.0', rules }).start();
    const before = await b.established();
    rules.update({
      limits: rules.limits,
      access: { allow: [], deny: [{ network: address('127.0.0.0'), prefixLength: 8 }] },
    });
    const client = await b.connect();
    client.send(startRequest());
    await client.closed;
    expect(b.lines.find(({ event }) => event === 'control.connection-refused')?.fields).toMatchObject({
      reason: 'denied',
    });
    expect(b.messages.filter((message) => message.startsWith('in'))).toHaveLength(1);
    before.send({ kind: 'echo-request', identifier: 1 });
    await before.expect('echo-reply');
  });

  test('who says nothing, or never ends its first message, is closed in time, whatever octets trickle in', async () => {
    const b = await bench().start();
    const silent = await b.connect();
    const slow = await b.connect();
    const octets = writePptpMessage(startRequest());
    for (let second = 0; second < 29; second += 1) {
      slow.socket.write(octets.subarray(second, second + 1));
      b.clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(b.plugin.connectionCount).toBe(2);
    b.clock.advance(1_000);
    await Promise.all([silent.closed, slow.closed]);
  });

  test('who never asks for a call, or has calls without a user only, is told to stop; answers to echoes change nothing', async () => {
    const b = await bench({ idleMs: 90_000 }).start();
    const idle = await b.established();
    const calling = await b.established();
    b.clock.advance(60_000);
    for (const client of [idle, calling]) {
      const { identifier } = await client.expect('echo-request');
      client.send({ kind: 'echo-reply', identifier, resultCode: 1, errorCode: 0 });
    }
    await b.until(() => b.measured.length === 2);
    calling.send(callRequest(1));
    await calling.expect('outgoing-call-reply');
    b.clock.advance(30_000);
    await idle.expect('stop-control-connection-request');
    // Its call has its own time; when that is over, nothing more is waited for.
    b.plugin.clear(callOf(b, 0), 'authentication-failed', 'no user');
    await calling.expect('call-disconnect-notify');
    b.clock.advance(100);
    await calling.expect('stop-control-connection-request');
    await b.until(() => b.lines.filter(({ event }) => event === 'control.no-call-in-time').length === 2);
  });

  test('who has a user may stay, and has that time again after its last call', async () => {
    const b = await bench({ idleMs: 20_000 }).start();
    const client = await b.established();
    client.send(callRequest(1), callRequest(2));
    await client.expect('outgoing-call-reply');
    await client.expect('outgoing-call-reply');
    const [first, second] = [callOf(b, 0), callOf(b, 1)];
    b.plugin.proven(first);
    b.plugin.proven(first);
    b.clock.advance(20_000);
    b.plugin.clear(second, 'no-gre', 'silent');
    await client.expect('call-disconnect-notify');
    b.clock.advance(19_000);
    b.plugin.clear(first, 'idle', 'idle');
    await client.expect('call-disconnect-notify');
    b.clock.advance(19_900);
    client.send({ kind: 'echo-request', identifier: 1 });
    await client.expect('echo-reply');
    b.clock.advance(200);
    await client.expect('stop-control-connection-request');
  });

  test('connections without a user make room; those with one do not', async () => {
    const b = await bench({ address: '0.0.0.0', maxConnections: 2, maxConnectionsPerSource: 2 }).start();
    const user = await b.established();
    user.send(callRequest(1));
    await user.expect('outgoing-call-reply');
    b.plugin.proven(callOf(b, 0));
    const late = await b.established();
    b.clock.advance(5_000);
    const next = await b.established();
    await late.closed;
    expect(b.plugin.connectionCount).toBe(2);
    next.send({ kind: 'echo-request', identifier: 1 });
    user.send({ kind: 'echo-request', identifier: 2 });
    await next.expect('echo-reply');
    await user.expect('echo-reply');
    expect(b.lines.find(({ event }) => event === 'control.connection-refused')?.fields).toMatchObject({
      reason: 'made-room',
    });
  });

  test('calls without a user make room for calls; those with one do not', async () => {
    const b = await bench({ maxCalls: 2 }).start();
    const [user, slow, next] = [await b.established(), await b.established(), await b.established()];
    for (const client of [user, slow]) {
      client.send(callRequest(1));
      await client.expect('outgoing-call-reply');
    }
    b.plugin.proven(callOf(b, 0));
    next.send(callRequest(1));
    expect(await next.expect('outgoing-call-reply')).toMatchObject({ resultCode: 2, errorCode: 4 });
    b.clock.advance(5_000);
    next.send(callRequest(2));
    expect(await next.expect('outgoing-call-reply')).toMatchObject({ resultCode: 1 });
    await slow.expect('call-disconnect-notify');
    expect(b.closedCalls()).toMatchObject([{ reason: 'administrative' }]);
  });

  test('a call without a user makes room for one of the same connection, too', async () => {
    const b = await bench({ maxUnprovenPerSource: 1 }).start();
    const client = await b.established();
    client.send(callRequest(1));
    await client.expect('outgoing-call-reply');
    b.clock.advance(5_000);
    client.send(callRequest(2));
    expect(await client.expect('outgoing-call-reply')).toMatchObject({ peerCallId: 2, resultCode: 1 });
    expect(await client.expect('call-disconnect-notify')).toMatchObject({ callId: callOf(b, 0).localCallId });
    expect(b.closedCalls()).toHaveLength(1);
  });

  test('make room for a client whose address is known, at once', async () => {
    const b = await bench({ address: '0.0.0.0', maxConnections: 1 }).start();
    const user = await b.established();
    user.send(callRequest(1));
    await user.expect('outgoing-call-reply');
    b.plugin.proven(callOf(b, 0));
    user.socket.destroy();
    await seen(() => b.plugin.connectionCount === 0);
    const stranger = await b.established(undefined, '127.0.0.2');
    await (await b.connect(undefined, '127.0.0.3')).closed;
    await b.established();
    await stranger.closed;
  });

  test('are not ended by a supervisor that has not heard yet of the log-in', async () => {
    const listener = new TcpListener({ address: '127.0.0.1', port: 0, backlog: 5 });
    const told: string[] = [];
    let evict = (): void => undefined;
    const b = await bench(
      {},
      {
        get listening() {
          return listener.listening;
        },
        start: (taker, signal) => {
          const take = (socket: Socket): void => {
            taker.take(socket);
            evict = () => taker.evict?.(socket);
          };
          return listener.start({ take, failed: taker.failed }, signal);
        },
        stop: () => listener.stop(),
        standing: (_, standing) => void told.push(standing),
      },
    ).start();
    const client = await b.established();
    client.send(callRequest(1));
    await client.expect('outgoing-call-reply');
    b.plugin.proven(callOf(b, 0));
    expect(told).toEqual(['proven']);
    evict();
    client.send({ kind: 'echo-request', identifier: 1 });
    await client.expect('echo-reply');
    const stranger = await b.established();
    evict();
    await stranger.closed;
  });

  test('who come while another process takes over are held, as many as may be, and served where it does not', async () => {
    const b = await bench({ maxConnections: 2, maxConnectionsPerSource: 5 }).start();
    b.plugin.freeze();
    const held = [await b.connect(), await b.connect()];
    await (await b.connect()).closed;
    b.plugin.thaw();
    for (const client of held) {
      client.send(startRequest());
      await client.expect('start-control-connection-reply');
    }
    expect(b.plugin.connectionCount).toBe(2);
  });
});
