import { writeU16 } from '../../core/bytes/bytes.ts';
import { Ipv4Reassembly } from '../../core/datapath/ip-reassembly.ts';
import type { PacketBatch } from '../../core/datapath/packet-batch.ts';
import type { Session } from '../../core/datapath/session.ts';
import type { BatchStep } from '../../core/datapath/stage.ts';
import type { DropReason } from '../../core/outcome.ts';
import {
  checkEsp,
  DUMMY,
  ESP,
  ESP_HEADER_LENGTH,
  espCapacity,
  espPayloadLength,
  espSequence,
  espSpi,
} from '../../core/wire/esp.ts';
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
} from '../../core/wire/ipv4.ts';
import type { Association } from './association.ts';
import { type AssociationTable, isProtected, type SessionAssociations } from './association-table.ts';
import { IkeBypass } from './ike.ts';
import { clampSyn, IPV4, placeIpv4, REASSEMBLY, roomTowards } from './packets.ts';

const IP_IN_IP = 4;
const IPV6_IN_IP = 41;
const ECN = 3;
const CONGESTION = 3;

/**
 * From the peer: ESP for hosts that the gateway does it for becomes what was in it; clear packets for what is protected
 * are dropped; everything else, ESP of others included, passes untouched.
 */
export class EspInbound implements BatchStep {
  private readonly table: AssociationTable;
  private readonly mtu: number;
  private readonly reassembly: Ipv4Reassembly;
  private readonly ike = new IkeBypass('destination');
  /** Where `open` left the clear packet. */
  private clearAt = 0;
  private clearLength = 0;

  constructor(table: AssociationTable, mtu: number, lost: (reason: DropReason, count: number) => void) {
    this.table = table;
    this.mtu = mtu;
    this.reassembly = new Ipv4Reassembly(REASSEMBLY, lost);
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
        own = session === undefined ? undefined : this.table.of(session);
      }
      if (session === undefined || own === undefined || batch.protocol[index] !== IPV4) continue;
      const offset = batch.offset[index] ?? 0;
      if (checkIpv4(batch.slab, offset, batch.length[index] ?? 0) !== 'ok') continue;
      at += this.handle(batch, at, session, own);
    }
  }

  /** How many packets it put behind this one. */
  private handle(batch: PacketBatch, at: number, session: Session, own: SessionAssociations): number {
    const index = batch.order[at] ?? 0;
    const offset = batch.offset[index] ?? 0;
    const { slab } = batch;
    const source = ipv4Source(slab, offset);
    const destination = ipv4Destination(slab, offset);
    if (ipv4Protocol(slab, offset) !== ESP || !own.hosts.has(destination)) {
      if (isProtected(own, destination, source) && !this.ike.passes(slab, offset, session, own, batch.now)) {
        batch.drop(index, 'policy');
      }
      return 0;
    }
    if (source !== own.address) {
      batch.drop(index, 'spoofed-source');
      return 0;
    }
    if (isIpv4Fragment(slab, offset)) return this.fragment(batch, at, session, own);
    const reason = this.open(slab, offset, own, session);
    if (reason === undefined) {
      batch.offset[index] = this.clearAt;
      batch.length[index] = this.clearLength;
    } else {
      batch.drop(index, reason);
    }
    return 0;
  }

  private fragment(batch: PacketBatch, at: number, session: Session, own: SessionAssociations): number {
    const index = batch.order[at] ?? 0;
    const whole = this.reassembly.add(session, batch.slab, batch.offset[index] ?? 0, batch.now);
    if (whole === 'held') {
      batch.hold(index);
      return 0;
    }
    const reason = typeof whole === 'string' ? whole : this.open(whole, 0, own, session);
    if (reason !== undefined || typeof whole === 'string') {
      batch.drop(index, reason ?? 'malformed');
      return 0;
    }
    const clear = whole.subarray(this.clearAt, this.clearAt + this.clearLength);
    const more = placeIpv4(batch, at, clear, this.mtu, this.mtu);
    if (more === undefined) batch.drop(index, 'too-big');
    return more ?? 0;
  }

  /** RFC 4303 section 3.4: the packet at `at` is whole, its header is checked. */
  private open(b: Uint8Array, at: number, own: SessionAssociations, session: Session): DropReason | undefined {
    const header = ipv4HeaderLength(b, at);
    const esp = at + header;
    const length = ipv4TotalLength(b, at) - header;
    if (length < ESP_HEADER_LENGTH) return 'truncated';
    const association = own.inbound.get(espSpi(b, esp));
    if (association === undefined || association.expired || association.host !== ipv4Destination(b, at)) return 'no-sa';
    const { transform, replay } = association;
    const check = checkEsp(length, transform);
    if (check !== 'ok') return check;
    const sequence = replay.infer(espSequence(b, esp));
    const verdict = sequence < 0 ? 'late' : replay.check(sequence);
    if (verdict !== 'new') return verdict;
    if (!transform.open(b, esp, length, association.high(sequence))) return 'decrypt-failed';
    replay.accept(sequence);
    const start = esp + ESP_HEADER_LENGTH + transform.ivLength;
    const encrypted = length - ESP_HEADER_LENGTH - transform.ivLength - transform.icvLength;
    association.used(encrypted);
    const payload = espPayloadLength(b, start, encrypted);
    if (payload < 0) return 'malformed';
    const next = b[start + encrypted - 1] ?? 0;
    if (next === DUMMY) return 'dummy';
    const reason = association.isTunnel
      ? this.decapsulate(b, at, start, payload, next, association, own)
      : this.unwrap(b, at, start, payload, next);
    if (reason !== undefined) return reason;
    const most = espCapacity(roomTowards(session, this.mtu) - IPV4_HEADER_LENGTH, transform);
    clampSyn(b, this.clearAt, association.isTunnel ? most : most + IPV4_HEADER_LENGTH);
    return undefined;
  }

  /** Transport mode: the header moves up to the payload. */
  private unwrap(b: Uint8Array, at: number, start: number, payload: number, next: number): DropReason | undefined {
    const header = ipv4HeaderLength(b, at);
    this.clearAt = start - header;
    this.clearLength = header + payload;
    b.copyWithin(this.clearAt, at, at + header);
    writeU16(b, this.clearAt + 2, this.clearLength);
    b[this.clearAt + 9] = next;
    writeIpv4Checksum(b, this.clearAt);
    return undefined;
  }

  /** Tunnel mode: a packet of its own, which has to be one that the association is for (RFC 4301 section 5.2). */
  private decapsulate(
    b: Uint8Array,
    outer: number,
    start: number,
    payload: number,
    next: number,
    association: Association,
    own: SessionAssociations,
  ): DropReason | undefined {
    if (next !== IP_IN_IP) return next === IPV6_IN_IP ? 'unsupported' : 'policy';
    // Octets behind the packet hide how long it is (RFC 4303 section 2.7).
    if (checkIpv4(b, start, payload) !== 'ok') return 'malformed';
    if (!association.covers(ipv4Destination(b, start), ipv4Source(b, start), own.address)) return 'policy';
    this.clearAt = start;
    this.clearLength = ipv4TotalLength(b, start);
    return keepCongestion(b, outer, start);
  }
}

/** RFC 6040 section 4.2: what the path said of congestion is kept, and a packet that could not hear it is dropped. */
const keepCongestion = (b: Uint8Array, outer: number, inner: number): DropReason | undefined => {
  if (((b[outer + 1] ?? 0) & ECN) !== CONGESTION) return undefined;
  const own = (b[inner + 1] ?? 0) & ECN;
  if (own === 0) return 'policy';
  b[inner + 1] = (b[inner + 1] ?? 0) | CONGESTION;
  writeIpv4Checksum(b, inner);
  return undefined;
};
