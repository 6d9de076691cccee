import { writeU16 } from '../../core/bytes/bytes.ts';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { Ipv4Reassembly } from '../../core/datapath/ip-reassembly.ts';
import type { PacketBatch } from '../../core/datapath/packet-batch.ts';
import type { Session } from '../../core/datapath/session.ts';
import type { BatchStep } from '../../core/datapath/stage.ts';
import { mayAnswer } from '../../core/datapath/stages/mtu.stage.ts';
import type { DropReason } from '../../core/outcome.ts';
import type { OwnPackets } from '../../core/ports/own-packets.ts';
import {
  ESP,
  ESP_HEADER_LENGTH,
  ESP_TRAILER_LENGTH,
  espCapacity,
  espLength,
  espPadding,
  writeEspHeader,
  writeEspTrailer,
} from '../../core/wire/esp.ts';
import { fragmentationNeeded, mayAnswerIpv4 } from '../../core/wire/icmpv4.ts';
import {
  checkIpv4,
  IPV4_HEADER_LENGTH,
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  isIpv4Fragment,
  writeIpv4Checksum,
  writeIpv4Header,
} from '../../core/wire/ipv4.ts';
import { fragmentIpv4, isDontFragment } from '../../core/wire/ipv4-fragment.ts';
import type { Association } from './association.ts';
import { type AssociationTable, isProtected, type SessionAssociations } from './association-table.ts';
import { IkeBypass } from './ike.ts';
import { clampSyn, IPV4, placeAll, placeIpv4, REASSEMBLY, roomTowards, WORK_OCTETS } from './packets.ts';
import { shortenQuote } from './quotes.ts';

const IP_IN_IP = 4;
const DONT_FRAGMENT = 0x4000;

export interface EspOutboundOptions {
  readonly table: AssociationTable;
  /** Largest packet in the tunnel, octets. */
  readonly mtu: number;
  /** Where our ICMP answers come from, and who takes them. */
  readonly address: Ipv4;
  readonly answers: OwnPackets;
  readonly lost: (reason: DropReason, count: number) => void;
}

/**
 * To the peer: what an association is for leaves as ESP, or not at all. What does not fit the tunnel any more then is
 * answered or sent in fragments, as it would be by a router with that MTU (RFC 4301 section 8).
 */
export class EspOutbound implements BatchStep {
  private readonly options: EspOutboundOptions;
  private readonly reassembly: Ipv4Reassembly;
  private readonly ike = new IkeBypass('source');
  private readonly work = new Uint8Array(WORK_OCTETS);
  private identification = 0;

  constructor(options: EspOutboundOptions) {
    this.options = options;
    this.reassembly = new Ipv4Reassembly(REASSEMBLY, options.lost);
  }

  forget(session: Parameters<Ipv4Reassembly['forget']>[0]): void {
    this.reassembly.forget(session);
  }

  process(batch: PacketBatch, from: number): void {
    let known: Session | undefined;
    let own: SessionAssociations | undefined;
    for (let at = from; at < batch.count; at += 1) {
      batch.cursor = at;
      const index = batch.order[at] ?? 0;
      const session = batch.session[index];
      if (session !== known) {
        known = session;
        own = session === undefined ? undefined : this.options.table.of(session);
      }
      if (session === undefined || own === undefined || batch.protocol[index] !== IPV4) continue;
      const offset = batch.offset[index] ?? 0;
      if (checkIpv4(batch.slab, offset, batch.length[index] ?? 0) !== 'ok') continue;
      const done = this.handle(batch, at, session, own);
      if (typeof done === 'string') batch.drop(index, done);
      else at += done;
    }
  }

  /** How many packets it put behind this one, or why this one goes no further. */
  private handle(batch: PacketBatch, at: number, session: Session, own: SessionAssociations): number | DropReason {
    const index = batch.order[at] ?? 0;
    const offset = batch.offset[index] ?? 0;
    const source = ipv4Source(batch.slab, offset);
    const destination = ipv4Destination(batch.slab, offset);
    const association = choose(own, source, destination);
    if (association === undefined) {
      if (!isProtected(own, source, destination)) {
        batch.length[index] = shortenQuote(batch.slab, offset, own) ?? batch.length[index] ?? 0;
        return 0;
      }
      return this.ike.passes(batch.slab, offset, session, own, batch.now) ? 0 : 'no-sa';
    }
    if (association.isTunnel || !isIpv4Fragment(batch.slab, offset)) {
      return this.protect(batch, at, session, own, association, batch.view(index));
    }
    // RFC 4303 section 3.1.1: transport mode is for whole datagrams.
    const whole = this.reassembly.add(session, batch.slab, offset, batch.now);
    if (whole !== 'held')
      return typeof whole === 'string' ? whole : this.protect(batch, at, session, own, association, whole);
    batch.hold(index);
    return 0;
  }

  private protect(
    batch: PacketBatch,
    at: number,
    session: Session,
    own: SessionAssociations,
    association: Association,
    given: Uint8Array,
  ): number | DropReason {
    const packet = given.subarray(0, ipv4TotalLength(given, 0));
    const room = roomTowards(session, this.options.mtu);
    if (this.ike.passes(packet, 0, session, own, batch.now)) {
      return placeIpv4(batch, at, packet, room, room) ?? 'too-big';
    }
    const header = association.isTunnel ? 0 : ipv4HeaderLength(packet, 0);
    const outer = association.isTunnel ? IPV4_HEADER_LENGTH : header;
    const fits = header + espCapacity(room - outer, association.transform);
    if (packet.length > fits && isDontFragment(packet, 0)) {
      if (mayAnswerIpv4(packet, 0) && mayAnswer(session, batch.now)) {
        this.options.answers.put(session, 0, fragmentationNeeded(packet, this.options.address, fits));
      }
      return 'too-big';
    }
    clampSyn(packet, 0, fits);
    if (association.isTunnel) return this.tunnel(batch, at, own.address, association, packet, fits);
    const sealed = this.seal(association, packet, header, own.address);
    return sealed === undefined ? 'no-sa' : (placeIpv4(batch, at, sealed, room, room) ?? 'too-big');
  }

  /** Tunnel mode: what is too large is cut before it is encrypted, so that the peer has nothing to put together first. */
  private tunnel(
    batch: PacketBatch,
    at: number,
    peer: Ipv4,
    association: Association,
    packet: Uint8Array,
    fits: number,
  ): number | DropReason {
    const pieces = packet.length <= fits ? [packet] : fragmentIpv4(packet, fits);
    if (pieces === undefined) return 'too-big';
    const sealed: Uint8Array[] = [];
    for (const piece of pieces) {
      const one = this.seal(association, piece, 0, peer);
      if (one === undefined) return 'no-sa';
      sealed.push(pieces.length === 1 ? one : one.slice());
    }
    return placeAll(batch, at, sealed) ?? 'too-big';
  }

  /**
   * `packet` as ESP behind a header, in `work`: valid until the next one. `header` is how much of it stays in front, 0 for
   * tunnel mode. Undefined when the association is used up.
   */
  private seal(association: Association, packet: Uint8Array, header: number, peer: Ipv4): Uint8Array | undefined {
    const { work } = this;
    const { transform } = association;
    const payload = packet.length - header;
    const outer = association.isTunnel ? IPV4_HEADER_LENGTH : header;
    const length = espLength(payload, transform);
    const sequence = association.expired || outer + length > WORK_OCTETS ? -1 : association.next();
    if (sequence < 0) return undefined;
    const nextHeader = association.isTunnel ? IP_IN_IP : ipv4Protocol(packet, 0);
    if (association.isTunnel) this.writeOuter(association, packet, outer + length, peer);
    else work.set(packet.subarray(0, header));
    const start = outer + ESP_HEADER_LENGTH + transform.ivLength;
    const padding = espPadding(payload, transform.block);
    writeEspHeader(work, outer, association.spi, sequence % 0x1_0000_0000);
    work.set(packet.subarray(header), start);
    writeEspTrailer(work, start + payload, padding, nextHeader);
    writeU16(work, 2, outer + length);
    work[9] = ESP;
    writeIpv4Checksum(work, 0);
    transform.seal(work, outer, length, association.high(sequence));
    association.used(payload + padding + ESP_TRAILER_LENGTH);
    return work.subarray(0, outer + length);
  }

  /** RFC 4301 section 5.1.2.1: type of service and DF are those of the packet inside. */
  private writeOuter({ host: source }: Association, packet: Uint8Array, totalLength: number, destination: Ipv4): void {
    const { work } = this;
    this.identification = (this.identification + 1) & 0xffff;
    writeIpv4Header(work, 0, { totalLength, protocol: ESP, source, destination });
    work[1] = packet[1] ?? 0;
    writeU16(work, 4, this.identification);
    if (isDontFragment(packet, 0)) writeU16(work, 6, DONT_FRAGMENT);
  }
}

/** The newest that may be used; else one that may not, so that nothing goes in the clear. */
const choose = (own: SessionAssociations, local: Ipv4, peer: Ipv4): Association | undefined => {
  let fallback: Association | undefined;
  for (const one of own.outbound) {
    if (!one.covers(local, peer, own.address)) continue;
    if (!one.expired) return one;
    fallback ??= one;
  }
  return fallback;
};
