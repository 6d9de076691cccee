import { readU16 } from '../../bytes/bytes.ts';
import {
  checkIpv4,
  IP_PROTOCOL,
  IPV4_HEADER_LENGTH,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4TotalLength,
  isIpv4Fragment,
} from '../../wire/ipv4.ts';
import { clampTcpMss } from '../../wire/tcp.ts';
import type { PacketBatch } from '../packet-batch.ts';
import type { Session } from '../session.ts';
import { type BatchStep, STAGE_SLOT, type Stage } from '../stage.ts';
import { PPP_FRAMING } from './ppp.stage.ts';

export interface MssClampOptions {
  /** Largest inner packet that fits the tunnel, in octets. */
  readonly mtu: number;
}

const PPP_IPV6 = 0x0057;
const IPV6_HEADER_LENGTH = 40;
const TCP_HEADER_LENGTH = 20;
/** RFC 9293 section 3.7.1: no smaller limit makes sense, whatever MTU is configured. */
const SMALLEST_MSS = 64;
/** Inside the peer's MRU: the MPPE header and the protocol field that it encrypts. */
const MPPE_OVERHEAD = 4;

/**
 * Lowers the Maximum Segment Size of TCP SYNs, both ways, to what the tunnel carries without fragments: its MTU, and for
 * what the peer is to receive its MRU too. Everything else, ESP and AH included, leaves byte for byte as it came; IPv6
 * extension headers are not walked.
 */
export class MssClampStage implements Stage {
  readonly name = 'mss-clamp';
  readonly slot = STAGE_SLOT.mssClamp;
  readonly inbound: BatchStep = { process: (batch, from) => this.process(batch, from, true) };
  readonly outbound: BatchStep = { process: (batch, from) => this.process(batch, from, false) };
  private readonly mtu: number;

  constructor(options: MssClampOptions) {
    this.mtu = options.mtu;
  }

  private process(batch: PacketBatch, from: number, fromPeer: boolean): void {
    for (let at = from; at < batch.count; at += 1) {
      batch.cursor = at;
      const index = batch.order[at] ?? 0;
      const offset = batch.offset[index] ?? 0;
      const length = batch.length[index] ?? 0;
      const mtu = fromPeer ? this.mtuTowards(batch.session[index]) : this.mtu;
      if (batch.protocol[index] === PPP_IPV6) clamp6(batch.slab, offset, length, mtu);
      else clamp4(batch.slab, offset, length, mtu);
    }
  }

  private mtuTowards(session: Session | undefined): number {
    const peerMru = session?.get(PPP_FRAMING)?.peerMru;
    return peerMru === undefined ? this.mtu : Math.min(this.mtu, peerMru - MPPE_OVERHEAD);
  }
}

const limit = (mtu: number, headerLength: number): number =>
  Math.max(SMALLEST_MSS, mtu - headerLength - TCP_HEADER_LENGTH);

const clamp4 = (slab: Uint8Array, at: number, length: number, mtu: number): void => {
  if (checkIpv4(slab, at, length) !== 'ok') return;
  if (ipv4Protocol(slab, at) !== IP_PROTOCOL.tcp || isIpv4Fragment(slab, at)) return;
  const header = ipv4HeaderLength(slab, at);
  clampTcpMss(slab, at + header, ipv4TotalLength(slab, at) - header, limit(mtu, IPV4_HEADER_LENGTH));
};

const clamp6 = (slab: Uint8Array, at: number, length: number, mtu: number): void => {
  if (length < IPV6_HEADER_LENGTH || (slab[at] ?? 0) >> 4 !== 6 || slab[at + 6] !== IP_PROTOCOL.tcp) return;
  const payload = readU16(slab, at + 4);
  if (payload > length - IPV6_HEADER_LENGTH) return;
  clampTcpMss(slab, at + IPV6_HEADER_LENGTH, payload, limit(mtu, IPV6_HEADER_LENGTH));
};
