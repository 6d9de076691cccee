import type { Instant } from '../../core/time.ts';
import { MemoryGreNetwork } from '../../plugins/io-memory/memory-gre-socket.ts';
import type { StoredPacket } from '../../plugins/io-memory/packet-queue.ts';
import type { FakeClock } from './fake-clock.ts';

export interface WirePacket extends StoredPacket {
  readonly at: Instant;
}

/** Packets that `seen` keeps; the oldest go first. */
const MOST_SEEN = 4096;

/** A GRE network in memory under virtual time that can be listened to and cut. */
export class GreWire extends MemoryGreNetwork {
  /** Everything that was carried, in order, whatever became of it. */
  readonly seen: WirePacket[] = [];
  /** Swallows what it refuses. */
  filter: (packet: StoredPacket) => boolean = () => true;
  private readonly clock: FakeClock;

  constructor(clock: FakeClock) {
    super({ defer: clock.defer });
    this.clock = clock;
  }

  override carry(packet: StoredPacket): boolean {
    this.seen.push({ ...packet, at: this.clock.now() });
    if (this.seen.length > MOST_SEEN) this.seen.shift();
    return this.filter(packet) ? super.carry(packet) : true;
  }
}
