import { createServer, Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { fromHex } from '../../core/bytes/hex.ts';
import { formatIpv4 } from '../../core/bytes/ipv4-address.ts';
import { RandomCallIds } from '../../core/machine/call-ids.ts';
import { StartCollisions } from '../../core/machine/pptp-collision.ts';
import type { CallEvent } from '../../core/ports/control.ts';
import { type Log, type LogFields, silentLog } from '../../core/ports/log.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import { writePptpMessage } from '../../core/wire/pptp-message.ts';
import {
  ConnectionRules,
  ControlPptp,
  type ControlPptpOptions,
  TcpListener,
} from '../../plugins/control-pptp/index.ts';
import { address, silentTelemetry } from '../support/batches.ts';
import { ControlClient } from '../support/control-client.ts';
import { callRequest, startRequest } from '../support/control-rig.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { seededRandom } from '../support/seeded-random.ts';

interface Line {
  readonly event: string;
  readonly message: string;
  readonly fields: LogFields;
}

type AboutCall = Exclude<CallEvent, { kind: 'no-call' }>;

/** A server on loopback in manual time; everything it says is kept and can be waited for. */
class Bench {
  readonly clock = new ManualClock();
  readonly events: AboutCall[] = [];
  /** Connections that ended without a call. */
  readonly without: Extract<CallEvent, { kind: 'no-call' }>[] = [];
  readonly lines: Line[] = [];
  readonly counted: string[] = [];
  /** "direction message" of each control message. */
  readonly messages: string[] = [];
  /** "name seconds protocol". */
  readonly measured: string[] = [];
  readonly plugin: ControlPptp;
  readonly clients: ControlClient[] = [];
  completed = false;
  /** Runs in the turn of the event, as the gateway's subscriber does. */
  onEvent: (event: CallEvent) => void = () => undefined;
  private readonly waiting: { readonly when: () => boolean; readonly resolve: () => void }[] = [];

  readonly collisions = new StartCollisions();

  constructor(options: Partial<ControlPptpOptions> = {}) {
    const keep = (event: string, message: string, fields: LogFields = {}): void => {
      this.lines.push({ event, message, fields });
      this.check();
    };
    const log: Log = { ...silentLog, info: keep, warn: keep, error: keep, debug: keep, child: () => log };
    const random = seededRandom(5);
    const telemetry: Telemetry = {
      ...silentTelemetry,
      event: (name, { direction, message } = {}) => {
        this.counted.push(name);
        if (name === 'control.message') this.messages.push(`${direction} ${message}`);
      },
      measure: (name, seconds, { protocol }) => {
        this.measured.push(`${name} ${seconds} ${protocol}`);
        this.check();
      },
    };
    const callIds = new RandomCallIds({ random, now: () => this.clock.now() });
    this.plugin = new ControlPptp(
      { clock: this.clock, log, telemetry, callIds, random, collisions: this.collisions },
      { address: '127.0.0.1', port: 0, ...options },
    );
    this.plugin.calls$.subscribe({
      next: (event) => {
        if (event.kind === 'no-call') this.without.push(event);
        else this.events.push(event);
        this.onEvent(event);
        this.check();
      },
      complete: () => {
        this.completed = true;
      },
    });
  }

  async start(): Promise<this> {
    await this.plugin.start(new AbortController().signal);
    return this;
  }

  get port(): number {
    return this.plugin.listening?.port ?? 0;
  }

  async connect(host?: string): Promise<ControlClient> {
    const client = await ControlClient.to(this.port, host);
    this.clients.push(client);
    return client;
  }

  async established(host?: string): Promise<ControlClient> {
    const client = await this.connect(host);
    client.send(startRequest());
    await client.expect('start-control-connection-reply');
    return client;
  }

  /** Resolves as soon as `when` holds; looked at after every event and log line. */
  until(when: () => boolean): Promise<void> {
    if (when()) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ when, resolve }));
  }

  logged(event: string): Promise<void> {
    return this.until(() => this.lines.some((line) => line.event === event));
  }

  closedCalls(): Extract<AboutCall, { kind: 'closed' }>[] {
    return this.events.filter((event): event is Extract<AboutCall, { kind: 'closed' }> => event.kind === 'closed');
  }

  async end(): Promise<void> {
    for (const client of this.clients) client.socket.destroy();
    await this.plugin.stop();
  }

  private check(): void {
    for (const entry of this.waiting) if (entry.when()) entry.resolve();
  }
}

const benches: Bench[] = [];
const bench = (options: Partial<ControlPptpOptions> = {}): Bench => {
  const made = new Bench(options);
  benches.push(made);
  return made;
};
afterEach(async () => {
  for (const made of benches.splice(0)) await made.end();
});

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

describe('more clients than can be set up at once', () => {
  const ONE = { setups: { atOnce: 1, waiting: 2, waitMs: 10_000 } };
  const seen = async (when: () => boolean): Promise<void> => {
    while (!when()) await new Promise((resolve) => setImmediate(resolve));
  };
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
  const callOf = (b: Bench, at: number) => {
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
});
