import { describe, expect, it } from 'vitest';
import { SESSION_USAGE } from '../../../../../core/datapath/session-usage.ts';
import { SESSION_SHAPE } from '../../../../../core/datapath/shape.ts';
import { TrafficCountStage } from '../../../../../core/datapath/stages/traffic-count.stage.ts';
import { address, batchOf, openSession, run } from '../../../../support/batches.ts';
import { ipv4Packet } from '../../../../support/ipv4-packets.ts';
import { address6, ipv6Packet } from '../../../../support/ipv6-packets.ts';
import { filterOf, TrafficRig } from '../../../../support/traffic-rig.ts';

const PEER = address('10.99.0.2');
const HOST = address('10.0.0.80');
const packet = (octets: number, name = 0): Uint8Array =>
  ipv4Packet({ source: PEER, destination: HOST, payload: new Uint8Array(octets - 20), identification: name });
const packets = (count: number, octets: number): Uint8Array[] =>
  Array.from({ length: count }, (_, name) => packet(octets, name));

/** 1 Mbit/s: 125 octets a millisecond, and 24,000 octets may wait. */
const MEGABIT = { bitsPerSecond: 1_000_000, burstOctets: 5_000 };

describe('counting', () => {
  it('counts packets and octets of both IP versions, both ways', () => {
    const rig = new TrafficRig();
    rig.send('in', [packet(100), packet(60)]);
    rig.send('out', [packet(1396)]);
    const six = ipv6Packet({
      source: address6('fd00::1'),
      destination: address6('fd00::2'),
      payload: new Uint8Array(10),
    });
    rig.send('out', [six], 0x0057);
    expect(rig.usage).toEqual({ octetsIn: 160, packetsIn: 2, octetsOut: 1446, packetsOut: 2 });
  });

  it('goes on beyond 32 bits', () => {
    const rig = new TrafficRig();
    const usage = rig.session.get(SESSION_USAGE);
    if (usage === undefined) throw new Error('nobody counts');
    usage.octetsIn = 2 ** 40;
    rig.send('in', [packet(100)]);
    expect(rig.usage.octetsIn).toBe(2 ** 40 + 100);
  });

  it('leaves a packet without a session alone', () => {
    const batch = batchOf([packet(100)]);
    expect(run(new TrafficCountStage({ onQuotaReached: () => undefined }).outbound, batch, 'out')).toEqual({});
    expect(batch.count).toBe(1);
  });

  it('has nothing where its stages are not: a session then has no counters and no shape', () => {
    const session = openSession();
    expect(session.get(SESSION_USAGE)).toBeUndefined();
    expect(session.get(SESSION_SHAPE)).toBeUndefined();
  });
});

describe('a rate', () => {
  it('lets a burst pass, lets what comes next wait in order, and drops what finds no room', async () => {
    const rig = new TrafficRig();
    rig.shape({ rate: { up: MEGABIT } });
    rig.send('in', packets(32, 1000));
    // 5 pass, 24 wait.
    expect(rig.passed).toHaveLength(5);
    expect(rig.drops).toEqual({ 'rate-limited': 3 });
    expect(rig.usage.octetsIn).toBe(5_000);
    await rig.clock.advance(80);
    expect(rig.passed).toHaveLength(15);
    await rig.clock.advance(1_000);
    expect(rig.passed.map(({ bytes }) => bytes[5])).toEqual(Array.from({ length: 29 }, (_, at) => at));
    expect(rig.usage).toMatchObject({ octetsIn: 29_000, packetsIn: 29 });
    expect(rig.clock.pending).toBe(0);
  });

  it('is one for each direction', () => {
    const rig = new TrafficRig();
    rig.shape({ rate: { down: MEGABIT } });
    rig.send('in', packets(32, 1000));
    expect(rig.drops).toEqual({});
    rig.send('out', packets(32, 1000));
    expect(rig.drops).toEqual({ 'rate-limited': 3 });
    expect(rig.usage).toMatchObject({ packetsIn: 32, packetsOut: 5 });
  });

  it('changes under what waits: faster, and gone', async () => {
    const rig = new TrafficRig();
    rig.shape({ rate: { down: MEGABIT } });
    rig.send('out', packets(29, 1000));
    expect(rig.passed).toHaveLength(5);
    rig.shape({ rate: { down: { bitsPerSecond: 10_000_000, burstOctets: 5_000 } } });
    await rig.clock.advance(9);
    // At the time when the first one was due under the old rate, 8 ms, there is room for five of them.
    expect(rig.passed.length).toBeGreaterThanOrEqual(10);
    rig.shape({});
    rig.send('out', [packet(1000, 99)]);
    await rig.clock.advance(20);
    expect(rig.passed).toHaveLength(30);
    expect(rig.passed.at(-1)?.bytes[5]).toBe(99);
    rig.shape({});
    expect(rig.session.get(SESSION_SHAPE)).toBeUndefined();
  });

  it('keeps what is in the bucket at a change', () => {
    const rig = new TrafficRig();
    rig.shape({ rate: { up: MEGABIT } });
    rig.send('in', packets(5, 1000));
    rig.shape({ rate: { up: { ...MEGABIT, bitsPerSecond: 2_000_000 } } });
    rig.send('in', packets(1, 1000));
    expect(rig.passed).toHaveLength(5);
  });

  it('gives up what waits when the call is over', async () => {
    const rig = new TrafficRig();
    rig.shape({ rate: { up: MEGABIT } });
    rig.send('in', packets(20, 1000));
    rig.close();
    await rig.clock.advance(1_000);
    expect(rig.passed).toHaveLength(5);
    expect(rig.clock.pending).toBe(0);
  });

  it('lets a packet pass that is larger than the burst that was asked for', async () => {
    const rig = new TrafficRig();
    rig.shape({ rate: { up: { bitsPerSecond: 8_000, burstOctets: 1 } } });
    rig.send('in', packets(2, 1500));
    await rig.clock.advance(2_000);
    expect(rig.passed).toHaveLength(2);
  });
});

describe('a filter', () => {
  it('drops what it denies, and what it drops is not counted', () => {
    const rig = new TrafficRig();
    rig.shape({
      filter: filterOf({ otherwise: 'deny', rules: [{ action: 'allow', direction: 'in', protocol: 253 }] }),
    });
    rig.send('in', [packet(100)]);
    rig.send('out', [packet(100)]);
    expect(rig.drops).toEqual({ policy: 1 });
    expect(rig.usage).toEqual({ octetsIn: 100, packetsIn: 1, octetsOut: 0, packetsOut: 0 });
  });
});

describe('a quota', () => {
  it('is told of once, by the packet that reaches it; then nothing passes', () => {
    const rig = new TrafficRig();
    rig.shape({ quotaOctets: 2_000 });
    rig.send('in', [packet(900)]);
    rig.send('out', [packet(900)]);
    expect(rig.told).toHaveLength(0);
    rig.send('out', [packet(900)]);
    expect(rig.told).toHaveLength(1);
    rig.send('in', [packet(900)]);
    rig.send('out', [packet(900)]);
    expect(rig.told).toHaveLength(1);
    expect(rig.drops).toEqual({ policy: 2 });
    expect(rig.usage).toEqual({ octetsIn: 900, packetsIn: 1, octetsOut: 1800, packetsOut: 2 });
  });

  it('may be raised, and is told of again', () => {
    const rig = new TrafficRig();
    rig.shape({ quotaOctets: 500 });
    rig.send('in', [packet(900)]);
    rig.shape({ quotaOctets: 1_500 });
    rig.send('in', [packet(900)]);
    expect(rig.told).toHaveLength(2);
    expect(rig.usage.packetsIn).toBe(2);
  });

  it('counts packets that waited when they go', async () => {
    const rig = new TrafficRig();
    rig.shape({ quotaOctets: 6_000, rate: { up: MEGABIT } });
    rig.send('in', packets(10, 1000));
    expect(rig.told).toHaveLength(0);
    await rig.clock.advance(20);
    expect(rig.told).toHaveLength(1);
  });
});
