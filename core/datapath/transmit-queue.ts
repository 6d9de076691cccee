/** A packet that waits to be sent: copied, whole, with its PPP protocol number. */
export interface WaitingPacket {
  readonly protocol: number;
  readonly bytes: Uint8Array;
}

/** From here on protocol numbers are those of control protocols (RFC 1661 section 2). */
const FIRST_CONTROL_PROTOCOL = 0x8000;
/** Room that only control frames have: user data must not crowd out what keeps the link alive. */
const CONTROL_ROOM = 32;

/** Packets of one call that wait for room in the peer's window, first in, first out, and bounded. */
export class TransmitQueue {
  /** Packets put in and taken out so far: the packet put in as the n-th is taken out as the n-th. */
  entered = 0;
  left = 0;
  private readonly limit: number;
  private readonly packets: WaitingPacket[] = [];

  /** `limit`: user packets that may wait. */
  constructor(limit: number) {
    this.limit = limit;
  }

  get length(): number {
    return this.packets.length;
  }

  /** Copies `bytes`. False when there is no room: the packet is the caller's to drop. */
  put(protocol: number, bytes: Uint8Array): boolean {
    const room = protocol < FIRST_CONTROL_PROTOCOL ? this.limit : this.limit + CONTROL_ROOM;
    if (this.packets.length >= room) return false;
    this.packets.push({ protocol, bytes: bytes.slice() });
    this.entered += 1;
    return true;
  }

  /** What waits, first in first. */
  all(): readonly WaitingPacket[] {
    return [...this.packets];
  }

  take(): WaitingPacket | undefined {
    const packet = this.packets.shift();
    if (packet !== undefined) this.left += 1;
    return packet;
  }
}
