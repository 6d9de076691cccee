import type { Direction, DropReason } from '../outcome.ts';
import type { SpanReference } from '../ports/telemetry.ts';
import type { Instant } from '../time.ts';
import { emptyGreHeader, parseGre } from '../wire/gre.ts';
import { MPPE_HEADER_LENGTH } from '../wire/mppe-header.ts';
import type { BatchJourney, PacketLeg } from './batch-journey.ts';
import type { PacketBatch } from './packet-batch.ts';
import type { PacketQueueName } from './packet-queues.ts';
import type { ActiveRule } from './packet-rules.ts';
import type { Session, SessionView } from './session.ts';
import { SETUP_SPAN } from './setup-span.ts';

/** Work of a stage, or of the device at the end. `packets` were in the batch: times are those of all of them together. */
export interface PacketWork extends PacketLeg {
  readonly kind: 'stage' | 'device';
}

/** Time in which nothing was done: in a queue of `stage`, or in an outbox of the gateway's own packets. */
export interface PacketWait {
  readonly kind: 'queue';
  readonly queue: PacketQueueName | 'outbox';
  readonly stage: string;
  readonly began: Instant;
  readonly ended: Instant;
}

export type PacketStep = PacketWork | PacketWait;

/**
 * `delivered` to the device at the end, `diverted` to the machines of the session, `held` in a queue whose end was not
 * seen, or dropped.
 */
export type PacketOutcome = 'delivered' | 'diverted' | 'held' | DropReason;

/** The way of one packet through the gateway. Steps come in order; the last one decided the outcome. */
export interface PacketTrace {
  /** The rule that chose it. */
  readonly rule: string;
  readonly direction: Direction;
  /** Undefined for packets that belong to none. */
  readonly session: SessionView | undefined;
  readonly setup: SpanReference | undefined;
  /** The stage that made the packet; undefined when it came from a device. */
  readonly origin: string | undefined;
  /** PPP protocol number, of what is inside MPPE or MPPC; undefined when nobody got to it. */
  readonly protocol: number | undefined;
  readonly sequence: number | undefined;
  readonly acknowledgment: number | undefined;
  /** The two octets with bits and coherency count (RFC 3078 section 3.1). */
  readonly mppeHeader: number | undefined;
  readonly began: Instant;
  readonly ended: Instant;
  readonly steps: readonly PacketStep[];
  readonly outcome: PacketOutcome;
  /** Packets chosen since the trace before this one, and not traced because too many were in that second. */
  readonly suppressed: number;
}

const COMPRESSED_DATAGRAM = 0x00fd;
/** Behind these the window of an outbound packet begins with its GRE header. */
const GRE_STAGES: ReadonlySet<string> = new Set(['gre', 'gre-socket']);
const MPPE_STAGE = 'mppe';
/** Reused. */
const greHeader = emptyGreHeader();

const known = (number: number | undefined): number | undefined =>
  number === undefined || number < 0 ? undefined : number;

/** Where a packet came into view. */
export interface PacketSource {
  readonly direction: Direction;
  readonly origin: string | undefined;
  readonly began: Instant;
  readonly earlier: readonly PacketStep[];
}

/** What was read off the packet on its way. */
interface Notes {
  protocol?: number | undefined;
  sequence?: number | undefined;
  acknowledgment?: number | undefined;
  mppeHeader?: number | undefined;
}

/** A packet that is followed: in one slot of one batch, or waiting in a queue. */
export class TracedPacket {
  /** Undefined: told of only if it is dropped, and a rule for drops chooses it then. */
  readonly rule: ActiveRule | undefined;
  readonly session: Session | undefined;
  readonly index: number;
  /** What happened before this batch. */
  readonly steps: readonly PacketStep[];
  private readonly source: PacketSource;
  private readonly notes: Notes;

  constructor(
    rule: ActiveRule | undefined,
    session: Session | undefined,
    index: number,
    source: PacketSource,
    steps: readonly PacketStep[] = source.earlier,
    notes: Notes = {},
  ) {
    this.rule = rule;
    this.session = session;
    this.index = index;
    this.source = source;
    this.steps = steps;
    this.notes = notes;
  }

  /** The same packet, kept in a queue. */
  paused(steps: readonly PacketStep[]): TracedPacket {
    return new TracedPacket(this.rule, this.session, this.index, this.source, steps, this.notes);
  }

  /** The same packet, out of its queue and in a slot of another batch. */
  resumed(index: number, wait: PacketWait): TracedPacket {
    return new TracedPacket(this.rule, this.session, index, this.source, [...this.steps, wait], this.notes);
  }

  /** Reads what is in the batch about this packet after `stage` has worked. */
  note(batch: PacketBatch, stage: string): void {
    const { index, notes } = this;
    const at = batch.offset[index] ?? 0;
    const length = batch.length[index] ?? 0;
    const protocol = batch.protocol[index] ?? 0;
    const inbound = this.source.direction === 'in';
    if (inbound) {
      // Who writes these columns writes them once.
      notes.sequence ??= known(batch.sequence[index]);
      notes.acknowledgment ??= known(batch.acknowledgment[index]);
    } else if (GRE_STAGES.has(stage) && parseGre(batch.slab, at, length, greHeader) === undefined) {
      notes.sequence = known(greHeader.sequence);
      notes.acknowledgment = known(greHeader.acknowledgment);
    }
    if (protocol > 0 && protocol !== COMPRESSED_DATAGRAM) notes.protocol = protocol;
    // Outbound the protocol stays while PPP and GRE put their headers in front.
    const hasMppeHeader = protocol === COMPRESSED_DATAGRAM && (inbound || stage === MPPE_STAGE);
    if (!hasMppeHeader || length < MPPE_HEADER_LENGTH) return;
    notes.mppeHeader ??= ((batch.slab[at] ?? 0) << 8) | (batch.slab[at + 1] ?? 0);
  }

  /** All steps so far. */
  stepsIn(journey: BatchJourney): PacketStep[] {
    const legs = journey.legsOf(this.index).map((leg): PacketStep => ({ kind: 'stage', ...leg }));
    return [...this.steps, ...legs];
  }

  trace(rule: string, steps: readonly PacketStep[], outcome: PacketOutcome, suppressed: number): PacketTrace {
    const { session, source, notes } = this;
    return {
      rule,
      direction: source.direction,
      session,
      setup: session?.get(SETUP_SPAN),
      origin: source.origin,
      protocol: notes.protocol,
      sequence: notes.sequence,
      acknowledgment: notes.acknowledgment,
      mppeHeader: notes.mppeHeader,
      began: source.began,
      ended: steps.at(-1)?.ended ?? source.began,
      steps,
      outcome,
      suppressed,
    };
  }
}
