import type { NativeTun, TunBuffers } from '../../native/tun.d.ts';
import type { Fifo } from './fifo.ts';
import { isSix, plainSegments, readVnet, type VnetHeader } from './transport-packets.ts';

const SLOT = 2048;
const HEADROOM = 64;
/** The longest packet that is not taken for a cut one. */
export const LONGEST = SLOT - HEADROOM - 1;

/** What the addon makes of what the kernel gives: at most `max` packets a call, until nothing waits. */
export const readSegments = (
  native: NativeTun,
  buffers: TunBuffers,
  fifo: Fifo,
  max: number,
  slot = SLOT,
  headroom = HEADROOM,
): Uint8Array[] => {
  const slab = new Uint8Array(max * slot);
  const lengths = new Int32Array(max);
  const waiting = Int32Array.of(0);
  const packets: Uint8Array[] = [];
  do {
    const count = native.tunReadSegments(fifo.fd, buffers, slab, slot, headroom, lengths, max, 0, waiting);
    for (let i = 0; i < count; i += 1) {
      packets.push(slab.slice(i * slot + headroom, i * slot + headroom + (lengths[i] ?? 0)));
    }
  } while (waiting[0] === 1);
  return packets;
};

export interface Write {
  readonly vnet: VnetHeader;
  readonly packet: Uint8Array;
}

export interface WriteResult {
  readonly accepted: number;
  /** Indices. */
  readonly refused: readonly number[];
  /** What the kernel is given, one write each. */
  readonly writes: readonly Write[];
}

const lengthOf = (bytes: Uint8Array): number => {
  const fields = new DataView(bytes.buffer, bytes.byteOffset);
  return isSix(bytes) ? 40 + fields.getUint16(4) : fields.getUint16(2);
};

/** Writes are told apart by the lengths in the IP headers, so these must be right. */
const parse = (stream: Uint8Array): Write[] => {
  const writes: Write[] = [];
  for (let at = 0; at < stream.length; ) {
    const length = lengthOf(stream.subarray(at + 10));
    if (length < 20) throw new Error(`no IP packet at ${at}`);
    writes.push({ vnet: readVnet(stream.subarray(at, at + 10)), packet: stream.slice(at + 10, at + 10 + length) });
    at += 10 + length;
  }
  return writes;
};

export const writeRaw = (
  native: NativeTun,
  buffers: TunBuffers,
  fifo: Fifo,
  packets: readonly Uint8Array[],
): { readonly accepted: number; readonly refused: readonly number[]; readonly stream: Uint8Array } => {
  const offsets: number[] = [];
  let end = 3;
  for (const packet of packets) {
    offsets.push(end);
    end += packet.length + 1;
  }
  const slab = new Uint8Array(end);
  for (const [i, packet] of packets.entries()) slab.set(packet, offsets[i] ?? 0);
  const refused = new Int32Array(packets.length);
  const accepted = native.tunWriteCoalesced(
    fifo.fd,
    buffers,
    slab,
    Int32Array.from(offsets),
    Int32Array.from(packets, (packet) => packet.length),
    Int32Array.from(packets, (_, i) => i),
    0,
    packets.length,
    refused,
  );
  return { accepted, refused: [...refused.subarray(0, packets.length - accepted)], stream: fifo.take() };
};

export const writeCoalesced = (
  native: NativeTun,
  buffers: TunBuffers,
  fifo: Fifo,
  packets: readonly Uint8Array[],
): WriteResult => {
  const { accepted, refused, stream } = writeRaw(native, buffers, fifo, packets);
  return { accepted, refused, writes: parse(stream) };
};

/** The packets that come out of the kernel at the other side. */
export const asSegments = (writes: readonly Write[]): Uint8Array[] =>
  writes.flatMap(({ vnet, packet }) => (vnet.gsoType === 0 ? [packet] : plainSegments(packet, vnet.gsoSize)));
