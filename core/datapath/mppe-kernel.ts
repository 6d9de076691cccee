import { KEY_RECORD, type MppeSessionKey } from '../crypto/mppe-keys.ts';

/** Octets of one key in `MppeWork.keys`. */
export const KEY_SIZE = 16;
/** Numbers of one packet in `MppeWork.packets`. */
export const PACKET_FIELDS = 3;

/**
 * Packets of stateless streams, encrypted or to be encrypted: each changes the key of its stream once, so that a stream's
 * packets do not depend on each other once the keys are known, nor do streams on each other. Reused.
 */
export class MppeWork {
  readonly capacity: number;
  /** Where the packets are. */
  slab: Uint8Array = new Uint8Array(0);
  /** Offset in the slab, length and stream of each packet. */
  readonly packets: Int32Array;
  packetCount = 0;
  /** A `KEY_RECORD` for each stream, with the key that its first packet here changes. A kernel may write on them. */
  readonly streams: Uint8Array;
  streamCount = 0;
  /** The kernel's second result: the key of each packet; one of 8 octets is there twice. */
  readonly keys: Uint8Array;
  private readonly members: (MppeSessionKey | undefined)[];

  constructor(capacity: number) {
    this.capacity = capacity;
    this.packets = new Int32Array(PACKET_FIELDS * capacity);
    this.streams = new Uint8Array(KEY_RECORD.size * capacity);
    this.keys = new Uint8Array(KEY_SIZE * capacity);
    this.members = new Array<MppeSessionKey | undefined>(capacity).fill(undefined);
  }

  get isFull(): boolean {
    return this.packetCount >= this.capacity;
  }

  clear(): void {
    for (let stream = 0; stream < this.streamCount; stream += 1) this.members[stream] = undefined;
    this.packetCount = 0;
    this.streamCount = 0;
  }

  /** Appends the packet `slab[offset .. offset + length)`, whose key is one change after the last one of `key`. */
  add(key: MppeSessionKey, offset: number, length: number): void {
    if (this.members[key.stream] !== key) this.addStream(key);
    const at = PACKET_FIELDS * this.packetCount;
    this.packets[at] = offset;
    this.packets[at + 1] = length;
    this.packets[at + 2] = key.stream;
    this.packetCount += 1;
  }

  offsetOf(packet: number): number {
    return this.packets[PACKET_FIELDS * packet] as number;
  }

  lengthOf(packet: number): number {
    return this.packets[PACKET_FIELDS * packet + 1] as number;
  }

  streamOf(packet: number): number {
    return this.packets[PACKET_FIELDS * packet + 2] as number;
  }

  private addStream(key: MppeSessionKey): void {
    key.stream = this.streamCount;
    this.members[key.stream] = key;
    key.save(this.streams, KEY_RECORD.size * key.stream);
    this.streamCount += 1;
  }
}

/** Does all of a `MppeWork`: bytes in, bytes out. */
export interface MppeKernel {
  /** For the log. */
  readonly name: string;
  /**
   * Turns every packet in place with RC4 under its key, and notes that key in `keys`. What comes out is what doing one
   * packet after the other gives. Allocates nothing. It does not throw; if it does all the same, nothing was changed.
   */
  run(work: MppeWork): void;
}
