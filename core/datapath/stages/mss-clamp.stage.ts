import { readU16 } from '../../bytes/bytes.ts';
import {
  checkIpv4,
  IP_PROTOCOL,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4TotalLength,
  isIpv4Fragment,
} from '../../wire/ipv4.ts';
import { clampTcpMss } from '../../wire/tcp.ts';
import type { PacketBatch } from '../packet-batch.ts';
import { type BatchStep, STAGE_SLOT, type Stage } from '../stage.ts';

export interface MssClampOptions {
  /** Largest inner packet that fits the tunnel, in octets. */
  readonly mtu: number;
}

const PPP_IPV6 = 0x0057;
const IPV6_HEADER_LENGTH = 40;
const TCP_HEADER_LENGTH = 20;
/** RFC 9293 section 3.7.1: no smaller limit makes sense, whatever MTU is configured. */
const SMALLEST_MSS = 64;

/**
 * Lowers the Maximum Segment Size of TCP SYNs, both ways, to what the tunnel carries without fragments. Everything
 * else, ESP and AH included, leaves byte for byte as it came; IPv6 extension headers are not walked.
 */
export class MssClampStage implements Stage {
  readonly name = 'mss-clamp';
  readonly slot = STAGE_SLOT.mssClamp;
  readonly inbound: BatchStep;
  readonly outbound: BatchStep;
  private readonly limit4: number;
  private readonly limit6: number;

  constructor(options: MssClampOptions) {
    this.limit4 = Math.max(SMALLEST_MSS, options.mtu - 20 - TCP_HEADER_LENGTH);
    this.limit6 = Math.max(SMALLEST_MSS, options.mtu - IPV6_HEADER_LENGTH - TCP_HEADER_LENGTH);
    const step: BatchStep = { process: (batch, from) => this.process(batch, from) };
    this.inbound = step;
    this.outbound = step;
  }

  private process(batch: PacketBatch, from: number): void {
    for (let at = from; at < batch.count; at += 1) {
      batch.cursor = at;
      const index = batch.order[at] ?? 0;
      const offset = batch.offset[index] ?? 0;
      const length = batch.length[index] ?? 0;
      if (batch.protocol[index] === PPP_IPV6) this.clamp6(batch.slab, offset, length);
      else this.clamp4(batch.slab, offset, length);
    }
  }

  private clamp4(slab: Uint8Array, at: number, length: number): void {
    if (checkIpv4(slab, at, length) !== 'ok') return;
    if (ipv4Protocol(slab, at) !== IP_PROTOCOL.tcp || isIpv4Fragment(slab, at)) return;
    const header = ipv4HeaderLength(slab, at);
    clampTcpMss(slab, at + header, ipv4TotalLength(slab, at) - header, this.limit4);
  }

  private clamp6(slab: Uint8Array, at: number, length: number): void {
    if (length < IPV6_HEADER_LENGTH || (slab[at] ?? 0) >> 4 !== 6 || slab[at + 6] !== IP_PROTOCOL.tcp) return;
    const payload = readU16(slab, at + 4);
    if (payload > length - IPV6_HEADER_LENGTH) return;
    clampTcpMss(slab, at + IPV6_HEADER_LENGTH, payload, this.limit6);
  }
}
