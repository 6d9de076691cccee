import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { HEADROOM, PacketBatch, SLOT_SIZE } from '../../../../core/datapath/packet-batch.ts';
import { type BatchGreOptions, BatchGreSocket } from '../../../../plugins/io-batch-gre/batch-gre-socket.ts';
import { LOCAL, livePackets, PEER } from '../../../support/batches.ts';
import { MemoryLog } from '../../../support/memory-log.ts';
import { MemoryTelemetry } from '../../../support/memory-telemetry.ts';
import { type Arriving, FakeGreAddon, failure } from './fake-gre-addon.ts';

const { EMSGSIZE, ENETUNREACH, ENOBUFS, EPERM, EHOSTUNREACH, ECONNREFUSED } = constants.errno;
const notAborted = { aborted: false, addEventListener: (): void => undefined };
const gre = (tag: number, length = 20): Uint8Array => new Uint8Array(length).fill(tag);
const arriving = (tag: number): Arriving => ({ bytes: gre(tag), source: PEER, destination: LOCAL });

const setUp = async (options: BatchGreOptions = {}, prepare: (addon: FakeGreAddon) => void = () => undefined) => {
  const addon = new FakeGreAddon();
  prepare(addon);
  const telemetry = new MemoryTelemetry();
  const log = new MemoryLog();
  let now = 0;
  const socket = new BatchGreSocket({ telemetry, log, now: () => now, load: () => addon }, options);
  const batches: Uint8Array[][] = [];
  const ends: unknown[] = [];
  socket.batches$.subscribe({
    next: (batch) => batches.push(livePackets(batch)),
    error: (cause) => ends.push(cause),
    complete: () => ends.push('complete'),
  });
  await socket.start(notAborted);
  const pass = (milliseconds: number): void => {
    now += milliseconds;
  };
  return { addon, telemetry, log, socket, batches, pass, ends };
};

const outgoing = (...packets: readonly Uint8Array[]): PacketBatch => {
  const batch = new PacketBatch(packets.length);
  for (const packet of packets) batch.outerEndpoints(batch.append(packet), LOCAL, PEER);
  return batch;
};
const numbered = (count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => gre(i, 30));

describe('BatchGreSocket: receiving', () => {
  it('delivers what one readiness event brought as one batch, with the outer addresses', async () => {
    const { addon, socket, batches } = await setUp();
    const endpoints: number[][] = [];
    socket.batches$.subscribe((batch) => endpoints.push([batch.outerSource[0] ?? 0, batch.outerDestination[0] ?? 0]));
    addon.inbox.push(arriving(1), arriving(2), arriving(3));
    addon.wake();
    expect(batches).toEqual([[gre(1), gre(2), gre(3)]]);
    expect(endpoints).toEqual([[PEER, LOCAL]]);
  });

  it('flushes every 64 packets and leaves the loop after 2 batches', async () => {
    const { addon, batches } = await setUp();
    for (let i = 0; i < 600; i += 1) addon.inbox.push(arriving(i & 0xff));
    addon.wake();
    expect(batches.map((batch) => batch.length)).toEqual([64, 64]);
    for (let turn = 0; turn < 4; turn += 1) addon.wake();
    expect(batches.flat().map((packet) => packet[0])).toEqual(Array.from({ length: 600 }, (_, i) => i & 0xff));
  });

  it('counts what is no whole IPv4 packet, and takes the rest', async () => {
    const { addon, batches, telemetry } = await setUp();
    addon.inbox.push(-1, arriving(1), -2, -1, arriving(2));
    addon.wake();
    expect(batches).toEqual([[gre(1), gre(2)]]);
    expect(Object.fromEntries(telemetry.drops)).toEqual({ 'gre-socket in truncated': 2, 'gre-socket in malformed': 1 });
  });

  it('delivers nothing when nothing of a batch is good', async () => {
    const { addon, batches } = await setUp();
    addon.inbox.push(-1, -2);
    addon.wake();
    expect(batches).toEqual([]);
  });

  it('forgets what the last batch carried', async () => {
    const { addon, socket } = await setUp();
    const seen: unknown[] = [];
    socket.batches$.subscribe((batch) => {
      seen.push([batch.session[0], batch.sequence[0], batch.acknowledgment[0], batch.offset[0]]);
      batch.sequence[0] = 9;
      batch.acknowledgment[0] = 9;
      batch.strip(0, 8);
    });
    for (let i = 0; i < 2; i += 1) {
      addon.inbox.push(arriving(1));
      addon.wake();
    }
    expect(seen).toEqual([
      [undefined, -1, -1, HEADROOM],
      [undefined, -1, -1, HEADROOM],
    ]);
  });

  it('stays open when receiving fails, and says so once in ten seconds', async () => {
    const { addon, log, pass, batches } = await setUp();
    addon.receiveError = failure('ENOMEM');
    for (let i = 0; i < 5; i += 1) addon.wake();
    pass(10_000);
    addon.wake();
    const lines = log.lines.filter(({ event }) => event === 'gre.receive-failed');
    expect(lines.map(({ fields }) => fields['repeated'])).toEqual([0, 4]);
    addon.receiveError = undefined;
    addon.inbox.push(arriving(1));
    addon.wake();
    expect(batches).toEqual([[gre(1)]]);
  });

  it.each(['EBADF', 'ENOTSOCK'])('reports a socket that is gone (%s) on its stream', async (code) => {
    const { addon, ends } = await setUp({}, (fake) => {
      fake.closeError = failure('EBADF');
    });
    addon.receiveError = failure(code);
    addon.wake();
    expect(ends).toEqual([expect.objectContaining({ code: 'GRE_SOCKET' })]);
    expect(addon.watched).toBe(false);
  });

  it('does not touch the socket again when a subscriber stops it', async () => {
    const { addon, socket, ends } = await setUp();
    socket.batches$.subscribe(() => void socket.stop());
    for (let i = 0; i < 200; i += 1) addon.inbox.push(arriving(1));
    addon.wake();
    expect(addon).toMatchObject({ closed: 1, usedAfterClose: 0, watched: false });
    expect(ends).toEqual(['complete']);
  });

  it('warns of packets that the kernel dropped for want of room, past the turn of its counter too', async () => {
    const { addon, log, pass } = await setUp();
    const flood = (dropped: number): void => {
      addon.dropped = dropped;
      for (let i = 0; i < 64; i += 1) addon.inbox.push(arriving(1));
      addon.wake();
      pass(10_000);
    };
    flood(0);
    flood(2 ** 32 - 5);
    flood(2 ** 32 - 5);
    flood(7);
    const lines = log.lines.filter(({ event }) => event === 'gre.overrun');
    expect(lines.map(({ fields }) => fields['packets'])).toEqual([2 ** 32 - 5, 12]);
  });
});

describe('BatchGreSocket: sending', () => {
  it('sends the order of the batch, each packet between the addresses that the batch names', async () => {
    const { addon, socket } = await setUp();
    const batch = outgoing(gre(1), gre(2), gre(3));
    [batch.order[0], batch.order[1], batch.count] = [2, 0, 2];
    batch.strip(0, 4);
    expect(socket.write(batch)).toBe(2);
    expect(addon.sent).toEqual([
      { bytes: gre(3), source: LOCAL, destination: PEER },
      { bytes: gre(1, 16), source: LOCAL, destination: PEER },
    ]);
  });

  it('accepts a prefix when the kernel has no room', async () => {
    const { addon, socket, telemetry } = await setUp();
    addon.room = 2;
    expect(socket.write(outgoing(...numbered(4)))).toBe(2);
    expect(addon.sent).toHaveLength(2);
    expect(telemetry.drops.size).toBe(0);
  });

  it.each([
    ['EMSGSIZE', EMSGSIZE, 'too-big'],
    ['EPERM', EPERM, 'device-refused'],
    ['ENOBUFS', ENOBUFS, 'device-refused'],
    ['ENETUNREACH', ENETUNREACH, 'device-refused'],
    ['EHOSTUNREACH', EHOSTUNREACH, 'device-refused'],
    ['ECONNREFUSED', ECONNREFUSED, 'device-refused'],
  ])('drops one packet and goes on after %s', async (_name, errno, reason) => {
    const { addon, socket, telemetry } = await setUp();
    addon.refusals.push(0, errno);
    const batch = outgoing(...numbered(3));
    expect(socket.write(batch)).toBe(3);
    expect(addon.sent.map(({ bytes }) => bytes[0])).toEqual([0, 2]);
    expect([0, 1, 2].map((i) => batch.fate(i))).toEqual(['live', reason, 'live']);
    expect(Object.fromEntries(telemetry.drops)).toEqual({ [`gre-socket out ${reason}`]: 1 });
  });

  it('goes on behind more refusals than one call can name', async () => {
    const { addon, socket, telemetry } = await setUp();
    addon.refusals.push(...Array.from({ length: 40 }, () => EMSGSIZE), ...Array.from({ length: 8 }, () => EPERM));
    const batch = outgoing(...numbered(50));
    expect(socket.write(batch)).toBe(50);
    expect(addon.sent.map(({ bytes }) => bytes[0])).toEqual([48, 49]);
    expect(batch.doomed).toBe(48);
    expect(Object.fromEntries(telemetry.drops)).toEqual({
      'gre-socket out too-big': 40,
      'gre-socket out device-refused': 8,
    });
  });

  it('counts refusals in front of the place where the kernel had no more room', async () => {
    const { addon, socket, telemetry } = await setUp();
    addon.refusals.push(EMSGSIZE, 0, EPERM);
    addon.room = 1;
    expect(socket.write(outgoing(...numbered(6)))).toBe(3);
    expect(Object.fromEntries(telemetry.drops)).toEqual({
      'gre-socket out too-big': 1,
      'gre-socket out device-refused': 1,
    });
  });

  it('logs failures at a bounded rate, with the error and the way of the packet', async () => {
    const { addon, socket, log, pass } = await setUp();
    for (let i = 0; i < 30; i += 1) {
      addon.refusals.push(EMSGSIZE, ENETUNREACH);
      socket.write(outgoing(gre(1), gre(2)));
    }
    expect(log.events('warn')).toEqual(['gre.too-big', 'gre.send-refused']);
    pass(10_000);
    addon.refusals.push(EMSGSIZE);
    socket.write(outgoing(gre(1)));
    expect(log.lines.at(-1)?.fields).toEqual({
      repeated: 29,
      octets: 40,
      source: '198.51.100.1',
      destination: '203.0.113.9',
      error: 'EMSGSIZE: message too long',
    });
  });

  it('accepts nothing of a socket that is gone, and reports it on its stream', async () => {
    const { addon, socket, ends, telemetry } = await setUp();
    addon.sendError = failure('EBADF');
    expect(socket.write(outgoing(gre(1)))).toBe(0);
    expect(socket.write(outgoing(gre(1)))).toBe(0);
    expect(ends).toEqual([expect.objectContaining({ code: 'GRE_SOCKET' })]);
    expect(telemetry.drops.size).toBe(0);
  });
});

describe('BatchGreSocket: starting and stopping', () => {
  it.each([
    ['EPERM', 'NOT_ROOT', 'CAP_NET_RAW'],
    ['EACCES', 'NOT_ROOT', 'CAP_NET_RAW'],
    ['EADDRNOTAVAIL', 'ADDRESS_UNAVAILABLE', '198.51.100.1. Set PPTP_LISTEN to one it has'],
    ['EPROTONOSUPPORT', 'GRE_SOCKET', 'EPROTONOSUPPORT: made up'],
  ])('turns %s into %s and says what to do', async (errno, code, text) => {
    const started = setUp({ listen: LOCAL }, (addon) => {
      addon.openError = failure(errno);
    });
    await expect(started).rejects.toMatchObject({
      name: 'GatewayError',
      code,
      message: expect.stringContaining(text),
    });
  });

  it('closes what it opened when the socket cannot be watched', async () => {
    let fake: FakeGreAddon | undefined;
    const started = setUp({}, (addon) => {
      addon.pollError = failure('EEXIST');
      fake = addon;
    });
    await expect(started).rejects.toMatchObject({ code: 'GRE_SOCKET' });
    expect(fake?.closed).toBe(1);
  });

  it('opens its share of the Call IDs only, and says which', async () => {
    const { addon, log } = await setUp({ share: { modulus: 3, residue: 2 } });
    expect(addon.opened.map((one) => one.slice(3))).toEqual([[3, 2]]);
    expect(log.lines[0]?.fields?.['share']).toBe('2 of 3');
  });

  it('opens what it was asked for, and says which driver it is and why', async () => {
    const { addon, log } = await setUp({ listen: LOCAL, receiveBuffer: 1000, sendBuffer: 500, why: 'because' });
    expect(addon.opened).toEqual([[LOCAL, 1000, 500, 1, 0]]);
    expect(log.lines.map(({ event, fields }) => ({ event, ...fields }))).toEqual([
      {
        event: 'gre.open',
        driver: 'batch',
        why: 'because',
        listen: '198.51.100.1',
        receiveBuffer: 2000,
        sendBuffer: 1000,
      },
    ]);
  });

  it('may be stopped without having been started, and started once only', async () => {
    const addon = new FakeGreAddon();
    const socket = new BatchGreSocket({ telemetry: new MemoryTelemetry(), load: () => addon }, {});
    expect(socket.write(outgoing(gre(1)))).toBe(0);
    await socket.start(notAborted);
    await socket.start(notAborted);
    expect(addon.opened).toHaveLength(1);
    await socket.stop();
    await socket.stop();
    expect(addon).toMatchObject({ closed: 1, usedAfterClose: 0 });
    expect(socket.write(outgoing(gre(1)))).toBe(0);
  });

  it('opens nothing when the start is called off', async () => {
    const addon = new FakeGreAddon();
    const socket = new BatchGreSocket({ telemetry: new MemoryTelemetry(), load: () => addon }, {});
    await socket.start({ aborted: true, addEventListener: () => undefined });
    expect(addon.opened).toEqual([]);
  });

  it('gives the addon slots that hold the largest packet of a batch', async () => {
    const { addon, batches } = await setUp();
    addon.inbox.push({ bytes: gre(5, SLOT_SIZE - HEADROOM), source: PEER, destination: LOCAL });
    addon.wake();
    expect(batches).toEqual([[gre(5, SLOT_SIZE - HEADROOM)]]);
  });
});

describe('BatchGreSocket: handed over', () => {
  it('reads and sends nothing while it stands still, and goes on with all that came', async () => {
    const { addon, socket, batches } = await setUp();
    expect(socket.descriptor()).toEqual({ fd: expect.any(Number), about: expect.stringMatching(/^\d+ \d+$/) });
    socket.freeze();
    addon.inbox.push(arriving(1));
    addon.wake();
    expect(addon.watched).toBe(false);
    expect(socket.write(outgoing(gre(2)))).toBe(0);
    expect([batches, addon.sent]).toEqual([[], []]);
    socket.thaw();
    addon.wake();
    expect(batches).toEqual([[gre(1)]]);
    expect(socket.write(outgoing(gre(2)))).toBe(1);
  });

  it('an inherited one opens nothing, and is silent until it thaws', async () => {
    const opened = await setUp();
    const inherited = opened.socket.descriptor();
    const { addon, socket, batches } = await setUp({ inherited });
    expect(socket.descriptor()).toEqual(inherited);
    addon.inbox.push(arriving(3));
    addon.wake();
    expect(batches).toEqual([]);
    socket.thaw();
    addon.wake();
    expect(batches).toEqual([[gre(3)]]);
  });
});
