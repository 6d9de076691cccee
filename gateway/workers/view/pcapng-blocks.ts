/** A whole block of a pcapng file, its own length at both ends included. */
export interface PcapngBlock {
  readonly type: number;
  readonly bytes: Buffer;
}

/** Enhanced Packet Block. */
export const PACKET_BLOCK = 6;
/** More than any block that a gateway writes. */
const LONGEST_BLOCK = 1 << 20;
/** Type and both lengths. */
const SHORTEST_BLOCK = 12;
const PACKET_ID_OPTION = 5;

/** Cuts the octets of a pcapng file, little-endian as ours are, into blocks. */
export class BlockSplitter {
  private rest: Buffer = Buffer.alloc(0);

  /** The blocks that are whole now. Throws when the octets are none of a pcapng file. */
  push(chunk: Buffer): readonly PcapngBlock[] {
    let bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    const blocks: PcapngBlock[] = [];
    while (bytes.length >= SHORTEST_BLOCK) {
      const length = bytes.readUInt32LE(4);
      if (length < SHORTEST_BLOCK || length > LONGEST_BLOCK || length % 4 !== 0) throw new Error('no pcapng block');
      if (bytes.length < length) break;
      blocks.push({ type: bytes.readUInt32LE(0), bytes: bytes.subarray(0, length) });
      bytes = bytes.subarray(length);
    }
    this.rest = bytes;
    return blocks;
  }
}

/** Position of the packet's interface in its section. */
export const interfaceOf = ({ bytes }: PcapngBlock): number =>
  bytes.length < SHORTEST_BLOCK ? 0 : bytes.readUInt32LE(8);

/**
 * Numbers of packets are those of one worker: makes of number n of worker i, of `count`, n * count + i. What is no whole
 * packet block is left as it is.
 */
export const renumber = ({ bytes }: PcapngBlock, worker: number, count: number): void => {
  const end = bytes.length - 4;
  if (end < 28) return;
  let at = 28 + ((bytes.readUInt32LE(20) + 3) & ~3);
  while (at + 4 <= end) {
    const code = bytes.readUInt16LE(at);
    const length = bytes.readUInt16LE(at + 2);
    if (code === 0) return;
    if (code === PACKET_ID_OPTION && length === 8 && at + 12 <= end) {
      const number = bytes.readBigUInt64LE(at + 4) * BigInt(count) + BigInt(worker);
      bytes.writeBigUInt64LE(BigInt.asUintN(64, number), at + 4);
      return;
    }
    at += 4 + ((length + 3) & ~3);
  }
};
