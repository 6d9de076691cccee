import type { Direction } from '../../core/outcome.ts';
import type { BlockWriter } from './block-writer.ts';

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
/** Both halves of the length of a section. */
const UNKNOWN = 0xffff_ffff;

const TIME_LENGTH = 8;

const text = (out: BlockWriter, code: number, value: string | undefined): void => {
  if (value !== undefined) out.text(code, value.slice(0, LONGEST_TEXT));
};

const number64 = (out: BlockWriter, code: number, value: number): void => {
  out.option(code, 8);
  out.u64(value);
};

const timeOption = (out: BlockWriter, code: number, time: number): void => {
  out.option(code, TIME_LENGTH);
  out.time(time);
};

/** Begins a file; its length is left open, as that of a stream is. */
export const sectionHeader = (out: BlockWriter, { application, os, comment }: SectionHeader): void => {
  out.begin(BLOCK.section);
  out.u32(BYTE_ORDER_MAGIC);
  out.u16(1);
  out.u16(0);
  out.u32(UNKNOWN);
  out.u32(UNKNOWN);
  text(out, SECTION_OPTION.os, os);
  text(out, SECTION_OPTION.application, application);
  text(out, COMMENT, comment);
  out.end();
};

export const interfaceDescription = (out: BlockWriter, { linkType, name, description }: InterfaceDescription): void => {
  out.begin(BLOCK.interface);
  out.u16(linkType);
  out.u16(0);
  out.u32(SNAP_LENGTH);
  text(out, INTERFACE_OPTION.name, name);
  text(out, INTERFACE_OPTION.description, description);
  out.option(INTERFACE_OPTION.resolution, 1);
  out.u32(MICROSECONDS);
  out.end();
};

export const enhancedPacket = (out: BlockWriter, packet: PacketBlock): void => {
  out.begin(BLOCK.packet);
  out.u32(packet.interface);
  out.time(packet.time);
  out.u32(packet.bytes.length);
  out.u32(packet.originalLength);
  out.octets(packet.bytes);
  out.option(PACKET_OPTION.flags, 4);
  out.u32(FLAGS[packet.direction]);
  if (packet.lostBefore !== 0) number64(out, PACKET_OPTION.dropCount, packet.lostBefore);
  number64(out, PACKET_OPTION.packetId, packet.packetId);
  text(out, COMMENT, packet.comment);
  out.end();
};

export const interfaceStatistics = (out: BlockWriter, statistics: InterfaceStatistics): void => {
  out.begin(BLOCK.statistics);
  out.u32(statistics.interface);
  out.time(statistics.time);
  timeOption(out, STATISTICS_OPTION.startTime, statistics.began);
  timeOption(out, STATISTICS_OPTION.endTime, statistics.ended);
  number64(out, STATISTICS_OPTION.received, statistics.seen);
  number64(out, STATISTICS_OPTION.dropped, statistics.lost);
  number64(out, STATISTICS_OPTION.accepted, statistics.seen);
  number64(out, STATISTICS_OPTION.delivered, statistics.written);
  text(out, COMMENT, statistics.comment);
  out.end();
};
