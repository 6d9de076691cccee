import { HEADROOM, type PacketBatch, SLOT_SIZE } from '../../core/datapath/packet-batch.ts';
import type { NativeTun, OpenTun, TunBuffers } from '../../native/tun.d.ts';

/** What of TCP's and UDP's work the device takes over from the kernel. */
export type Offloads = 'off' | 'tcp' | 'tcp+udp';

/** An open device: packets between its descriptor and batches. What these throw is an error of the device. */
export interface TunChannel {
  readonly tun: OpenTun;
  readonly offloads: Offloads;
  /** There is more to read, of which the descriptor does not tell. */
  readonly waits: boolean;
  /** How many packets have been dropped because more was waiting than may. */
  readonly overflowed: number;
  /**
   * Reads up to `max` packets into the slots from 0 on, behind the head-room. A length that fills the slot is a packet
   * that did not fit.
   */
  read(slab: Uint8Array, lengths: Int32Array, max: number): number;
  /** Writes the batch; returns how many packets, from the front of the order, are done. `drop`s those refused. */
  write(batch: PacketBatch): number;
}

/** One packet a system call, as every kernel has it. */
export class PlainChannel implements TunChannel {
  readonly offloads = 'off';
  readonly waits = false;
  readonly overflowed = 0;
  readonly tun: OpenTun;
  private readonly addon: NativeTun;
  private readonly skipped = new Int32Array(1);

  constructor(addon: NativeTun, tun: OpenTun) {
    this.addon = addon;
    this.tun = tun;
  }

  read(slab: Uint8Array, lengths: Int32Array, max: number): number {
    return this.addon.tunReadBatch(this.tun.fd, slab, SLOT_SIZE, HEADROOM, lengths, max, 0);
  }

  write(batch: PacketBatch): number {
    const { slab, offset, length, order, count } = batch;
    const { skipped } = this;
    skipped[0] = 0;
    const accepted = this.addon.tunWriteBatch(this.tun.fd, slab, offset, length, order, 0, count, skipped);
    const done = accepted + (skipped[0] ?? 0);
    if (done > accepted) markRefused(batch, done, accepted === 0);
    return done;
  }
}

/** The kernel takes nothing while the interface is down, and at other times what is no IP packet. */
const markRefused = (batch: PacketBatch, count: number, all: boolean): void => {
  for (let at = 0; at < count; at += 1) {
    const index = batch.order[at] ?? 0;
    const version = (batch.slab[batch.offset[index] ?? 0] ?? 0) >> 4;
    if (all || (version !== 4 && version !== 6)) batch.drop(index, 'device-refused');
  }
};

/** What one call of `tunWriteCoalesced` takes. */
const MOST_PER_WRITE = 256;

/**
 * Large packets of the kernel are cut on the way in, and packets of a batch joined on the way out, in the addon. What
 * comes faster than it is read waits there, each destination in its turn.
 */
export class OffloadChannel implements TunChannel {
  readonly offloads: Offloads;
  readonly tun: OpenTun;
  private readonly addon: NativeTun;
  private readonly buffers: TunBuffers;
  private readonly waiting = new Int32Array(2);
  private readonly refused = new Int32Array(MOST_PER_WRITE);

  constructor(addon: NativeTun, tun: OpenTun, level: 1 | 2) {
    this.addon = addon;
    this.tun = tun;
    this.buffers = addon.tunBuffers(level);
    this.offloads = level === 2 ? 'tcp+udp' : 'tcp';
  }

  get waits(): boolean {
    return this.waiting[0] === 1;
  }

  get overflowed(): number {
    return this.waiting[1] ?? 0;
  }

  read(slab: Uint8Array, lengths: Int32Array, max: number): number {
    const { addon, tun, buffers, waiting } = this;
    return addon.tunReadSegments(tun.fd, buffers, slab, SLOT_SIZE, HEADROOM, lengths, max, 0, waiting);
  }

  write(batch: PacketBatch): number {
    for (let from = 0; from < batch.count; from += MOST_PER_WRITE) this.writePart(batch, from);
    return batch.count;
  }

  private writePart(batch: PacketBatch, from: number): void {
    const { slab, offset, length, order } = batch;
    const { addon, tun, buffers, refused } = this;
    const count = Math.min(MOST_PER_WRITE, batch.count - from);
    const accepted = addon.tunWriteCoalesced(tun.fd, buffers, slab, offset, length, order, from, count, refused);
    for (let i = 0; i < count - accepted; i += 1) batch.drop(refused[i] ?? 0, 'device-refused');
  }
}
