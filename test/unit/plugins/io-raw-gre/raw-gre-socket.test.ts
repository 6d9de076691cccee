import { describe, expect, it } from 'vitest';
import { fromHex } from '../../../../core/bytes/hex.ts';
import { PacketBatch } from '../../../../core/datapath/packet-batch.ts';
import { type RawGreOptions, RawGreSocket } from '../../../../plugins/io-raw-gre/raw-gre-socket.ts';
import { address, LOCAL, livePackets, PEER } from '../../../support/batches.ts';
import { ipv4Packet } from '../../../support/ipv4-packets.ts';
import { MemoryLog } from '../../../support/memory-log.ts';
import { MemoryTelemetry } from '../../../support/memory-telemetry.ts';
import { FakeRawSocket } from './fake-raw-socket.ts';

const notAborted = { aborted: false, addEventListener: (): void => undefined };
const gre = (tag: number, length = 20): Uint8Array => new Uint8Array(length).fill(tag);
const arriving = (tag: number, destination = LOCAL): Uint8Array =>
  ipv4Packet({ source: PEER, destination, protocol: 47, payload: gre(tag) });

const setUp = async (options: RawGreOptions = {}, prepare: (raw: FakeRawSocket) => void = () => undefined) => {
  const raw = new FakeRawSocket();
  prepare(raw);
  const telemetry = new MemoryTelemetry();
  const log = new MemoryLog();
  let now = 0;
  const socket = new RawGreSocket({ telemetry, log, now: () => now, load: async () => raw.module }, options);
  const batches: Uint8Array[][] = [];
  let died: unknown;
  socket.batches$.subscribe({
    next: (batch) => batches.push(livePackets(batch)),
    error: (cause) => {
      died = cause;
    },
  });
  await socket.start(notAborted);
  const pass = (milliseconds: number): void => {
    now += milliseconds;
  };
  return { raw, telemetry, log, socket, batches, pass, died: () => died };
};

const outgoing = (...packets: readonly Uint8Array[]): PacketBatch => {
  const batch = new PacketBatch(packets.length);
  for (const packet of packets) batch.outerEndpoints(batch.append(packet), LOCAL, PEER);
  return batch;
};

describe('RawGreSocket: receiving', () => {
  it('drains the socket into one batch and strips the outer header', async () => {
    const { raw, batches } = await setUp();
    raw.inbox.push(arriving(1), arriving(2), arriving(3));
    raw.readable();
    expect(batches).toEqual([[gre(1), gre(2), gre(3)]]);
  });

  it('strips IP options too', async () => {
    const { raw, batches } = await setUp();
    const plain = arriving(1);
    const packet = new Uint8Array([...plain.subarray(0, 20), 1, 1, 1, 1, ...plain.subarray(20)]);
    packet[0] = 0x46;
    packet[3] = packet.length;
    raw.inbox.push(packet);
    raw.readable();
    expect(batches).toEqual([[gre(1)]]);
  });

  it('flushes every 64 packets and leaves the loop after 8 batches', async () => {
    const { raw, batches } = await setUp();
    for (let i = 0; i < 600; i += 1) raw.inbox.push(arriving(i & 0xff));
    raw.readable();
    expect(batches.map((batch) => batch.length)).toEqual([64, 64, 64, 64, 64, 64, 64, 64]);
    raw.readable();
    expect(batches.flat()).toHaveLength(600);
    expect(batches.flat().map((packet) => packet[0])).toEqual(Array.from({ length: 600 }, (_, i) => i & 0xff));
  });

  it('counts what is no whole IPv4 packet, and takes the rest', async () => {
    const { raw, batches, telemetry } = await setUp();
    raw.inbox.push(arriving(1).subarray(0, 30), new Uint8Array(0), new Uint8Array(40).fill(0x60), arriving(2));
    raw.readable();
    expect(batches).toEqual([[gre(2)]]);
    expect(Object.fromEntries(telemetry.drops)).toEqual({
      'gre-socket in truncated': 2,
      'gre-socket in malformed': 1,
    });
  });

  it('counts a packet too long for a slot as truncated', async () => {
    const { raw, batches, telemetry } = await setUp();
    const long = ipv4Packet({ source: PEER, destination: LOCAL, protocol: 47, payload: gre(1, 1985) });
    raw.inbox.push(long, ipv4Packet({ source: PEER, destination: LOCAL, protocol: 47, payload: gre(2, 1984) }));
    raw.readable();
    expect(batches).toEqual([[gre(2, 1984)]]);
    expect(Object.fromEntries(telemetry.drops)).toEqual({ 'gre-socket in truncated': 1 });
  });

  it('takes only packets to its listen address, when it has one; others are no drops', async () => {
    const { raw, batches, telemetry } = await setUp({ listen: LOCAL });
    raw.inbox.push(arriving(1, address('198.51.100.2')), arriving(2));
    raw.readable();
    expect(batches).toEqual([[gre(2)]]);
    expect(telemetry.drops.size).toBe(0);
  });

  it('stays open when receiving fails, and says so once in ten seconds', async () => {
    const { raw, log, pass, batches } = await setUp();
    raw.receiveError = 'Protocol not available';
    for (let i = 0; i < 5; i += 1) raw.readable();
    pass(10_000);
    raw.readable();
    expect(
      log.lines.filter((line) => line.event === 'gre.receive-failed').map((line) => line.fields['repeated']),
    ).toEqual([0, 4]);
    raw.inbox.push(arriving(1));
    raw.readable();
    expect(batches).toEqual([[gre(1)]]);
  });

  it('does not touch the socket again when a subscriber stops it', async () => {
    const { raw, socket } = await setUp();
    socket.batches$.subscribe(() => void socket.stop());
    for (let i = 0; i < 200; i += 1) raw.inbox.push(arriving(1));
    raw.readable();
    expect(raw.closed).toBe(1);
    expect(raw.usedAfterClose).toBe(0);
  });

  it('reports a dead socket on its stream', async () => {
    const { raw, died } = await setUp();
    raw.fail(new Error('Bad file descriptor'));
    expect(died()).toMatchObject({ code: 'GRE_SOCKET' });
    expect(raw.closed).toBe(1);
  });
});

describe('RawGreSocket: sending', () => {
  it('puts its own IPv4 header in front, from the address of the batch', async () => {
    const { raw, socket } = await setUp();
    expect(raw.options).toContainEqual([0, 3, 1]);
    expect(socket.write(outgoing(gre(0xab, 4)))).toBe(1);
    // Version 4, length 24, id 0, DF clear, TTL 64, protocol 47, checksum left to the kernel.
    const expected = fromHex('45000018 00000000 402f0000 c6336401 cb007109 abababab');
    expect(raw.sent).toEqual([{ bytes: expected, address: '203.0.113.9' }]);
  });

  it('accepts a prefix when the kernel has no room', async () => {
    const { raw, socket, telemetry } = await setUp();
    raw.sendErrors.push(undefined, undefined, 'Resource temporarily unavailable');
    expect(socket.write(outgoing(gre(1), gre(2), gre(3), gre(4)))).toBe(2);
    expect(raw.sent).toHaveLength(2);
    expect(telemetry.drops.size).toBe(0);
  });

  it.each([
    ['Message too long', 'too-big'],
    ['Protocol not available', 'device-refused'],
    ['Operation not permitted', 'device-refused'],
    ['No buffer space available', 'device-refused'],
    ['Network is unreachable', 'device-refused'],
  ])('counts one packet and goes on after "%s"', async (error, reason) => {
    const { raw, socket, telemetry } = await setUp();
    raw.sendErrors.push(undefined, error);
    const batch = outgoing(gre(1), gre(2), gre(3));
    expect(socket.write(batch)).toBe(3);
    expect([0, 1, 2].map((index) => batch.fate(index))).toEqual(['live', reason, 'live']);
    expect(raw.sent.map((packet) => packet.bytes[20])).toEqual([1, 3]);
    expect(Object.fromEntries(telemetry.drops)).toEqual({ [`gre-socket out ${reason}`]: 1 });
  });

  it('logs failures at a bounded rate', async () => {
    const { raw, socket, log, pass } = await setUp();
    for (let i = 0; i < 30; i += 1) {
      raw.sendErrors.push('Message too long', 'Network is unreachable');
      socket.write(outgoing(gre(1), gre(2)));
    }
    expect(log.events('warn')).toEqual(['gre.too-big', 'gre.send-refused']);
    pass(10_000);
    raw.sendErrors.push('Message too long');
    socket.write(outgoing(gre(1)));
    expect(log.lines.at(-1)?.fields).toMatchObject({ repeated: 29, octets: 40, source: '198.51.100.1' });
  });
});

describe('RawGreSocket: starting', () => {
  it.each([
    ['Operation not permitted', 'NOT_ROOT'],
    ['Permission denied', 'NOT_ROOT'],
    ['Protocol not supported', 'GRE_SOCKET'],
  ])('turns "%s" into %s', async (createError, code) => {
    const started = setUp({}, (raw) => {
      raw.createError = createError;
    });
    await expect(started).rejects.toMatchObject({ name: 'GatewayError', code });
  });

  it('says how to build the package when it cannot be loaded', async () => {
    const load = () => Promise.reject(new Error("Cannot find module './build/Release/raw.node'"));
    const socket = new RawGreSocket({ telemetry: new MemoryTelemetry(), load }, {});
    await expect(socket.start(notAborted)).rejects.toMatchObject({
      code: 'NATIVE_MISSING',
      message: expect.stringContaining('npm rebuild raw-socket'),
    });
  });

  it('asks for a large receive buffer, by force if it may', async () => {
    const forced = await setUp({ receiveBuffer: 1000, sendBuffer: 500 });
    expect(forced.raw.options).toEqual([
      [0, 3, 1],
      [1, 33, 1000],
      [1, 32, 500],
    ]);
    const limited = await setUp({ receiveBuffer: 1000, sendBuffer: 500 }, (raw) => {
      raw.refusedOptions = [33, 32];
    });
    expect(limited.raw.options).toEqual([
      [0, 3, 1],
      [1, 8, 1000],
      [1, 7, 500],
    ]);
  });

  it('may be stopped without having been started', async () => {
    const raw = new FakeRawSocket();
    const socket = new RawGreSocket({ telemetry: new MemoryTelemetry(), load: async () => raw.module }, {});
    await socket.stop();
    expect(socket.write(outgoing(gre(1)))).toBe(0);
  });

  it('opens nothing when the start is called off', async () => {
    const raw = new FakeRawSocket();
    raw.createError = 'must not be called';
    const socket = new RawGreSocket({ telemetry: new MemoryTelemetry(), load: async () => raw.module }, {});
    await socket.start({ aborted: true, addEventListener: () => undefined });
    expect(socket.write(outgoing(gre(1)))).toBe(0);
  });
});
