import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { concatBytes } from '../../../core/bytes/bytes.ts';
import type { NativeTun } from '../../../native/tun.d.ts';
import { Fifo } from '../../support/fifo.ts';
import {
  FLAG,
  type Flow,
  headersOf,
  isSix,
  isUdp,
  onesComplement,
  plainSegments,
  someFlow,
  transportFault,
  transportOf,
  transportPacket,
  vnetBytes,
  vnetOf,
  withPartialChecksum,
} from '../../support/transport-packets.ts';
import { asSegments, LONGEST, readSegments, type Write, writeCoalesced, writeRaw } from '../../support/tun-stream.ts';
import { loadAddon } from '../../unit/native/addon.ts';

let native: NativeTun;
let fifo: Fifo;
beforeAll(() => {
  native = loadAddon();
  fifo = new Fifo();
}, 120_000);
afterEach(() => void fifo.take());
afterAll(() => fifo.close());

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const flows: fc.Arbitrary<Flow> = fc.record({
  six: fc.boolean(),
  udp: fc.boolean(),
  host: fc.integer({ min: 2, max: 4 }),
  port: u16,
  dontFragment: fc.boolean(),
  tos: fc.integer({ min: 0, max: 255 }),
  ttl: fc.integer({ min: 1, max: 255 }),
  options: fc
    .integer({ min: 0, max: 10 })
    .chain((words) => fc.uint8Array({ minLength: 4 * words, maxLength: 4 * words })),
});

/** Cheap data of any length that is not the same everywhere. */
const dataOf = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (seed + i * 7 + (i >> 8) * 13) & 0xff);

describe('large packets of the kernel', () => {
  it('are cut as a plain segmenter cuts them, whatever the size of the batches', () => {
    fc.assert(
      fc.property(
        flows,
        fc.record({ identification: u16, sequence: u32, acknowledgment: u32, window: u16, flags: fc.nat(255) }),
        fc.integer({ min: 1, max: 60_000 }),
        fc.oneof(fc.integer({ min: 1, max: LONGEST - 120 }), fc.integer({ min: 1000, max: 1448 })),
        fc.integer({ min: 1, max: 64 }),
        fc.nat(255),
        (flow, fields, length, wanted, max, seed) => {
          // The plain segmenter is slow.
          const size = Math.max(wanted, Math.ceil(length / 200));
          const packet = transportPacket(flow, { ...fields, data: dataOf(length, seed) });
          fifo.put(concatBytes(vnetBytes(vnetOf(packet, size)), withPartialChecksum(packet)));
          const [got, wants] = [readSegments(native, native.tunBuffers(2), fifo, max), plainSegments(packet, size)];
          expect(got.map((segment) => segment.length)).toEqual(wants.map((segment) => segment.length));
          expect(Buffer.compare(concatBytes(...got), concatBytes(...wants))).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('get the checksum that the kernel left out', () => {
    fc.assert(
      fc.property(flows, fc.uint8Array({ maxLength: 1500 }), fc.boolean(), (flow, data, leftOut) => {
        const packet = transportPacket(flow, { data });
        const vnet = { ...vnetOf(packet, 0), gsoType: 0, flags: leftOut ? 1 : 0 };
        fifo.put(concatBytes(vnetBytes(vnet), leftOut ? withPartialChecksum(packet) : packet));
        const [read] = readSegments(native, native.tunBuffers(2), fifo, 4);
        expect(read?.length).toBe(packet.length);
        expect(transportFault(read ?? packet)).toBeUndefined();
        if (!leftOut) expect(read).toEqual(packet);
      }),
    );
  });

  it('may be any octets: packets that fit their slots, and never an exception', () => {
    const vnet = fc.record({
      flags: fc.constantFrom(0, 1, 2, 255),
      gsoType: fc.constantFrom(0, 1, 3, 4, 5, 0x81, 255),
      headerLength: u16,
      gsoSize: fc.oneof(u16, fc.integer({ min: 30, max: 200 })),
      checksumStart: fc.oneof(fc.constantFrom(0, 20, 40, 60), u16),
      checksumOffset: fc.oneof(fc.constantFrom(6, 16), u16),
    });
    const packets = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .tuple(flows, fc.uint8Array({ maxLength: 300 }), fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 4 }))
        .map(([flow, data, changes]) => {
          const packet = transportPacket(flow, { data });
          for (const [at, value] of changes) packet[at] = value;
          return packet;
        }),
    );
    fc.assert(
      fc.property(vnet, packets, fc.integer({ min: 1, max: 64 }), fc.nat(80), (header, packet, room, slack) => {
        fifo.put(concatBytes(vnetBytes(header), packet));
        for (const segment of readSegments(native, native.tunBuffers(2), fifo, 8, 128 + room + slack, slack)) {
          expect(segment.length).toBeLessThanOrEqual(128 + room);
        }
        expect(fifo.take()).toHaveLength(0);
      }),
      { numRuns: 500 },
    );
  });
});

type Step =
  | { readonly what: 'data' | 'push' | 'corrupt' | 'corrupt-ip' | 'ack' | 'fin' | 'gap' | 'cwr'; readonly size: number }
  | {
      readonly what: 'fields';
      readonly change: 'tos' | 'ttl' | 'window' | 'acknowledgment' | 'options' | 'identification';
    };

interface Marked {
  readonly flow: number;
  readonly packet: Uint8Array;
}

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ what: fc.constant('data' as const), size: fc.constantFrom(100, 100, 100, 100, 37, 300) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constantFrom('push', 'corrupt', 'corrupt-ip', 'ack', 'fin', 'gap', 'cwr'),
      size: fc.constantFrom(100, 61),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('fields' as const),
      change: fc.constantFrom('tos', 'ttl', 'window', 'acknowledgment', 'options', 'identification'),
    }),
  },
);
/** -1 is a packet of no known kind. */
const streams = fc.array(fc.tuple(fc.integer({ min: -1, max: 3 }), steps), { maxLength: 24 });

const unknown = (tag: number): Uint8Array => {
  const packet = transportPacket({ ...someFlow, udp: true }, { identification: tag, data: new Uint8Array(30) });
  packet[9] = 47;
  return packet;
};

class Sender {
  private flow: Flow;
  private sequence = 0xffffff00;
  private identification = 0xfff8;
  private window = 500;
  private acknowledgment = 1;

  constructor(flow: Flow) {
    this.flow = flow;
  }

  send(step: Step): Uint8Array {
    if (step.what === 'fields') {
      this.change(step.change);
      return this.packet(FLAG.ack, 100);
    }
    switch (step.what) {
      case 'push':
        return this.packet(FLAG.ack | FLAG.psh, step.size);
      case 'ack':
        return this.packet(FLAG.ack, 0);
      case 'fin':
        return this.packet(FLAG.ack | FLAG.fin, step.size);
      case 'cwr':
        return this.packet(FLAG.ack | FLAG.cwr, step.size);
      case 'gap':
        this.packet(FLAG.ack, step.size);
        return this.packet(FLAG.ack, step.size);
      case 'corrupt': {
        const packet = this.packet(FLAG.ack, step.size);
        packet[packet.length - 1] = (packet[packet.length - 1] ?? 0) ^ 0x40;
        return packet;
      }
      case 'corrupt-ip': {
        const packet = this.packet(FLAG.ack, step.size);
        if (!isSix(packet)) packet[11] = (packet[11] ?? 0) ^ 1;
        return packet;
      }
      default:
        return this.packet(FLAG.ack, step.size);
    }
  }

  private change(what: Extract<Step, { what: 'fields' }>['change']): void {
    if (what === 'tos') this.flow = { ...this.flow, tos: this.flow.tos ^ 3 };
    if (what === 'ttl') this.flow = { ...this.flow, ttl: (this.flow.ttl % 255) + 1 };
    if (what === 'window') this.window ^= 1;
    if (what === 'acknowledgment') this.acknowledgment += 10;
    if (what === 'identification') this.identification += 5;
    if (what === 'options') this.flow = { ...this.flow, options: this.flow.options.map((octet) => octet ^ 1) };
  }

  private packet(flags: number, size: number): Uint8Array {
    const { sequence, window, acknowledgment } = this;
    const identification = this.identification & 0xffff;
    const data = dataOf(size, this.identification);
    this.sequence = (sequence + size) >>> 0;
    this.identification += 1;
    return transportPacket(this.flow, { identification, sequence, window, acknowledgment, flags, data });
  }
}

const sent = (kinds: readonly Flow[], stream: readonly (readonly [number, Step])[]): Marked[] => {
  const senders = kinds.map((flow, i) => new Sender({ ...flow, host: 2, port: 40_000 + i }));
  return stream.map(([at, step], tag) => {
    const sender = senders[at];
    return sender === undefined ? { flow: -1, packet: unknown(tag) } : { flow: at, packet: sender.send(step) };
  });
};

const flowOf = (packet: Uint8Array): number => {
  if (!isSix(packet) && packet[9] === 47) return -1;
  const at = transportOf(packet);
  return (packet[at] ?? 0) * 256 + (packet[at + 1] ?? 0) - 40_000;
};

/** Where fragmentation is forbidden, the identification (and so the checksum) of IPv4 may change. */
const comparable = (packet: Uint8Array): Uint8Array => {
  if (isSix(packet) || ((packet[6] ?? 0) & 0x40) === 0) return packet;
  const wrong = onesComplement(packet.subarray(0, 20)) !== 0xffff;
  const copy = packet.slice();
  copy.fill(0, 4, 6);
  copy.set(wrong ? [0xff, 0xff] : [0, 0], 10);
  return copy;
};

const hex = (packet: Uint8Array): string => Buffer.from(packet).toString('hex');

const checkJoined = ({ vnet, packet }: Write): void => {
  if (vnet.gsoType === 0) {
    expect(vnet).toEqual({ flags: 0, gsoType: 0, headerLength: 0, gsoSize: 0, checksumStart: 0, checksumOffset: 0 });
    return;
  }
  expect(vnet).toEqual(vnetOf(packet, vnet.gsoSize));
  expect(packet).toEqual(withPartialChecksum(packet));
  if (!isSix(packet)) expect(onesComplement(packet.subarray(0, 20))).toBe(0xffff);
  expect(packet.length - headersOf(packet)).toBeGreaterThan(vnet.gsoSize);
  if (isUdp(packet)) expect((packet.length - headersOf(packet)) / vnet.gsoSize).toBeLessThanOrEqual(64);
};

describe('packets of a batch', () => {
  it('are the same for the kernel, joined or not, and in the order of their flow', () => {
    fc.assert(
      fc.property(
        fc.tuple(flows, flows, flows, flows),
        streams,
        fc.constantFrom(0 as const, 1 as const, 2 as const),
        (kinds, stream, level) => {
          const batch = sent(kinds, stream);
          const packets = batch.map(({ packet }) => packet);
          const { accepted, writes } = writeCoalesced(native, native.tunBuffers(level), fifo, packets);
          expect(accepted).toBe(batch.length);
          for (const write of writes) checkJoined(write);
          if (level < 2) expect(writes.filter(({ vnet }) => vnet.gsoType === 5)).toEqual([]);
          if (level < 1) expect(writes).toHaveLength(batch.length);
          const out = asSegments(writes);
          expect(out).toHaveLength(batch.length);
          // A packet of no known kind is passed by none, so it is in the order of every flow.
          for (const flow of [0, 1, 2, 3]) {
            const before = batch.filter((one) => one.flow === flow || one.flow === -1).map((one) => one.packet);
            const after = out.filter((packet) => flowOf(packet) === flow || flowOf(packet) === -1);
            expect(after.map(comparable).map(hex)).toEqual(before.map(comparable).map(hex));
          }
        },
      ),
      { numRuns: 600 },
    );
  });

  it('may be any octets: written as they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(255), (packet, version) => {
        if (version > 60) packet[0] = version > 150 ? 0x45 : 0x60;
        const { accepted, stream } = writeRaw(native, native.tunBuffers(2), fifo, [packet]);
        expect([accepted, stream]).toEqual([1, concatBytes(new Uint8Array(10), packet)]);
      }),
      { numRuns: 500 },
    );
  });

  it('may be damaged anywhere: all octets are written', () => {
    const damage = fc.tuple(fc.nat(7), fc.nat(90), fc.nat(255));
    fc.assert(
      fc.property(flows, fc.array(damage, { maxLength: 6 }), (flow, damages) => {
        const sender = new Sender(flow);
        const packets = Array.from({ length: 8 }, () => sender.send({ what: 'data', size: 50 }));
        for (const [packet, at, value] of damages) packets[packet]?.fill(value, at, at + 1);
        const { accepted, stream } = writeRaw(native, native.tunBuffers(2), fifo, packets);
        expect(accepted).toBe(8);
        // Each write has a header of ten octets, and joined packets share theirs.
        expect(stream.length).toBeLessThanOrEqual(packets.reduce((sum, packet) => sum + packet.length + 10, 0));
        expect(stream.length).toBeGreaterThanOrEqual(8 * 50 + headersOf(transportPacket(flow)) + 10);
      }),
      { numRuns: 300 },
    );
  });
});
