import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { concatBytes } from '../../../core/bytes/bytes.ts';
import type { NativeTun } from '../../../native/tun.d.ts';
import { Fifo } from '../../support/fifo.ts';
import {
  FLAG,
  plainSegments,
  someFlow,
  transportFault,
  transportPacket,
  vnetBytes,
  vnetOf,
  withPartialChecksum,
} from '../../support/transport-packets.ts';
import { asSegments, readSegments, writeCoalesced } from '../../support/tun-stream.ts';
import { binary, loadAddon, runWithAddon } from './addon.ts';

let native: NativeTun;
let fifo: Fifo;
beforeAll(() => {
  native = loadAddon();
  fifo = new Fifo();
}, 120_000);
afterEach(() => void fifo.take());
afterAll(() => fifo.close());

const udpFlow = { ...someFlow, udp: true };
const tcp = (sequence: number, size = 1000, flags: number = FLAG.ack): Uint8Array =>
  transportPacket(someFlow, { sequence, identification: sequence / 1000, flags, data: new Uint8Array(size).fill(7) });
const udp = (identification: number, size = 1000): Uint8Array =>
  transportPacket(udpFlow, { identification, data: new Uint8Array(size).fill(9) });
const write = (packets: readonly Uint8Array[], level: 0 | 1 | 2 = 2) =>
  writeCoalesced(native, native.tunBuffers(level), fifo, packets);
const sizes = (packets: readonly Uint8Array[]): number[] => packets.map((packet) => packet.length);

describe('reading large packets', () => {
  const give = (packet: Uint8Array, size: number, change: Partial<ReturnType<typeof vnetOf>> = {}): void =>
    fifo.put(concatBytes(vnetBytes({ ...vnetOf(packet, size), ...change }), withPartialChecksum(packet)));

  it('says that segments wait until the last is taken', () => {
    give(tcp(0, 5000), 1000);
    const buffers = native.tunBuffers(1);
    const waiting = Int32Array.of(0);
    const lengths = new Int32Array(4);
    const read = (max: number) =>
      native.tunReadSegments(fifo.fd, buffers, new Uint8Array(8192), 2048, 0, lengths, max, 0, waiting);
    expect([read(2), waiting[0]]).toEqual([2, 1]);
    expect([read(2), waiting[0]]).toEqual([2, 1]);
    expect([read(2), waiting[0]]).toEqual([1, 0]);
    expect([read(2), waiting[0]]).toEqual([0, 0]);
  });

  it('goes on with the next packet behind the rest of a large one', () => {
    const buffers = native.tunBuffers(1);
    give(tcp(0, 3000), 1000);
    const slab = new Uint8Array(4 * 2048);
    const lengths = new Int32Array(4);
    const waiting = Int32Array.of(0);
    expect(native.tunReadSegments(fifo.fd, buffers, slab, 2048, 64, lengths, 1, 0, waiting)).toBe(1);
    give(udp(4, 80), 0, { gsoType: 0 });
    expect(native.tunReadSegments(fifo.fd, buffers, slab, 2048, 64, lengths, 3, 1, waiting)).toBe(3);
    expect([...lengths]).toEqual([1052, 1052, 1052, 108]);
    expect(waiting[0]).toBe(0);
  });

  it('keeps PSH and FIN for the last segment and CWR for the first', () => {
    give(tcp(0, 2500, FLAG.ack | FLAG.psh | FLAG.fin | FLAG.cwr), 1000, { gsoType: 0x81 });
    const flags = readSegments(native, native.tunBuffers(1), fifo, 8).map((segment) => segment[33]);
    expect(flags).toEqual([FLAG.ack | FLAG.cwr, FLAG.ack, FLAG.ack | FLAG.psh | FLAG.fin]);
  });

  it('writes a UDP checksum of zero as 0xffff, which zero would mean there is none', () => {
    // Data that start with the checksum of the rest bring the checksum to zero.
    const zero = (size: number): Uint8Array => {
      const data = new Uint8Array(size).fill(3);
      data.fill(0, 0, 2);
      data.set(transportPacket(udpFlow, { data }).subarray(26, 28));
      return data;
    };
    const large = transportPacket(udpFlow, { data: concatBytes(zero(100), zero(100)) });
    give(large, 100);
    const small = transportPacket(udpFlow, { data: zero(300) });
    const read = readSegments(native, native.tunBuffers(2), fifo, 8);
    give(small, 0, { gsoType: 0 });
    read.push(...readSegments(native, native.tunBuffers(2), fifo, 8));
    expect(read.map((packet) => [...packet.subarray(26, 28)])).toEqual(Array(3).fill([0xff, 0xff]));
    expect(read.map(transportFault)).toEqual([undefined, undefined, undefined]);
  });

  it.each([
    ['a segment that is longer than a slot', 2000, {}],
    ['a segment size of 0', 0, {}],
    ['an unknown kind', 1000, { gsoType: 3 }],
    ['the kind of the other IP version', 1000, { gsoType: 4 }],
    ['no checksum to complete', 1000, { flags: 0 }],
    ['a transport header elsewhere', 1000, { checksumStart: 24 }],
    ['the checksum of the other protocol', 1000, { checksumOffset: 6 }],
  ])('hands over one cut packet for %s', (_, size, change) => {
    give(tcp(0, 3000), size, change);
    expect(sizes(readSegments(native, native.tunBuffers(1), fifo, 8))).toEqual([1984]);
  });

  it('cuts the largest packet that a FIFO holds', () => {
    const packet = transportPacket({ ...someFlow, six: true }, { data: new Uint8Array(65_526 - 72) });
    give(packet, 1000);
    expect(readSegments(native, native.tunBuffers(1), fifo, 64)).toHaveLength(66);
  });

  it('refuses smaller slots while segments wait, and keeps these', () => {
    give(tcp(0, 3000), 1000);
    const buffers = native.tunBuffers(1);
    const [lengths, waiting] = [new Int32Array(4), Int32Array.of(0)];
    const read = (slot: number) =>
      native.tunReadSegments(fifo.fd, buffers, new Uint8Array(4096), slot, 0, lengths, 1, 0, waiting);
    expect(read(2048)).toBe(1);
    expect(() => read(1024)).toThrow(expect.objectContaining({ name: 'RangeError', code: 'EINVAL' }));
    expect([read(2048), waiting[0], read(2048), waiting[0]]).toEqual([1, 1, 1, 0]);
  });
});

describe('writing a batch', () => {
  it('joins neighbours of a TCP stream, a shorter one at the end', () => {
    const packets = [tcp(0), tcp(1000), tcp(2000), tcp(3000, 500), tcp(3500)];
    const { accepted, writes } = write(packets);
    expect(accepted).toBe(5);
    expect(sizes(writes.map(({ packet }) => packet))).toEqual([3552, 1052]);
    expect(writes[0]?.vnet).toEqual(vnetOf(packets[0] ?? new Uint8Array(0), 1000));
  });

  it('ends at PSH, and says PSH of the whole', () => {
    const { writes } = write([tcp(0), tcp(1000, 1000, FLAG.ack | FLAG.psh), tcp(2000)]);
    expect(sizes(writes.map(({ packet }) => packet))).toEqual([2052, 1052]);
    expect(writes[0]?.packet[33]).toBe(FLAG.ack | FLAG.psh);
  });

  it('joins datagrams of one size, 64 at most', () => {
    const packets = Array.from({ length: 70 }, (_, i) => udp(i, 100));
    const { writes } = write(packets);
    expect(sizes(writes.map(({ packet }) => packet))).toEqual([28 + 6400, 28 + 600]);
    expect(asSegments(writes)).toEqual(packets);
  });

  it('joins flows that alternate, each in its order', () => {
    const { writes } = write([tcp(0), udp(0), tcp(1000), udp(1), tcp(2000), udp(2)]);
    expect(sizes(writes.map(({ packet }) => packet))).toEqual([3052, 3028]);
  });

  it('lets nothing pass a packet of no known kind', () => {
    const fragment = udp(5);
    fragment[6] = 0x20;
    const { writes } = write([tcp(0), tcp(1000), fragment, tcp(2000), tcp(3000)]);
    expect(sizes(writes.map(({ packet }) => packet))).toEqual([2052, 1028, 2052]);
  });

  it.each([
    [0 as const, [1052, 1052, 1028, 1028]],
    [1 as const, [2052, 1028, 1028]],
    [2 as const, [2052, 2028]],
  ])('joins at level %i what the kernel takes', (level, expected) => {
    const { writes } = write([tcp(0), tcp(1000), udp(0), udp(1)], level);
    expect(sizes(writes.map(({ packet }) => packet))).toEqual(expected);
  });

  it('leaves a packet with a wrong checksum alone, wherever it stands', () => {
    for (const wrong of [0, 1, 2]) {
      const packets = [tcp(0), tcp(1000), tcp(2000)];
      packets[wrong]?.fill(0xee, 60, 61);
      const { writes } = write(packets);
      expect(writes).toHaveLength(wrong === 1 ? 3 : 2);
      expect(asSegments(writes)).toEqual(packets);
    }
  });

  it('stays within 64 KiB, and refuses what the kernel has no room for', () => {
    const data = new Uint8Array(1448);
    const packets = Array.from({ length: 64 }, (_, i) =>
      transportPacket(someFlow, { sequence: i * 1448, identification: i, data }),
    );
    const { accepted, refused, writes } = write(packets);
    expect(sizes(writes.map(({ packet }) => packet))).toEqual([52 + 45 * 1448]);
    expect(accepted).toBe(45);
    expect(refused).toEqual(Array.from({ length: 19 }, (_, i) => 45 + i));
  });

  it('cuts again into what was joined', () => {
    const packets = Array.from({ length: 20 }, (_, i) => tcp(i * 1000));
    const [joined] = write(packets).writes;
    expect(plainSegments(joined?.packet ?? new Uint8Array(0), 1000)).toEqual(packets);
  });
});

describe('arguments', () => {
  const slab = new Uint8Array(64);
  const numbers = new Int32Array(4);
  const wrong = (call: () => unknown): unknown => {
    try {
      call();
    } catch (cause) {
      return cause instanceof Error ? { name: cause.name, code: Reflect.get(cause, 'code') } : cause;
    }
    return 'nothing was thrown';
  };
  const range = { name: 'RangeError', code: 'EINVAL' };
  const type = { name: 'TypeError', code: 'EINVAL' };

  it('are refused when they are wrong', () => {
    const buffers = native.tunBuffers(0);
    const read = native.tunReadSegments;
    const written = native.tunWriteCoalesced;
    const many = new Int32Array(300);
    expect(wrong(() => native.tunBuffers(3 as never))).toEqual(range);
    expect(wrong(() => native.tunBuffers('1' as never))).toEqual(type);
    expect(wrong(() => native.tunSetOffloads(fifo.fd, 9 as never))).toEqual(range);
    expect(wrong(() => native.tunSetOffloads(fifo.fd, 1))).toMatchObject({ code: 'ENOTTY' });
    expect(wrong(() => read(fifo.fd, {} as never, slab, 16, 0, numbers, 4, 0, numbers))).toEqual(type);
    expect(wrong(() => read(fifo.fd, buffers, slab, 16, 16, numbers, 4, 0, numbers))).toEqual(range);
    expect(wrong(() => read(fifo.fd, buffers, slab, 16, 0, numbers, 5, 0, numbers))).toEqual(range);
    expect(wrong(() => read(fifo.fd, buffers, slab, 16, 0, numbers, 4, 1, numbers))).toEqual(range);
    expect(wrong(() => read(fifo.fd, buffers, slab, 16, 0, numbers, 4, 0, new Int32Array(0)))).toEqual(range);
    expect(wrong(() => read(2 ** 30, buffers, slab, 16, 0, numbers, 4, 0, numbers))).toMatchObject({ code: 'EBADF' });
    expect(wrong(() => written(0, 0 as never, slab, numbers, numbers, numbers, 0, 1, numbers))).toEqual(type);
    expect(wrong(() => written(0, buffers, slab, numbers, numbers, numbers, 0, 5, numbers))).toEqual(range);
    expect(wrong(() => written(0, buffers, slab, many, many, many, 0, 257, many))).toEqual(range);
    expect(wrong(() => written(0, buffers, slab, numbers, numbers, numbers, 0, 4, new Int32Array(3)))).toEqual(range);
    expect(wrong(() => written(2 ** 30, buffers, slab, numbers, numbers, numbers, 0, 4, numbers))).toMatchObject({
      code: 'EBADF',
    });
  });

  it('may be any mixture of values and views, also one view for several', () => {
    const buffers = native.tunBuffers(2);
    const values: unknown[] = [
      ...[undefined, null, 0, 1, 4, -1, 1.5, Number.NaN, 2 ** 31, 2 ** 40, 'x', {}, () => 0, 5n],
      ...[slab, numbers, new Int32Array(0), new Uint8Array(0), new Float64Array(4), new DataView(slab.buffer)],
      ...[new Int32Array(slab.buffer), buffers],
    ];
    let state = 12_345;
    const next = (): unknown => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return values[(state >> 8) % values.length];
    };
    const calls = [native.tunReadSegments, native.tunWriteCoalesced, native.tunSetOffloads];
    for (let i = 0; i < 12_000; i += 1) {
      const call = calls[i % 3] as (...given: unknown[]) => unknown;
      // Mostly right in front, or nothing behind would be reached; never a descriptor of the test runner.
      const given = Array.from({ length: (i >> 1) % 11 }, next);
      if (i % 5 > 0) given.splice(0, 2, fifo.fd, buffers);
      else if (typeof given[0] === 'number') given[0] = 2 ** 30;
      try {
        call(...given);
      } catch (cause) {
        expect(cause).toBeInstanceOf(Error);
      }
      if (i % 50 === 0) fifo.take();
    }
  });
});

describe('the memory of devices', () => {
  it('goes when nobody holds it, and that of a thread with it', async () => {
    const worker = `const native = require(${JSON.stringify(binary)});
      const kept = Array.from({ length: 20 }, () => native.tunBuffers(2));
      require('node:worker_threads').parentPort.on('message', () => process.exit(kept.length));
      require('node:worker_threads').parentPort.postMessage('up');`;
    const { output, signal, status } = await runWithAddon(
      `import { Worker } from 'node:worker_threads';
      import { once } from 'node:events';
      import { readFileSync } from 'node:fs';
      // Memory that may be written: what a new arena of malloc reserves is not, until it is used.
      const pages = () => Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[5]);
      const sizes = [];
      for (let i = 0; i < 2000; i += 1) {
        native.tunBuffers(i % 3);
        if (i % 400 !== 399) continue;
        globalThis.gc();
        await new Promise((done) => setImmediate(done));
        sizes.push(pages() * 4096);
      }
      // What is freed is used again: 800 of them would be 70 MB.
      const grown = sizes[4] - sizes[2];
      const worker = new Worker(${JSON.stringify(worker)}, { eval: true, execArgv: [] });
      await once(worker, 'message');
      worker.postMessage('exit');
      const [code] = await once(worker, 'exit');
      console.log(code, grown < 35e6 || grown);`,
      ['--expose-gc'],
    );
    expect({ output, signal, status }).toEqual({ output: '20 true\n', signal: null, status: 0 });
  }, 30_000);
});
