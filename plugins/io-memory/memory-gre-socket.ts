import { type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { GreSocket } from '../../core/ports/packet-io.ts';
import { MemoryDevice, type MemoryOptions } from './memory-device.ts';
import type { StoredPacket } from './packet-queue.ts';

/** A network segment in memory: delivers GRE packets to the socket that owns their outer destination. */
export class MemoryGreNetwork {
  private readonly sockets = new Map<Ipv4, MemoryGreSocket>();
  private readonly options: MemoryOptions;

  constructor(options: MemoryOptions = {}) {
    this.options = options;
  }

  /** A socket on a host with these addresses. */
  attach(...addresses: readonly Ipv4[]): MemoryGreSocket {
    const socket = new MemoryGreSocket(this, this.options);
    for (const address of addresses) this.sockets.set(address, socket);
    return socket;
  }

  /** As a real network, it takes packets for nobody and loses them; false only when the receiver has no room. */
  carry(packet: StoredPacket): boolean {
    const socket = this.sockets.get(ipv4(packet.outerDestination));
    return socket === undefined || !socket.isRunning || socket.arrive(packet);
  }
}

export class MemoryGreSocket extends MemoryDevice implements GreSocket {
  readonly driver = 'memory';
  private readonly network: MemoryGreNetwork;

  constructor(network: MemoryGreNetwork, options: MemoryOptions) {
    super('gre-socket', options);
    this.network = network;
  }

  arrive(packet: StoredPacket): boolean {
    return this.receive(packet);
  }

  protected emit(packet: StoredPacket): boolean {
    return this.network.carry(packet);
  }
}

/** Two hosts with one address each. */
export const memoryGrePair = (
  first: Ipv4,
  second: Ipv4,
  options: MemoryOptions = {},
): readonly [MemoryGreSocket, MemoryGreSocket] => {
  const network = new MemoryGreNetwork(options);
  return [network.attach(first), network.attach(second)];
};
