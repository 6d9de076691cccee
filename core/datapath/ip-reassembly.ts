import { readU16, readU32, writeU16 } from '../bytes/bytes.ts';
import type { DropReason } from '../outcome.ts';
import { type Instant, instant } from '../time.ts';
import { ipv4HeaderLength, ipv4Protocol, ipv4TotalLength, writeIpv4Checksum } from '../wire/ipv4.ts';
import type { SessionView } from './session.ts';

const OFFSET = 0x1fff;
const MORE = 0x2000;
const BLOCK = 8;
/** RFC 1122 section 3.3.2 wants a minute; whoever sends ESP again does so long before. */
const TIME_OUT_MS = 15_000;

export interface ReassemblyLimits {
  /** Datagrams that are in pieces at a time, of all sessions and of one. */
  readonly datagrams: number;
  readonly perSession: number;
  /** Largest payload of a datagram, in octets. */
  readonly octets: number;
}

interface Pieces {
  readonly session: SessionView;
  readonly source: number;
  readonly destination: number;
  readonly identification: number;
  readonly protocol: number;
  readonly since: Instant;
  /** Room for a header of 60 octets, then the payload. */
  readonly octets: Uint8Array;
  readonly have: Uint8Array;
  headerLength: number;
  blocks: number;
  /** Payload of the whole datagram; -1 until the last piece is there. */
  total: number;
  pieces: number;
}

const HEADER_ROOM = 60;

/**
 * Puts IPv4 datagrams together (RFC 791 section 3.2), for stages that cannot work on fragments. Bounded in number, size and
 * time; `lost` is told of fragments that were kept in vain. Of pieces that overlap the first one counts.
 */
export class Ipv4Reassembly {
  private readonly limits: ReassemblyLimits;
  private readonly lost: (reason: DropReason, count: number) => void;
  private open: Pieces[] = [];

  constructor(limits: ReassemblyLimits, lost: (reason: DropReason, count: number) => void) {
    this.limits = limits;
    this.lost = lost;
  }

  /** Datagrams that wait for more. */
  get waiting(): number {
    return this.open.length;
  }

  /**
   * Takes the fragment at `at` (`checkIpv4` said `ok`). The whole packet if this was the missing piece, valid until the
   * next call; `held` if there are more to come; else why the fragment is of no use.
   */
  add(session: SessionView, b: Uint8Array, at: number, now: Instant): Uint8Array | 'held' | DropReason {
    this.expire(now);
    const header = ipv4HeaderLength(b, at);
    const word = readU16(b, at + 6);
    const start = (word & OFFSET) * BLOCK;
    const length = ipv4TotalLength(b, at) - header;
    const last = (word & MORE) === 0;
    if (length === 0 || (!last && length % BLOCK !== 0)) return 'malformed';
    if (start + length > this.limits.octets) return 'too-big';
    const pieces = this.find(session, b, at) ?? this.begin(session, b, at, now);
    const firstBlock = start / BLOCK;
    const blocks = Math.ceil(length / BLOCK);
    if (last ? pieces.total >= 0 : pieces.total >= 0 && start + length > pieces.total) return 'duplicate';
    for (let i = 0; i < blocks; i += 1) if (pieces.have[firstBlock + i] === 1) return 'duplicate';
    if (last && pieces.have.indexOf(1, firstBlock + blocks) >= 0) return 'malformed';
    pieces.have.fill(1, firstBlock, firstBlock + blocks);
    pieces.blocks += blocks;
    pieces.pieces += 1;
    pieces.octets.set(b.subarray(at + header, at + header + length), HEADER_ROOM + start);
    if (last) pieces.total = start + length;
    if (start === 0) {
      pieces.headerLength = header;
      pieces.octets.set(b.subarray(at, at + header), HEADER_ROOM - header);
    }
    return this.whole(pieces) ?? 'held';
  }

  /** Gives up what there is of a session. */
  forget(session: SessionView): void {
    this.giveUp((one) => one.session === session, 'late');
  }

  private whole(pieces: Pieces): Uint8Array | undefined {
    const { total, headerLength, octets } = pieces;
    if (total < 0 || headerLength === 0 || pieces.blocks !== Math.ceil(total / BLOCK)) return undefined;
    this.open = this.open.filter((one) => one !== pieces);
    const packet = octets.subarray(HEADER_ROOM - headerLength, HEADER_ROOM + total);
    writeU16(packet, 2, packet.length);
    writeU16(packet, 6, readU16(packet, 6) & ~(MORE | OFFSET));
    writeIpv4Checksum(packet, 0);
    return packet;
  }

  private find(session: SessionView, b: Uint8Array, at: number): Pieces | undefined {
    return this.open.find(
      (one) =>
        one.session === session &&
        one.identification === readU16(b, at + 4) &&
        one.protocol === ipv4Protocol(b, at) &&
        one.source === readU32(b, at + 12) &&
        one.destination === readU32(b, at + 16),
    );
  }

  private begin(session: SessionView, b: Uint8Array, at: number, now: Instant): Pieces {
    const own = this.open.filter((one) => one.session === session);
    const oldest = own.length >= this.limits.perSession ? own[0] : this.open[0];
    if (own.length >= this.limits.perSession || this.open.length >= this.limits.datagrams) {
      this.giveUp((one) => one === oldest, 'queue-full');
    }
    const pieces: Pieces = {
      session,
      source: readU32(b, at + 12),
      destination: readU32(b, at + 16),
      identification: readU16(b, at + 4),
      protocol: ipv4Protocol(b, at),
      since: instant(now),
      octets: new Uint8Array(HEADER_ROOM + this.limits.octets),
      have: new Uint8Array(Math.ceil(this.limits.octets / BLOCK)),
      headerLength: 0,
      blocks: 0,
      total: -1,
      pieces: 0,
    };
    this.open.push(pieces);
    return pieces;
  }

  private expire(now: Instant): void {
    const [oldest] = this.open;
    if (oldest !== undefined && now - oldest.since >= TIME_OUT_MS) {
      this.giveUp((one) => now - one.since >= TIME_OUT_MS, 'late');
    }
  }

  private giveUp(which: (one: Pieces) => boolean, reason: DropReason): void {
    let count = 0;
    for (const one of this.open) if (which(one)) count += one.pieces;
    this.open = this.open.filter((one) => !which(one));
    if (count > 0) this.lost(reason, count);
  }
}
