import type { Observable, Subscription } from 'rxjs';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { PacketBatch } from '../../core/datapath/packet-batch.ts';
import type { GreSocket, PacketIo, TunDevice } from '../../core/ports/packet-io.ts';
import { type ContractSuite, suite } from '../suite.ts';
import { given, same } from '../support/given.ts';

/** What obeying the ports GreSocket and TunDevice means. */

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

const stopsCleanly = async (
  device: PacketIo,
  packet: Uint8Array,
  address: (batch: PacketBatch) => void,
): Promise<void> => {
  const collector = new Collector(device.batches$);
  await device.stop();
  await device.stop();
  const batch = new PacketBatch(4);
  batch.append(packet);
  address(batch);
  same(device.write(batch), 0, 'it took a packet after it had been stopped');
  given(collector.completed, 'its stream did not complete when it was stopped');
};

const answer = (packet: Uint8Array, source: Ipv4, destination: Ipv4): PacketBatch => {
  const batch = new PacketBatch(1);
  batch.outerEndpoints(batch.append(packet), source, destination);
  return batch;
};

/** Two sockets that hear each other; `setup` makes both, not started, for each check. */
export const greSocketContract = (name: string, setup: () => Promise<GreRig>): ContractSuite => {
  const using = (work: (rig: GreRig, far: Collector) => void | Promise<void>) => async (): Promise<void> => {
    const rig = await setup();
    const far = new Collector(rig.far.batches$);
    try {
      await rig.far.start(notAborted);
      await rig.near.start(notAborted);
      await work(rig, far);
    } finally {
      await rig.near.stop();
      await rig.far.stop();
      await rig.teardown();
    }
  };
  const towardsFar = (rig: GreRig, packets: readonly Uint8Array[], from?: Ipv4): PacketBatch => {
    const batch = new PacketBatch(Math.max(1, packets.length));
    for (const packet of packets) {
      batch.outerEndpoints(batch.append(packet), from ?? rig.nearAddresses[0], rig.farAddress);
    }
    return batch;
  };

  return suite(`GreSocket contract: ${name}`, {
    'delivers a packet whole, without the outer header, with its outer addresses': using(async (rig, far) => {
      same(rig.near.write(towardsFar(rig, [grePacket(7, 120)])), 1, 'the packet was not taken');
      const [packet] = await far.until(1);
      const expected = { bytes: grePacket(7, 120), source: rig.nearAddresses[0], destination: rig.farAddress };
      same(packet, expected, 'another packet arrived, or from elsewhere');
    }),

    'sends from the address the batch names, whichever of its own that is (R38)': using(async (rig, far) => {
      const near = new Collector(rig.near.batches$);
      rig.far.write(answer(grePacket(1, 40), rig.farAddress, rig.nearAddresses[1]));
      const [asked] = await near.until(1);
      same(asked?.destination, rig.nearAddresses[1], 'the address that was called is not known');
      rig.near.write(towardsFar(rig, [grePacket(2, 40)], rig.nearAddresses[1]));
      const [answered] = await far.until(1);
      same(answered?.source, rig.nearAddresses[1], 'it left from another address');
    }),

    'carries every size from a bare header to a full path': using(async (rig, far) => {
      const sizes = [8, 9, 12, 16, 63, 64, 65, 576, 1400, 1479, 1480];
      const packets = sizes.map((size) => grePacket(size, size));
      same(rig.near.write(towardsFar(rig, packets)), sizes.length, 'not all were taken');
      same(octets(await far.until(sizes.length)), packets, 'not all arrived as they were sent');
    }),

    'keeps the order over many batches': using(async (rig, far) => {
      const packets = Array.from({ length: 300 }, (_, tag) => grePacket(tag, 100));
      for (let at = 0; at < packets.length; at += 50) {
        same(rig.near.write(towardsFar(rig, packets.slice(at, at + 50))), 50, 'not all were taken');
      }
      same(octets(await far.until(packets.length)), packets, 'they arrived in another order');
    }),

    'writes the live packets only, in the order of the batch': using(async (rig, far) => {
      const batch = towardsFar(rig, [grePacket(0, 50), grePacket(1, 50), grePacket(2, 50), grePacket(3, 50)]);
      batch.drop(1, 'policy');
      batch.compact(() => undefined);
      [batch.order[0], batch.order[1]] = [2, 0];
      same(rig.near.write(batch), 3, 'not all were taken');
      same(
        octets(await far.until(3)),
        [grePacket(2, 50), grePacket(0, 50), grePacket(3, 50)],
        'others arrived, or in another order',
      );
    }),

    'has let go of the batch when write returns': using(async (rig, far) => {
      const batch = towardsFar(rig, [grePacket(1, 200), grePacket(2, 200)]);
      same(rig.near.write(batch), 2, 'not all were taken');
      batch.slab.fill(0xff);
      batch.clear();
      same(octets(await far.until(2)), [grePacket(1, 200), grePacket(2, 200)], 'what was written later was sent');
    }),

    'delivers batches with room for packets that stages release': using(async (rig, far) => {
      const free: number[] = [];
      rig.far.batches$.subscribe((batch) => free.push(batch.free));
      rig.near.write(
        towardsFar(
          rig,
          Array.from({ length: 64 }, (_, tag) => grePacket(tag, 60)),
        ),
      );
      await far.until(64);
      given(Math.min(...free) > 0, 'a batch was full');
    }),

    'has no use for an empty batch': using((rig) => {
      same(rig.near.write(new PacketBatch(4)), 0, 'it took packets of an empty batch');
    }),

    'may be stopped by the subscriber that a batch was given to': using(async (rig, far) => {
      const stopped = new Promise<void>((resolve, reject) => {
        rig.far.batches$.subscribe(() => void rig.far.stop().then(resolve, reject));
      });
      rig.near.write(towardsFar(rig, [grePacket(1, 60), grePacket(2, 60)]));
      await stopped;
      given(far.completed, 'its stream did not complete');
    }),

    'refuses to write after stop, completes its stream, and may be stopped twice': using((rig) =>
      stopsCleanly(rig.near, grePacket(1, 60), (batch) => {
        batch.outerEndpoints(0, rig.nearAddresses[0], rig.farAddress);
      }),
    ),
  });
};

/** A device that is started: the host side cannot be set up before the interface is there. */
export const tunDeviceContract = (name: string, setup: () => Promise<TunRig>): ContractSuite => {
  const using = (work: (rig: TunRig) => void | Promise<void>) => async (): Promise<void> => {
    const rig = await setup();
    try {
      await work(rig);
    } finally {
      await rig.tun.stop();
      await rig.teardown();
    }
  };
  const batchOf = (packets: readonly Uint8Array[]): PacketBatch => {
    const batch = new PacketBatch(Math.max(1, packets.length));
    for (const packet of packets) batch.append(packet);
    return batch;
  };
  const hostTakes = async (rig: TunRig, count: number): Promise<readonly Uint8Array[]> => {
    const taken: Uint8Array[] = [];
    while (taken.length < count) taken.push(Uint8Array.from(await rig.hostReceives()));
    return taken;
  };

  return suite(`TunDevice contract: ${name}`, {
    'has a name': using((rig) => {
      given(/^[^%]+$/.test(rig.tun.interfaceName), `"${rig.tun.interfaceName}" is no name of an interface`);
    }),

    'delivers what the host sends, byte for byte and in order': using(async (rig) => {
      const device = new Collector(rig.tun.batches$);
      const packets = Array.from({ length: 150 }, (_, tag) => rig.fromHost(tag, 28 + (tag % 7) * 200));
      for (const packet of packets) rig.hostSends(packet);
      same(octets(await device.until(packets.length)), packets, 'others arrived, or in another order');
    }),

    'hands the host what is written, byte for byte and in order': using(async (rig) => {
      const packets = Array.from({ length: 150 }, (_, tag) => rig.toHost(tag, 28 + (tag % 7) * 200));
      for (let at = 0; at < packets.length; at += 50) {
        same(rig.tun.write(batchOf(packets.slice(at, at + 50))), 50, 'not all were taken');
      }
      same(await hostTakes(rig, packets.length), packets, 'others arrived, or in another order');
    }),

    'writes the live packets only, in the order of the batch': using(async (rig) => {
      const packets = [0, 1, 2, 3].map((tag) => rig.toHost(tag, 60));
      const batch = batchOf(packets);
      batch.drop(1, 'policy');
      batch.compact(() => undefined);
      [batch.order[0], batch.order[1]] = [2, 0];
      same(rig.tun.write(batch), 3, 'not all were taken');
      same(await hostTakes(rig, 3), [packets[2], packets[0], packets[3]], 'others arrived, or in another order');
    }),

    'has let go of the batch when write returns': using(async (rig) => {
      const packet = rig.toHost(9, 300);
      const batch = batchOf([packet]);
      same(rig.tun.write(batch), 1, 'the packet was not taken');
      batch.slab.fill(0xff);
      batch.clear();
      same(await hostTakes(rig, 1), [packet], 'what was written later was sent');
    }),

    'refuses to write after stop, completes its stream, and may be stopped twice': using((rig) =>
      stopsCleanly(rig.tun, rig.toHost(1, 60), () => undefined),
    ),
  });
};
