import type { Ipv4 } from '../../bytes/ipv4-address.ts';
import type { Ipv6 } from '../../bytes/ipv6-address.ts';
import type { Instant } from '../../time.ts';
import { fragmentationNeeded, mayAnswerIpv4 } from '../../wire/icmpv4.ts';
import { mayAnswerIpv6, packetTooBig } from '../../wire/icmpv6.ts';
import { ipv4TotalLength } from '../../wire/ipv4.ts';
import { fragmentIpv4, isDontFragment } from '../../wire/ipv4-fragment.ts';
import type { PacketBatch } from '../packet-batch.ts';
import type { Session } from '../session.ts';
import { defineSlot } from '../slots.ts';
import { type BatchStep, STAGE_SLOT, type Stage } from '../stage.ts';
import { PPP_FRAMING } from './ppp.stage.ts';

export interface MtuOptions {
  /** Octets that the stages below add inside the peer's MRU: 4 where MPPE is possible. */
  readonly overhead: number;
  /** Where our ICMP answers come from. */
  readonly source: Ipv4;
  readonly source6: Ipv6 | undefined;
}

/** Takes answers for the intranet; `bytes` is a whole IP packet. May drop, and then counts it. */
export type MtuAnswers = (session: Session, bytes: Uint8Array) => void;

/** Answers per session: a burst, and so many per second after it (RFC 1812 section 4.3.2.8). */
const BURST = 10;
const PER_SECOND = 10;
const SECOND_MS = 1000;
const PPP_IPV6 = 0x0057;

interface Budget {
  left: number;
  since: Instant;
}
const BUDGET = defineSlot<Budget>('mtu-answers');

/**
 * What does not fit the peer's MRU is never lost in silence. The kernel keeps packets within the MTU of the tunnel
 * device; a peer that takes less than that is met here. IPv4 without DF is sent in fragments, everything else is dropped
 * as `too-big` and its sender told the size that fits (RFC 1191, RFC 8201), within a rate.
 */
export class MtuStage implements Stage {
  readonly name = 'mtu';
  readonly slot = STAGE_SLOT.mtu;
  readonly outbound: BatchStep = { process: (batch, from) => this.process(batch, from) };
  private readonly options: MtuOptions;
  private readonly answer: MtuAnswers;

  constructor(options: MtuOptions, answer: MtuAnswers) {
    this.options = options;
    this.answer = answer;
  }

  private process(batch: PacketBatch, from: number): void {
    for (let at = from; at < batch.count; at += 1) {
      batch.cursor = at;
      const index = batch.order[at] ?? 0;
      const session = batch.session[index];
      const peerMru = session?.get(PPP_FRAMING)?.peerMru;
      if (session === undefined || peerMru === undefined) continue;
      const limit = peerMru - this.options.overhead;
      if ((batch.length[index] ?? 0) <= limit) continue;
      if (batch.protocol[index] === PPP_IPV6) this.refuseIpv6(batch, index, session, limit);
      else this.tooBigIpv4(batch, at, index, session, limit);
    }
  }

  private refuseIpv6(batch: PacketBatch, index: number, session: Session, limit: number): void {
    const { source6 } = this.options;
    const packet = batch.view(index);
    if (source6 !== undefined && mayAnswerIpv6(packet, 0) && mayAnswer(session, batch.now)) {
      this.answer(session, packetTooBig(packet, source6, limit));
    }
    batch.drop(index, 'too-big');
  }

  private tooBigIpv4(batch: PacketBatch, at: number, index: number, session: Session, limit: number): void {
    const packet = batch.view(index);
    const length = ipv4TotalLength(packet, 0);
    if (length <= limit) {
      // Only the octets behind the packet are too many.
      batch.length[index] = length;
      return;
    }
    if (isDontFragment(packet, 0)) {
      if (mayAnswerIpv4(packet, 0) && mayAnswer(session, batch.now)) {
        this.answer(session, fragmentationNeeded(packet, this.options.source, limit));
      }
      batch.drop(index, 'too-big');
      return;
    }
    const pieces = fragmentIpv4(packet, limit);
    const [first, ...rest] = pieces ?? [];
    if (first === undefined || rest.length > batch.free || !batch.replace(index, first)) {
      batch.drop(index, 'too-big');
      return;
    }
    for (const [number, piece] of rest.entries()) {
      const extra = batch.takeAfter(at + number, piece.length);
      batch.slab.set(piece, batch.offset[extra] ?? 0);
      batch.session[extra] = session;
      batch.protocol[extra] = batch.protocol[index] ?? 0;
    }
  }
}

/** Whether another ICMP answer about packets of this session is within the rate; it is counted if so. */
export const mayAnswer = (session: Session, now: Instant): boolean => {
  let budget = session.get(BUDGET);
  if (budget === undefined) {
    budget = { left: BURST, since: now };
    session.set(BUDGET, budget);
  }
  const refill = Math.floor(((now - budget.since) * PER_SECOND) / SECOND_MS);
  if (refill > 0) {
    budget.left = Math.min(BURST, budget.left + refill);
    budget.since = now;
  }
  if (budget.left === 0) return false;
  budget.left -= 1;
  return true;
};
