import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { fromHex } from '../../core/bytes/hex.ts';
import { formatIpv4 } from '../../core/bytes/ipv4-address.ts';
import { writePptpMessage } from '../../core/wire/pptp-message.ts';
import { address } from '../support/batches.ts';
import { controlBenches } from '../support/control-bench.ts';
import { ControlClient } from '../support/control-client.ts';
import { callRequest, startRequest } from '../support/control-rig.ts';

const bench = controlBenches();

const ERRORS = { crc: 7, framing: 0, hardwareOverruns: 0, bufferOverruns: 0, timeOuts: 0, alignment: 0 };

describe('calls', () => {
  test('a call opens before its reply is written, with both addresses, both IDs and the time of the first octet', async () => {
    const b = await bench().start();
    const client = await b.connect();
    const first = b.clock.now();
    client.send(startRequest());
    await client.expect('start-control-connection-reply');
    b.clock.advance(250);
    client.send(callRequest(0xfaea, { packetReceiveWindow: 12, packetProcessingDelay: 3 }));
    const reply = await client.expect('outgoing-call-reply');
    expect(b.events).toMatchObject([
      {
        kind: 'opened',
        call: { peerCallId: 0xfaea, localCallId: reply.callId },
        peerName: `127.0.0.1:${client.socket.localPort}`,
        window: 12,
        processingDelay: 3,
        since: first,
      },
    ]);
    const [opened] = b.events;
    expect([opened?.call.local, opened?.call.peer].map((a) => a && formatIpv4(a))).toEqual(['127.0.0.1', '127.0.0.1']);
  });

  test('the local address is the one the peer called (R38)', async () => {
    const b = await bench({ address: '0.0.0.0' }).start();
    for (const host of ['127.0.0.2', '127.0.0.3']) {
      const client = await b.established(host);
      client.send(callRequest(1));
      await client.expect('outgoing-call-reply');
    }
    expect(b.events.map((event) => formatIpv4(event.call.local))).toEqual(['127.0.0.2', '127.0.0.3']);
  });

  test('messages cut into single octets', async () => {
    const b = await bench().start();
    const client = await b.connect();
    client.socket.setNoDelay(true);
    for (const octet of writePptpMessage(startRequest())) client.socket.write(Uint8Array.of(octet));
    await client.expect('start-control-connection-reply');
  });

  test('a subscriber may clear the call in the turn of `opened`: reply first, then CDN', async () => {
    const b = await bench().start();
    b.onEvent = (event) => {
      if (event.kind === 'opened') b.plugin.clear(event.call, 'no-address', 'the pool is empty');
    };
    const client = await b.established();
    client.send(callRequest(9));
    const reply = await client.expect('outgoing-call-reply');
    expect(await client.expect('call-disconnect-notify')).toMatchObject({
      callId: reply.callId,
      resultCode: 2,
      errorCode: 4,
    });
    expect(b.closedCalls()).toMatchObject([{ reason: 'no-address', detail: 'the pool is empty' }]);
  });

  test('a PAC announces a call: refused by a line that names the setting, or opened and ended with CCR', async () => {
    const request = {
      kind: 'incoming-call-request',
      callId: 77,
      callSerialNumber: 1,
      bearerType: 1,
      physicalChannelId: 0,
      dialedNumberLength: 0,
      dialingNumberLength: 0,
      dialedNumber: '',
      dialingNumber: '',
      subaddress: '',
    } as const;
    const off = await bench({ control: { incomingCallsHint: 'SETTING=true takes them' } }).start();
    const refused = await off.established();
    refused.send(request);
    expect(await refused.expect('incoming-call-reply')).toMatchObject({ resultCode: 3 });
    await off.logged('call.refused');
    expect(off.lines.at(-1)?.message).toContain('SETTING=true');

    const b = await bench({ control: { acceptIncomingCalls: true } }).start();
    const client = await b.established();
    client.send(request);
    const { callId } = await client.expect('incoming-call-reply');
    expect(b.events).toEqual([]);
    const window = { packetReceiveWindow: 8, packetTransmitDelay: 0, connectSpeed: 64_000, framingType: 2 };
    client.send({ kind: 'incoming-call-connected', peerCallId: callId, ...window });
    await b.until(() => b.events.length > 0);
    const [opened] = b.events;
    expect(opened).toMatchObject({ kind: 'opened', call: { localCallId: callId, peerCallId: 77 }, window: 8 });
    if (opened !== undefined) b.plugin.clear(opened.call, 'idle', 'nothing to do');
    expect(await client.expect('call-clear-request')).toMatchObject({ callId });
    expect(b.closedCalls()).toMatchObject([{ reason: 'idle' }]);
  });

  test('CCR, WAN-Error-Notify and Set-Link-Info', async () => {
    const b = await bench().start();
    const client = await b.established();
    client.send(callRequest(9));
    const reply = await client.expect('outgoing-call-reply');
    const call = b.events[0]?.call;
    if (call === undefined) throw new Error('no call');
    b.plugin.wanError(call, ERRORS);
    expect(await client.expect('wan-error-notify')).toMatchObject({ peerCallId: 9, crcErrors: 7 });
    client.send({ kind: 'set-link-info', peerCallId: reply.callId, sendAccm: 1, receiveAccm: 2 });
    await b.until(() => b.events.length === 2);
    expect(b.events[1]).toEqual({ kind: 'link-info', call, sendAccm: 1, receiveAccm: 2 });
    client.send({ kind: 'call-clear-request', callId: 9 });
    expect(await client.expect('call-disconnect-notify')).toMatchObject({ callId: reply.callId, resultCode: 4 });
    expect(b.closedCalls()).toMatchObject([{ call, reason: 'peer-request' }]);
    b.plugin.clear(call, 'idle', 'too late');
    b.plugin.wanError(call, { ...ERRORS, crc: 8 });
    client.send({ kind: 'echo-request', identifier: 5 });
    expect(await client.next()).toMatchObject({ kind: 'echo-reply', identifier: 5 });
  });

  test('the same Call ID on two connections: one cannot end the call of the other (R16)', async () => {
    const b = await bench().start();
    const [one, two] = [await b.established(), await b.established()];
    one.send(callRequest(5));
    two.send(callRequest(5));
    const replies = [await one.expect('outgoing-call-reply'), await two.expect('outgoing-call-reply')];
    expect(replies[0]?.callId).not.toBe(replies[1]?.callId);
    two.send({ kind: 'call-clear-request', callId: replies[0]?.callId ?? 0 }, { kind: 'echo-request', identifier: 1 });
    expect(await two.next()).toMatchObject({ kind: 'echo-reply' });
    two.send({ kind: 'call-clear-request', callId: 5 });
    expect(await two.next()).toMatchObject({ kind: 'call-disconnect-notify', callId: replies[1]?.callId });
    expect(b.closedCalls().map((event) => event.call.localCallId)).toEqual([replies[1]?.callId]);
  });

  test('the end of TCP ends the calls', async () => {
    const b = await bench().start();
    const client = await b.established();
    client.send(callRequest(1), callRequest(2));
    await client.expect('outgoing-call-reply');
    await client.expect('outgoing-call-reply');
    client.socket.resetAndDestroy();
    await b.until(() => b.closedCalls().length === 2);
    expect(b.closedCalls().map((event) => event.reason)).toEqual(['control-lost', 'control-lost']);
  });

  test('the limit of calls on all connections, and refuseCalls', async () => {
    const b = await bench({ maxCalls: 1 }).start();
    const [one, two] = [await b.established(), await b.established()];
    one.send(callRequest(1));
    expect(await one.next()).toMatchObject({ resultCode: 1 });
    two.send(callRequest(1));
    expect(await two.next()).toMatchObject({ resultCode: 2, errorCode: 4 });
    expect(b.lines.find(({ event }) => event === 'call.refused')?.message).toContain('the most calls allowed, 1 (');
    one.send({ kind: 'call-clear-request', callId: 1 }, callRequest(2));
    await one.expect('call-disconnect-notify');
    expect(await one.next()).toMatchObject({ resultCode: 1 });
    b.plugin.refuseCalls();
    two.send(callRequest(1));
    expect(await two.next()).toMatchObject({ resultCode: 7 });
    const late = await b.connect();
    late.send(startRequest());
    expect(await late.next()).toMatchObject({ kind: 'start-control-connection-reply', resultCode: 2, errorCode: 4 });
    await late.closed;
  });
});

describe('what traces show', () => {
  test('a call has the messages that led to it, and at its end those that ended it', async () => {
    const b = await bench().start();
    const client = await b.established();
    client.send(callRequest(5));
    const { callId } = await client.expect('outgoing-call-reply');
    client.send({ kind: 'call-clear-request', callId: 5 });
    await client.expect('call-disconnect-notify');
    const [opened, closed] = b.events;
    if (opened?.kind !== 'opened' || closed?.kind !== 'closed') throw new Error(`no call ${callId}`);
    expect(opened.control?.messages.map(({ direction, name }) => `${direction} ${name}`)).toEqual([
      'in start-control-connection-request',
      'out start-control-connection-reply',
      'in outgoing-call-request',
      'out outgoing-call-reply',
    ]);
    expect(closed.control?.messages.map(({ name, result }) => [name, result])).toEqual([
      ['call-clear-request', undefined],
      ['call-disconnect-notify', 'request'],
    ]);
    expect(b.without).toEqual([]);
  });

  test.each<[string, string, (client: ControlClient) => void]>([
    ['garbage', 'bad-message', (client) => client.socket.write(fromHex('47455420 2f204854'))],
    ['an old version', 'version-not-supported', (client) => client.send(startRequest({ protocolVersion: 1 }))],
    ['a message out of order', 'out-of-state', (client) => client.send(callRequest(1))],
    ['a start and an end', 'no-call-request', (client) => client.socket.end(writePptpMessage(startRequest()))],
    ['half a message and an end', 'no-start-request', (client) => client.socket.end(fromHex('009c0001'))],
  ])('a connection that brings no call is told of, once: %s', async (_what, error, act) => {
    const b = await bench().start();
    const client = await b.connect();
    const first = b.clock.now();
    const peerName = `127.0.0.1:${client.socket.localPort}`;
    act(client);
    await client.closed;
    await b.until(() => b.without.length > 0);
    expect(b.without).toMatchObject([{ error, since: first, peerName }]);
  });

  test('one on which nothing was said has no beginning; one that we end is not told of', async () => {
    const b = await bench().start();
    const silent = await b.connect();
    silent.socket.end();
    await b.until(() => b.without.length > 0);
    expect(b.without).toMatchObject([{ error: 'no-start-request', since: undefined, control: { messages: [] } }]);
    const client = await b.established();
    const stopped = b.plugin.stop();
    await client.expect('stop-control-connection-request');
    client.send({ kind: 'stop-control-connection-reply', resultCode: 1, errorCode: 0 });
    await stopped;
    expect(b.without).toHaveLength(1);
  });
});

const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some((entry) => entry.address === '::1'));

describe('IPv6', () => {
  test.skipIf(!hasIpv6)('a peer on IPv6 is refused in words, one on IPv4 is served, on the same socket', async () => {
    const b = await bench({ address: '::' }).start();
    const six = await b.connect('::1');
    await six.closed;
    expect(b.lines.find((line) => line.event === 'control.connection-refused')?.message).toContain('IPv6');
    const four = await b.established('127.0.0.1');
    four.send(callRequest(1));
    await four.expect('outgoing-call-reply');
    expect(b.events.map((event) => formatIpv4(event.call.peer))).toEqual(['127.0.0.1']);
  });
});

describe('start', () => {
  const taken = async (): Promise<Server> => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server;
  };

  test('a port that is taken: PORT_TAKEN, names the port and PPTP_PORT; stop works after it', async () => {
    const other = await taken();
    const bound = other.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    const b = bench({ port });
    await expect(b.start()).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: expect.stringMatching(new RegExp(`${port}.*PPTP_PORT`)),
    });
    await b.plugin.stop();
    await new Promise((resolve) => other.close(resolve));
  });

  test('an address this machine does not have: ADDRESS_UNAVAILABLE, names PPTP_LISTEN', async () => {
    await expect(bench({ address: '192.0.2.1' }).start()).rejects.toMatchObject({
      code: 'ADDRESS_UNAVAILABLE',
      message: expect.stringMatching(/192\.0\.2\.1.*PPTP_LISTEN/),
    });
  });

  test.each([70_000, -1])('port %i: a GatewayError', async (port) => {
    await expect(bench({ port }).start()).rejects.toMatchObject({ name: 'GatewayError' });
  });

  test('aborted before it began: nothing listens', async () => {
    const b = bench();
    await b.plugin.start(AbortSignal.abort());
    expect(b.plugin.listening).toBeUndefined();
  });
});

describe('stop', () => {
  test('CDN for every call, Stop-Control-Connection-Request, and over when the peer has answered', async () => {
    const b = await bench().start();
    const client = await b.established();
    client.send(callRequest(1), callRequest(2));
    await client.expect('outgoing-call-reply');
    await client.expect('outgoing-call-reply');
    const stopped = b.plugin.stop();
    expect(await client.expect('call-disconnect-notify')).toMatchObject({ resultCode: 3 });
    expect(await client.expect('call-disconnect-notify')).toMatchObject({ resultCode: 3 });
    expect(await client.expect('stop-control-connection-request')).toMatchObject({ reason: 3 });
    client.send({ kind: 'stop-control-connection-reply', resultCode: 1, errorCode: 0 });
    await client.closed;
    await stopped;
    expect(b.closedCalls().map((event) => event.reason)).toEqual(['shutdown', 'shutdown']);
    expect([b.completed, b.plugin.connectionCount, b.clock.scheduled, b.plugin.listening]).toEqual([
      true,
      0,
      0,
      undefined,
    ]);
  });

  test('a peer that does not answer holds it up for 3 s and no longer', async () => {
    const b = await bench().start();
    const client = await b.established();
    const stopped = b.plugin.stop();
    await client.expect('stop-control-connection-request');
    const ends = (): number => b.lines.filter((line) => line.event === 'control.closed').length;
    b.clock.advance(2_900);
    expect(ends()).toBe(0);
    b.clock.advance(200);
    expect(ends()).toBe(1);
    await stopped;
    await client.closed;
  });

  test('no new connection is taken while it stops', async () => {
    const b = await bench().start();
    const port = b.port;
    const client = await b.established();
    const stopped = b.plugin.stop();
    await client.expect('stop-control-connection-request');
    await expect(ControlClient.to(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    client.send({ kind: 'stop-control-connection-reply', resultCode: 1, errorCode: 0 });
    await stopped;
  });

  test('connections that were not established just end; never started and twice is fine', async () => {
    const b = await bench().start();
    const client = await b.connect();
    await b.established();
    const stopped = b.plugin.stop();
    expect(await client.next()).toBeUndefined();
    for (const one of b.clients) one.socket.destroy();
    await Promise.all([stopped, b.plugin.stop()]);
    await bench().plugin.stop();
  });
});

describe('a process that dials, too (RFC 2637 section 3.1.3)', () => {
  const HERE = address('127.0.0.1');

  test('the connection of a peer is known from its first reply to its end', async () => {
    const b = await bench().start();
    const client = await b.connect();
    expect(b.collisions.serves(HERE)).toBe(false);
    client.send(startRequest());
    await client.expect('start-control-connection-reply');
    expect(b.collisions.serves(HERE)).toBe(true);
    const gone = new Promise<void>((resolve) => b.collisions.whenGone(HERE, resolve));
    client.socket.destroy();
    await gone;
    expect(b.collisions.serves(HERE)).toBe(false);
  });

  test('our own request to the higher address is given up for the peer’s', async () => {
    const b = await bench().start();
    let givenUp = 0;
    b.collisions.begin(address('127.0.0.0'), HERE, () => {
      givenUp += 1;
    });
    const client = await b.established();
    expect(givenUp).toBe(1);
    client.socket.destroy();
  });

  test('a request that loses to ours is not answered', async () => {
    const b = await bench().start();
    b.collisions.begin(address('127.0.0.2'), HERE, () => undefined);
    const client = await b.connect();
    client.send(startRequest());
    await b.logged('control.collision');
    expect(b.collisions.serves(HERE)).toBe(false);
    expect(client.socket.bytesRead).toBe(0);
  });
});
