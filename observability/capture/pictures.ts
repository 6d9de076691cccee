import { writeU16 } from '../../core/bytes/bytes.ts';
import type { PacketBatch } from '../../core/datapath/packet-batch.ts';
import type { Direction } from '../../core/outcome.ts';
import { IP_PROTOCOL, IPV4_HEADER_LENGTH, writeIpv4Checksum, writeIpv4Header } from '../../core/wire/ipv4.ts';
import { shownOfFrame, shownOfGre } from './mask.ts';
import type { CapturePoint } from './points.ts';

/** A packet as it is written. */
export interface Picture {
  readonly bytes: Uint8Array;
  readonly originalLength: number;
}

export interface PictureRequest {
  readonly batch: PacketBatch;
  readonly index: number;
  /** The packet's octets in the slab. */
  readonly from: number;
  readonly length: number;
  readonly direction: Direction;
  /** Show authentication frames whole. */
  readonly secrets: boolean;
}

/** In front of a frame of LINKTYPE_PPP_WITH_DIR: 0 was received. */
const DIRECTION: Readonly<Record<Direction, number>> = { in: 0, out: 1 };
const FRAME_START = 0xff03;
/** FF 03 and two octets of protocol. */
const FULL_FRAME_HEADER = 4;

/** The most octets that a picture has besides those of the packet. */
export const PICTURE_OVERHEAD = IPV4_HEADER_LENGTH;

const grePacket = ({ batch, index, from, length, secrets }: PictureRequest): Picture => {
  const shown = secrets ? length : shownOfGre(batch.slab, from, length);
  const bytes = new Uint8Array(IPV4_HEADER_LENGTH + shown);
  const totalLength = IPV4_HEADER_LENGTH + length;
  writeIpv4Header(bytes, 0, {
    totalLength,
    protocol: IP_PROTOCOL.gre,
    source: batch.outerSource[index] ?? 0,
    destination: batch.outerDestination[index] ?? 0,
  });
  writeIpv4Checksum(bytes, 0);
  bytes.set(batch.slab.subarray(from, from + shown), IPV4_HEADER_LENGTH);
  return { bytes, originalLength: totalLength };
};

const wireFrame = ({ batch, from, length, direction, secrets }: PictureRequest): Picture => {
  const shown = secrets ? length : shownOfFrame(batch.slab, from, length);
  const bytes = new Uint8Array(1 + shown);
  bytes[0] = DIRECTION[direction];
  bytes.set(batch.slab.subarray(from, from + shown), 1);
  return { bytes, originalLength: 1 + length };
};

/** The stages keep a frame's protocol beside it: the header is put in front again. */
const clearFrame = ({ batch, index, from, length, direction }: PictureRequest): Picture => {
  const bytes = new Uint8Array(1 + FULL_FRAME_HEADER + length);
  bytes[0] = DIRECTION[direction];
  writeU16(bytes, 1, FRAME_START);
  writeU16(bytes, 3, batch.protocol[index] ?? 0);
  bytes.set(batch.slab.subarray(from, from + length), 1 + FULL_FRAME_HEADER);
  return { bytes, originalLength: bytes.length };
};

const ipPacket = ({ batch, from, length }: PictureRequest): Picture => ({
  bytes: batch.slab.slice(from, from + length),
  originalLength: length,
});

/** Copies a packet in the form that it has at each point. */
export const PICTURES: Readonly<Record<CapturePoint, (request: PictureRequest) => Picture>> = {
  gre: grePacket,
  ppp: wireFrame,
  decrypted: clearFrame,
  tun: ipPacket,
};
