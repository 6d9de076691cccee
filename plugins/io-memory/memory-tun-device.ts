import type { TunDevice } from '../../core/ports/packet-io.ts';
import { MemoryDevice, type MemoryOptions } from './memory-device.ts';
import { PacketQueue, type StoredPacket } from './packet-queue.ts';

export interface MemoryTunOptions extends MemoryOptions {
  readonly interfaceName?: string;
}

/** A TUN device whose kernel side is the test. */
export class MemoryTunDevice extends MemoryDevice implements TunDevice {
  readonly interfaceName: string;
  private readonly towardsHost: PacketQueue;

  constructor(options: MemoryTunOptions = {}) {
    super('tun', options);
    this.interfaceName = options.interfaceName ?? 'memory0';
    this.towardsHost = new PacketQueue(options.capacity ?? 1024);
  }

  /** The host sends an inner packet into the device; false when its queue is full. */
  hostSends(bytes: Uint8Array): boolean {
    return this.receive({ bytes: bytes.slice(), outerSource: 0, outerDestination: 0 });
  }

  /** The oldest packet that was written to the device and not yet taken by the host. */
  hostReceives(): Uint8Array | undefined {
    return this.towardsHost.poll()?.bytes;
  }

  protected emit(packet: StoredPacket): boolean {
    return this.towardsHost.offer(packet);
  }
}
