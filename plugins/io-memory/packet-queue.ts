import type { PacketBatch } from '../../core/datapath/packet-batch.ts';

/** A packet at rest: its octets and outer addresses (0 for inner packets). */
export interface StoredPacket {
  readonly bytes: Uint8Array;
  readonly outerSource: number;
  readonly outerDestination: number;
}

export const storePacket = (batch: PacketBatch, index: number): StoredPacket => ({
  bytes: batch.view(index).slice(),
  outerSource: batch.outerSource[index] ?? 0,
  outerDestination: batch.outerDestination[index] ?? 0,
});

/** A queue of fixed length that refuses when full. */
export class PacketQueue {
  private readonly packets: StoredPacket[] = [];
  private readonly capacity: number;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get size(): number {
    return this.packets.length;
  }

  offer(packet: StoredPacket): boolean {
    if (this.packets.length >= this.capacity) return false;
    this.packets.push(packet);
    return true;
  }

  poll(): StoredPacket | undefined {
    return this.packets.shift();
  }

  clear(): void {
    this.packets.length = 0;
  }
}
