import type { Observable, Subscription } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { PacketBatch } from '../../core/datapath/packet-batch.ts';
import type { GreSocket, PacketIo, TunDevice } from '../../core/ports/packet-io.ts';

/** What obeying the ports GreSocket and TunDevice means. A driver passes by calling one of the two functions below. */

export interface GreRig {
  readonly near: GreSocket;
  readonly far: GreSocket;
  /** `near` owns both: the second is the one a client may have called (R38). */
  readonly nearAddresses: readonly [Ipv4, Ipv4];
  readonly farAddress: Ipv4;
  teardown(): Promise<void>;
}

export interface TunRig {
  readonly tun: TunDevice;
  /** A packet the host would send to a client, and one a client would send to the host; `tag` makes it distinct. */
  fromHost(tag: number, length: number): Uint8Array;
  toHost(tag: number, length: number): Uint8Array;
  hostSends(packet: Uint8Array): void;
  /** The next packet that arrives at the host. */
  hostReceives(): Promise<Uint8Array>;
  teardown(): Promise<void>;
}

interface Arrived {
  readonly bytes: Uint8Array;
  readonly source: number;
  readonly destination: number;
}

const notAborted = { aborted: false, addEventListener: (): void => undefined };

/** Copies of what arrives, and a promise for the time when there are `count`. */
class Collector {
  readonly arrived: Arrived[] = [];
  completed = false;
  readonly subscription: Subscription;
  private wanted = 0;
  private resolve: (() => void) | undefined;

  constructor(batches$: Observable<PacketBatch>) {
    this.subscription = batches$.subscribe({
      next: (batch) => this.take(batch),
      complete: () => {
        this.completed = true;
      },
    });
  }

  async until(count: number): Promise<readonly Arrived[]> {
    if (this.arrived.length < count) {
      await new Promise<void>((resolve) => {
        this.wanted = count;
        this.resolve = resolve;
      });
    }
    return this.arrived;
  }

  private take(batch: PacketBatch): void {
    for (let at = 0; at < batch.count; at += 1) {
      const index = batch.order[at] ?? 0;
      this.arrived.push({
        bytes: batch.view(index).slice(),
        source: batch.outerSource[index] ?? 0,
        destination: batch.outerDestination[index] ?? 0,
      });
    }
    if (this.arrived.length >= this.wanted) this.resolve?.();
  }
}

/** Enhanced GRE by its first octets; the rest counts up from `tag`. */
const grePacket = (tag: number, length: number): Uint8Array => {
  const packet = Uint8Array.from({ length }, (_, i) => (tag + i) & 0xff);
  packet.set([0x30, 0x01, 0x88, 0x0b].slice(0, length));
  packet.set([tag >> 8, tag & 0xff], 4);
  return packet;
};

const octets = (arrived: readonly Arrived[]): Uint8Array[] => arrived.map((packet) => packet.bytes);

const stopsCleanly = (
  device: () => PacketIo,
  packet: () => Uint8Array,
  address: (batch: PacketBatch) => void,
): void => {
  it('refuses to write after stop, completes its stream, and may be stopped twice', async () => {
    const collector = new Collector(device().batches$);
    await device().stop();
    await device().stop();
    const batch = new PacketBatch(4);
    batch.append(packet());
    address(batch);
    expect(device().write(batch)).toBe(0);
    expect(collector.completed).toBe(true);
  });
};

export const greSocketContract = (name: string, setup: () => Promise<GreRig>): void => {
  describe(`GreSocket contract: ${name}`, () => {
    let rig: GreRig;
    let far: Collector;
    beforeEach(async () => {
      rig = await setup();
      far = new Collector(rig.far.batches$);
      await rig.far.start(notAborted);
      await rig.near.start(notAborted);
    });
    afterEach(async () => {
      await rig.near.stop();
      await rig.far.stop();
      await rig.teardown();
    });

    const towardsFar = (packets: readonly Uint8Array[], from?: Ipv4): PacketBatch => {
      const batch = new PacketBatch(Math.max(1, packets.length));
      for (const packet of packets) {
        batch.outerEndpoints(batch.append(packet), from ?? rig.nearAddresses[0], rig.farAddress);
      }
      return batch;
    };

    it('delivers a packet whole, without the outer header, with its outer addresses', async () => {
      expect(rig.near.write(towardsFar([grePacket(7, 120)]))).toBe(1);
      const [packet] = await far.until(1);
      expect(packet).toEqual({ bytes: grePacket(7, 120), source: rig.nearAddresses[0], destination: rig.farAddress });
    });

    it('sends from the address the batch names, whichever of its own that is (R38)', async () => {
      const near = new Collector(rig.near.batches$);
      rig.far.write(answer(grePacket(1, 40), rig.farAddress, rig.nearAddresses[1]));
      const [asked] = await near.until(1);
      expect(asked?.destination).toBe(rig.nearAddresses[1]);
      rig.near.write(towardsFar([grePacket(2, 40)], rig.nearAddresses[1]));
      const [answered] = await far.until(1);
      expect(answered?.source).toBe(rig.nearAddresses[1]);
    });

    it('carries every size from a bare header to a full path', async () => {
      const sizes = [8, 9, 12, 16, 63, 64, 65, 576, 1400, 1479, 1480];
      const packets = sizes.map((size) => grePacket(size, size));
      expect(rig.near.write(towardsFar(packets))).toBe(sizes.length);
      expect(octets(await far.until(sizes.length))).toEqual(packets);
    });

    it('keeps the order over many batches', async () => {
      const packets = Array.from({ length: 300 }, (_, tag) => grePacket(tag, 100));
      for (let at = 0; at < packets.length; at += 50) {
        expect(rig.near.write(towardsFar(packets.slice(at, at + 50)))).toBe(50);
      }
      expect(octets(await far.until(packets.length))).toEqual(packets);
    });

    it('writes the live packets only, in the order of the batch', async () => {
      const batch = towardsFar([grePacket(0, 50), grePacket(1, 50), grePacket(2, 50), grePacket(3, 50)]);
      batch.drop(1, 'policy');
      batch.compact(() => undefined);
      [batch.order[0], batch.order[1]] = [2, 0];
      expect(rig.near.write(batch)).toBe(3);
      expect(octets(await far.until(3))).toEqual([grePacket(2, 50), grePacket(0, 50), grePacket(3, 50)]);
    });

    it('has let go of the batch when write returns', async () => {
      const batch = towardsFar([grePacket(1, 200), grePacket(2, 200)]);
      expect(rig.near.write(batch)).toBe(2);
      batch.slab.fill(0xff);
      batch.clear();
      expect(octets(await far.until(2))).toEqual([grePacket(1, 200), grePacket(2, 200)]);
    });

    it('delivers batches with room for packets that stages release', async () => {
      const free: number[] = [];
      rig.far.batches$.subscribe((batch) => free.push(batch.free));
      rig.near.write(towardsFar(Array.from({ length: 64 }, (_, tag) => grePacket(tag, 60))));
      await far.until(64);
      expect(Math.min(...free)).toBeGreaterThan(0);
    });

    it('has no use for an empty batch', () => {
      expect(rig.near.write(new PacketBatch(4))).toBe(0);
    });

    it('may be stopped by the subscriber that a batch was given to', async () => {
      const stopped = new Promise<void>((resolve, reject) => {
        rig.far.batches$.subscribe(() => void rig.far.stop().then(resolve, reject));
      });
      rig.near.write(towardsFar([grePacket(1, 60), grePacket(2, 60)]));
      await stopped;
      expect(far.completed).toBe(true);
    });

    stopsCleanly(
      () => rig.near,
      () => grePacket(1, 60),
      (batch) => batch.outerEndpoints(0, rig.nearAddresses[0], rig.farAddress),
    );
  });
};

const answer = (packet: Uint8Array, source: Ipv4, destination: Ipv4): PacketBatch => {
  const batch = new PacketBatch(1);
  batch.outerEndpoints(batch.append(packet), source, destination);
  return batch;
};

export const tunDeviceContract = (name: string, setup: () => Promise<TunRig>): void => {
  describe(`TunDevice contract: ${name}`, () => {
    let rig: TunRig;
    /** The rig hands out a started device: the host side cannot be set up before the interface is there. */
    beforeEach(async () => {
      rig = await setup();
    });
    afterEach(async () => {
      await rig.tun.stop();
      await rig.teardown();
    });

    const batchOf = (packets: readonly Uint8Array[]): PacketBatch => {
      const batch = new PacketBatch(Math.max(1, packets.length));
      for (const packet of packets) batch.append(packet);
      return batch;
    };
    const hostTakes = async (count: number): Promise<readonly Uint8Array[]> => {
      const taken: Uint8Array[] = [];
      while (taken.length < count) taken.push(await rig.hostReceives());
      return taken;
    };

    it('has a name', () => {
      expect(rig.tun.interfaceName).toMatch(/^[^%]+$/);
    });

    it('delivers what the host sends, byte for byte and in order', async () => {
      const device = new Collector(rig.tun.batches$);
      const packets = Array.from({ length: 150 }, (_, tag) => rig.fromHost(tag, 28 + (tag % 7) * 200));
      for (const packet of packets) rig.hostSends(packet);
      expect(octets(await device.until(packets.length))).toEqual(packets);
    });

    it('hands the host what is written, byte for byte and in order', async () => {
      const packets = Array.from({ length: 150 }, (_, tag) => rig.toHost(tag, 28 + (tag % 7) * 200));
      for (let at = 0; at < packets.length; at += 50) {
        expect(rig.tun.write(batchOf(packets.slice(at, at + 50)))).toBe(50);
      }
      expect(await hostTakes(packets.length)).toEqual(packets);
    });

    it('writes the live packets only, in the order of the batch', async () => {
      const packets = [0, 1, 2, 3].map((tag) => rig.toHost(tag, 60));
      const batch = batchOf(packets);
      batch.drop(1, 'policy');
      batch.compact(() => undefined);
      [batch.order[0], batch.order[1]] = [2, 0];
      expect(rig.tun.write(batch)).toBe(3);
      expect(await hostTakes(3)).toEqual([packets[2], packets[0], packets[3]]);
    });

    it('has let go of the batch when write returns', async () => {
      const packet = rig.toHost(9, 300);
      const batch = batchOf([packet]);
      expect(rig.tun.write(batch)).toBe(1);
      batch.slab.fill(0xff);
      batch.clear();
      expect(await hostTakes(1)).toEqual([packet]);
    });

    stopsCleanly(
      () => rig.tun,
      () => rig.toHost(1, 60),
      () => undefined,
    );
  });
};
