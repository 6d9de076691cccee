import type { Direction } from '../../core/outcome.ts';

/**
 * Blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian. Times are microseconds since 1970; a packet's
 * length on the wire may be more than the octets captured of it.
 */
export interface SectionHeader {
  /** The program that wrote the file, with its version. */
  readonly application: string;
  readonly os: string;
  readonly comment: string;
}

export interface InterfaceDescription {
  /** A LINKTYPE_ value. */
  readonly linkType: number;
  readonly name: string;
  readonly description: string;
}

export interface PacketBlock {
  /** Position of the interface in the section. */
  readonly interface: number;
  readonly time: number;
  readonly bytes: Uint8Array;
  readonly originalLength: number;
  readonly direction: Direction;
  /** The same for one packet at several interfaces. */
  readonly packetId: number;
  /** Packets that could not be captured between the one before on this interface and this one. */
  readonly lostBefore: number;
  readonly comment?: string | undefined;
}

export interface InterfaceStatistics {
  readonly interface: number;
  readonly time: number;
  readonly began: number;
  readonly ended: number;
  /** Packets that the capture was to take, those it could not keep, and those in the file. */
  readonly seen: number;
  readonly lost: number;
  readonly written: number;
  readonly comment?: string | undefined;
}

interface Option {
  readonly code: number;
  readonly value: Uint8Array;
}

const BLOCK = { section: 0x0a0d0d0a, interface: 1, statistics: 5, packet: 6 } as const;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const COMMENT = 1;
const SECTION_OPTION = { os: 3, application: 4 } as const;
const INTERFACE_OPTION = { name: 2, description: 3, resolution: 9 } as const;
const PACKET_OPTION = { flags: 2, dropCount: 4, packetId: 5 } as const;
const STATISTICS_OPTION = { startTime: 2, endTime: 3, received: 4, dropped: 5, accepted: 6, delivered: 8 } as const;
/** Of the direction bits in epb_flags. */
const FLAGS: Readonly<Record<Direction, number>> = { in: 1, out: 2 };
/** Times are in units of 10^-6 s. */
const MICROSECONDS = 6;
/** No packet of a batch slot comes near this. */
const SNAP_LENGTH = 65_535;
/** An option's length has 16 bits; nobody reads as much. */
const LONGEST_TEXT = 4096;
const TWO_32 = 0x1_0000_0000;

const encoder = new TextEncoder();

const padded = (length: number): number => (length + 3) & ~3;

const text = (code: number, value: string): Option => ({ code, value: encoder.encode(value.slice(0, LONGEST_TEXT)) });

const comments = (comment: string | undefined): readonly Option[] =>
  comment === undefined ? [] : [text(COMMENT, comment)];

const number32 = (code: number, value: number): Option => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return { code, value: bytes };
};

const number64 = (code: number, value: number): Option => {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, value % TWO_32, true);
  view.setUint32(4, Math.floor(value / TWO_32), true);
  return { code, value: bytes };
};

/** Times have their high half first, in every byte order. */
const writeTime = (view: DataView, at: number, time: number): void => {
  view.setUint32(at, Math.floor(time / TWO_32), true);
  view.setUint32(at + 4, time % TWO_32, true);
};

const time64 = (code: number, time: number): Option => {
  const bytes = new Uint8Array(8);
  writeTime(new DataView(bytes.buffer), 0, time);
  return { code, value: bytes };
};

/** A block around `body`, whose length is a multiple of four, with options and the end of options behind it. */
const block = (type: number, bodyLength: number, options: readonly Option[]): { bytes: Uint8Array; view: DataView } => {
  const optionsLength =
    options.length === 0 ? 0 : options.reduce((sum, { value }) => sum + 4 + padded(value.length), 4);
  const length = 12 + bodyLength + optionsLength;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, length, true);
  view.setUint32(length - 4, length, true);
  let at = 8 + bodyLength;
  for (const { code, value } of options) {
    view.setUint16(at, code, true);
    view.setUint16(at + 2, value.length, true);
    bytes.set(value, at + 4);
    at += 4 + padded(value.length);
  }
  return { bytes, view };
};

/** Begins a file; its length is left open, as that of a stream is. */
export const sectionHeader = ({ application, os, comment }: SectionHeader): Uint8Array => {
  const { bytes, view } = block(BLOCK.section, 16, [
    text(SECTION_OPTION.os, os),
    text(SECTION_OPTION.application, application),
    text(COMMENT, comment),
  ]);
  view.setUint32(8, BYTE_ORDER_MAGIC, true);
  view.setUint16(12, 1, true);
  view.setUint32(16, TWO_32 - 1, true);
  view.setUint32(20, TWO_32 - 1, true);
  return bytes;
};

export const interfaceDescription = ({ linkType, name, description }: InterfaceDescription): Uint8Array => {
  const { bytes, view } = block(BLOCK.interface, 8, [
    text(INTERFACE_OPTION.name, name),
    text(INTERFACE_OPTION.description, description),
    { code: INTERFACE_OPTION.resolution, value: Uint8Array.of(MICROSECONDS) },
  ]);
  view.setUint16(8, linkType, true);
  view.setUint32(12, SNAP_LENGTH, true);
  return bytes;
};

export const enhancedPacket = (packet: PacketBlock): Uint8Array => {
  const { bytes, view } = block(BLOCK.packet, 20 + padded(packet.bytes.length), [
    number32(PACKET_OPTION.flags, FLAGS[packet.direction]),
    ...(packet.lostBefore === 0 ? [] : [number64(PACKET_OPTION.dropCount, packet.lostBefore)]),
    number64(PACKET_OPTION.packetId, packet.packetId),
    ...comments(packet.comment),
  ]);
  view.setUint32(8, packet.interface, true);
  writeTime(view, 12, packet.time);
  view.setUint32(20, packet.bytes.length, true);
  view.setUint32(24, packet.originalLength, true);
  bytes.set(packet.bytes, 28);
  return bytes;
};

export const interfaceStatistics = (statistics: InterfaceStatistics): Uint8Array => {
  const { bytes, view } = block(BLOCK.statistics, 12, [
    time64(STATISTICS_OPTION.startTime, statistics.began),
    time64(STATISTICS_OPTION.endTime, statistics.ended),
    number64(STATISTICS_OPTION.received, statistics.seen),
    number64(STATISTICS_OPTION.dropped, statistics.lost),
    number64(STATISTICS_OPTION.accepted, statistics.seen),
    number64(STATISTICS_OPTION.delivered, statistics.written),
    ...comments(statistics.comment),
  ]);
  view.setUint32(8, statistics.interface, true);
  writeTime(view, 12, statistics.time);
  return bytes;
};
