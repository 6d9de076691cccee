import { describe, expect, it } from 'vitest';
import { PacketBatch } from '../../../../core/datapath/packet-batch.ts';
import type { NativeTun, OffloadLevel, PollHandle, TunBuffers, TunOptions } from '../../../../native/tun.d.ts';
import { LinuxTunDevice } from '../../../../plugins/io-tun-linux/linux-tun-device.ts';
import { livePackets } from '../../../support/batches.ts';
import { MemoryLog } from '../../../support/memory-log.ts';
import { MemoryTelemetry } from '../../../support/memory-telemetry.ts';

const notAborted = { aborted: false, addEventListener: (): void => undefined };
const errno = (code: string): Error => Object.assign(new Error(code), { code });
const packet = (tag: number, length = 40): Uint8Array => new Uint8Array(length).fill(tag);

/** The addon's contract (native/tun.d.ts) in memory. */
class FakeTun implements NativeTun {
  readonly inbox: Uint8Array[] = [];
  readonly written: Uint8Array[] = [];
  /** Accepted at most, per call. */
  room = 1000;
  openError: Error | undefined;
  ioError: Error | undefined;
  open = 0;
  polls = 0;
  /** The highest level the kernel knows; -1: not even the header. */
  level: OffloadLevel | -1 = 2;
  /** Packets of a large one that are still in the addon. */
  waiting: Uint8Array[] = [];
  /** Packets that the addon had no room for. */
  overflowed = 0;
  readonly opened: boolean[] = [];
  readable: () => void = () => undefined;

  tunOpen({ vnetHdr }: TunOptions): { fd: number; name: string } {
    if (this.openError !== undefined) throw this.openError;
    if (vnetHdr && this.level === -1) throw errno('EINVAL');
    this.opened.push(vnetHdr);
    this.open += 1;
    return { fd: 7, name: 'pptp3' };
  }

  tunReadBatch(
    _fd: number,
    slab: Uint8Array,
    slotSize: number,
    headroom: number,
    lengths: Int32Array,
    max: number,
    start: number,
  ): number {
    if (this.ioError !== undefined) throw this.ioError;
    let count = 0;
    for (; count < max; count += 1) {
      const bytes = this.inbox.shift()?.subarray(0, slotSize - headroom);
      if (bytes === undefined) break;
      slab.set(bytes, (start + count) * slotSize + headroom);
      lengths[start + count] = bytes.length;
    }
    return count;
  }

  tunWriteBatch(
    _fd: number,
    slab: Uint8Array,
    offsets: Int32Array,
    lengths: Int32Array,
    order: Int32Array,
    from: number,
    count: number,
    result: Int32Array,
  ): number {
    if (this.ioError !== undefined) throw this.ioError;
    let accepted = 0;
    let skipped = 0;
    while (accepted + skipped < count && accepted < this.room) {
      const index = order[from + accepted + skipped] ?? 0;
      const at = offsets[index] ?? 0;
      const bytes = slab.slice(at, at + (lengths[index] ?? 0));
      if (bytes[0] === 0) skipped += 1;
      else accepted += this.written.push(bytes) > 0 ? 1 : 0;
    }
    result[0] = skipped;
    return accepted;
  }

  tunSetOffloads(_fd: number, level: OffloadLevel): void {
    if (level > this.level) throw errno('EINVAL');
  }

  tunBuffers(): TunBuffers {
    const handle: unknown = {};
    return handle as TunBuffers;
  }

  tunReadSegments(
    fd: number,
    _buffers: TunBuffers,
    slab: Uint8Array,
    slotSize: number,
    headroom: number,
    lengths: Int32Array,
    max: number,
    start: number,
    waiting: Int32Array,
  ): number {
    this.inbox.unshift(...this.waiting.splice(0));
    const count = this.tunReadBatch(fd, slab, slotSize, headroom, lengths, max, start);
    this.waiting = this.inbox.splice(0);
    waiting[0] = this.waiting.length > 0 ? 1 : 0;
    waiting[1] = this.overflowed;
    return count;
  }

  tunWriteCoalesced(
    fd: number,
    _buffers: TunBuffers,
    slab: Uint8Array,
    offsets: Int32Array,
    lengths: Int32Array,
    order: Int32Array,
    from: number,
    count: number,
    refused: Int32Array,
  ): number {
    let accepted = 0;
    for (let at = from; at < from + count; at += 1) {
      const taken = this.tunWriteBatch(fd, slab, offsets, lengths, order, at, 1, new Int32Array(1));
      if (taken === 0) refused[at - from - accepted] = order[at] ?? -1;
      accepted += taken;
    }
    return accepted;
  }

  pollStart(_fd: number, onReadable: () => void): PollHandle {
    this.polls += 1;
    this.readable = onReadable;
    const handle: unknown = {};
    return handle as PollHandle;
  }

  pollStop(): void {
    this.polls -= 1;
  }

  adoptFd(): void {}

  closeFd(): void {
    this.open -= 1;
  }
}

const setUp = async (offloads: 'auto' | 'off' = 'off', level: OffloadLevel | -1 = 2) => {
  const addon = new FakeTun();
  addon.level = level;
  const telemetry = new MemoryTelemetry();
  const log = new MemoryLog();
  const tun = new LinuxTunDevice({ telemetry, log, load: () => addon }, { interfaceName: 'pptp%d', offloads });
  const batches: Uint8Array[][] = [];
  let died: unknown;
  tun.batches$.subscribe({
    next: (batch) => batches.push(livePackets(batch)),
    error: (cause) => {
      died = cause;
    },
  });
  await tun.start(notAborted);
  return { addon, telemetry, log, tun, batches, died: () => died };
};
const batchOf = (...packets: readonly Uint8Array[]): PacketBatch => {
  const batch = new PacketBatch(packets.length);
  for (const bytes of packets) batch.append(bytes);
  return batch;
};

describe('LinuxTunDevice', () => {
  it('has the name the kernel gave', async () => {
    expect((await setUp()).tun.interfaceName).toBe('pptp3');
  });

  it('reads 64 packets a batch and leaves the loop after 2 batches', async () => {
    const { addon, batches } = await setUp();
    for (let i = 0; i < 600; i += 1) addon.inbox.push(packet(i & 0xff));
    addon.readable();
    expect(batches.map((batch) => batch.length)).toEqual([64, 64]);
    for (let turn = 0; turn < 4; turn += 1) addon.readable();
    expect(batches.flat().map((bytes) => bytes[0])).toEqual(Array.from({ length: 600 }, (_, i) => i & 0xff));
  });

  it('drops a packet that the kernel cut, by name', async () => {
    const { addon, batches, telemetry } = await setUp();
    addon.inbox.push(packet(1, 3000), packet(2, 1983));
    addon.readable();
    expect(batches).toEqual([[packet(2, 1983)]]);
    expect(Object.fromEntries(telemetry.drops)).toEqual({ 'tun out truncated': 1 });
  });

  it('returns the accepted prefix, refused packets in it counted', async () => {
    const { addon, tun, telemetry } = await setUp();
    addon.room = 2;
    const batch = batchOf(packet(0x41), packet(0), packet(0x42), packet(0x43));
    expect(tun.write(batch)).toBe(3);
    expect([0, 1, 2, 3].map((index) => batch.fate(index))).toEqual(['live', 'device-refused', 'live', 'live']);
    expect(addon.written).toEqual([packet(0x41), packet(0x42)]);
    expect(Object.fromEntries(telemetry.drops)).toEqual({ 'tun in device-refused': 1 });
  });

  it('reads no more when a subscriber stops it, and closes what it opened', async () => {
    const { addon, tun } = await setUp();
    tun.batches$.subscribe(() => void tun.stop());
    for (let i = 0; i < 200; i += 1) addon.inbox.push(packet(1));
    addon.readable();
    expect(addon.inbox).toHaveLength(200 - 64);
    expect([addon.open, addon.polls]).toEqual([0, 0]);
    await tun.stop();
    expect([addon.open, addon.polls]).toEqual([0, 0]);
  });

  it.each(['reading', 'writing'])('reports on its stream that the device died while %s', async (what) => {
    const { addon, tun, died } = await setUp();
    addon.ioError = errno('EBADFD');
    if (what === 'reading') addon.readable();
    else expect(tun.write(batchOf(packet(1)))).toBe(0);
    expect(died()).toMatchObject({ code: 'TUN_MISSING' });
    expect([addon.open, addon.polls]).toEqual([0, 0]);
  });

  it.each([
    ['EPERM', 'NOT_ROOT'],
    ['EACCES', 'NOT_ROOT'],
    ['ENOENT', 'TUN_MISSING'],
    ['ENODEV', 'TUN_MISSING'],
    ['EBUSY', 'TUN_BUSY'],
    ['EINVAL', 'TUN_BUSY'],
    ['EMFILE', 'TUN_MISSING'],
  ])('turns %s into %s', async (errnoName, code) => {
    const addon = new FakeTun();
    addon.openError = errno(errnoName);
    const tun = new LinuxTunDevice({ telemetry: new MemoryTelemetry(), load: () => addon }, { interfaceName: 'x' });
    await expect(tun.start(notAborted)).rejects.toMatchObject({ name: 'GatewayError', code });
    await tun.stop();
  });
});

describe('LinuxTunDevice with offloads', () => {
  const immediate = () => new Promise((resolve) => setImmediate(resolve));

  it.each<[OffloadLevel | -1, 'auto' | 'off', object, boolean[]]>([
    [2, 'auto', { offloads: 'tcp+udp' }, [true]],
    [1, 'auto', { offloads: 'tcp', why: 'the kernel has none for UDP' }, [true]],
    [0, 'auto', { offloads: 'off', why: 'the kernel has none (EINVAL)' }, [true, false]],
    [-1, 'auto', { offloads: 'off', why: 'the kernel has none (EINVAL)' }, [false]],
    [2, 'off', { offloads: 'off', why: 'PPTP_TUN_OFFLOADS=off' }, [false]],
  ])('where the kernel has level %s and the setting is %s: %o', async (level, setting, fields, opened) => {
    const { addon, log, tun } = await setUp(setting, level);
    const line = log.lines.find(({ event }) => event === 'tun.open');
    expect(line?.fields).toEqual({ interface: 'pptp3', ...fields });
    expect(addon.opened).toEqual(opened);
    expect(addon.open).toBe(1);
    await tun.stop();
    expect(addon.open).toBe(0);
  });

  it('reads on in the next turn what the descriptor does not tell of', async () => {
    const { addon, batches, tun } = await setUp('auto');
    for (let i = 0; i < 600; i += 1) addon.inbox.push(packet(i & 0xff));
    addon.readable();
    expect(batches.flat()).toHaveLength(128);
    for (let turn = 0; turn < 4; turn += 1) await immediate();
    expect(batches.flat().map((bytes) => bytes[0])).toEqual(Array.from({ length: 600 }, (_, i) => i & 0xff));
    await tun.stop();
  });

  it('reads no more once it is stopped', async () => {
    const { addon, batches, tun } = await setUp('auto');
    for (let i = 0; i < 600; i += 1) addon.inbox.push(packet(1));
    addon.readable();
    await tun.stop();
    await immediate();
    expect(batches.flat()).toHaveLength(128);
  });

  it('has one turn in a round of the event loop, whether the descriptor tells or not', async () => {
    const { addon, batches, tun } = await setUp('auto');
    for (let i = 0; i < 600; i += 1) addon.inbox.push(packet(i & 0xff));
    addon.readable();
    addon.readable();
    expect(batches.flat()).toHaveLength(128);
    await immediate();
    expect(batches.flat()).toHaveLength(256);
    await tun.stop();
  });

  it('counts once what the addon had no room for', async () => {
    const { addon, telemetry } = await setUp('auto');
    for (const overflowed of [3, 3, 5]) {
      addon.overflowed = overflowed;
      addon.inbox.push(packet(1));
      addon.readable();
    }
    expect(Object.fromEntries(telemetry.drops)).toEqual({ 'tun out queue-full': 5 });
  });

  it('marks and counts what is refused, and goes on behind it', async () => {
    const { addon, tun, telemetry } = await setUp('auto');
    const batch = batchOf(packet(0x41), packet(0), packet(0x42), packet(0));
    expect(tun.write(batch)).toBe(4);
    expect([0, 1, 2, 3].map((i) => batch.fate(i))).toEqual(['live', 'device-refused', 'live', 'device-refused']);
    expect(addon.written).toEqual([packet(0x41), packet(0x42)]);
    expect(Object.fromEntries(telemetry.drops)).toEqual({ 'tun in device-refused': 2 });
  });

  it('writes a batch of any size', async () => {
    const { addon, tun } = await setUp('auto');
    const packets = Array.from({ length: 600 }, (_, i) => packet(0x40 + (i & 7)));
    expect(tun.write(batchOf(...packets))).toBe(600);
    expect(addon.written).toEqual(packets);
  });
});
