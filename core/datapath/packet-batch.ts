import type { Ipv4 } from '../bytes/ipv4-address.ts';
import { DROP_REASONS, type DropReason } from '../outcome.ts';
import { type Instant, instant } from '../time.ts';
import type { Session } from './session.ts';

/** Verdict of a live packet; drop reasons follow, the two other fates are at the end. */
const LIVE = 0;
const DIVERTED = 254;
const HELD = 255;

/** Where a packet stands after a stage: still on its way, handed to the session's machines, kept for later, or dropped. */
export type PacketFate = 'live' | 'diverted' | 'held' | DropReason;

const CODE_OF = new Map<DropReason, number>(DROP_REASONS.map((reason, index) => [reason, index + 1]));

/** Octets in front of a packet that outbound stages may prepend to: IPv4 20 + GRE 16 + PPP 4 + MPPE 4, rounded up. */
export const HEADROOM = 64;
/** One slot: head-room and the largest packet of a 1500-octet path with some to spare. */
export const SLOT_SIZE = 2048;

/**
 * A structure of arrays that carries packets of many sessions through the stages. Reused: contents are valid until
 * the subscriber that received the batch returns.
 *
 * Packet `i` is `slab[offset[i] .. offset[i] + length[i])`. The live packets are `order[0 .. count)`, in delivery order:
 * a stage walks `order`, narrows or widens windows in place and gives each packet a fate: live (do nothing), `drop`,
 * `divert` (the stage handed it to the session's machines) or `hold` (the stage copied it and will release it later).
 */
export class PacketBatch {
  readonly capacity: number;
  readonly slab: Uint8Array;
  readonly offset: Int32Array;
  readonly length: Int32Array;
  readonly order: Int32Array;
  readonly session: (Session | undefined)[];
  /** Inbound: the outer source and destination address of each packet. */
  readonly outerSource: Uint32Array;
  readonly outerDestination: Uint32Array;
  /** PPP protocol number of the packet once PPP decode has read it (inbound) or before PPP encode writes it (outbound). */
  readonly protocol: Uint16Array;
  /** Our Call ID that an inbound GRE packet named. */
  readonly callId: Uint16Array;
  /** GRE sequence number of an inbound packet; -1 when it has none. */
  readonly sequence: Float64Array;
  /** GRE acknowledgment number that an inbound packet carried; -1 when it has none. */
  readonly acknowledgment: Float64Array;
  /** When the batch came from its device; stages take this as the time. */
  now: Instant = instant(0);
  /** When the first packet of the batch came to wait in an outbox; undefined for batches of devices. */
  waitingSince: Instant | undefined;
  /** Live packets. */
  count = 0;
  /** Position in `order` that a stage is working on; the bridge blames this packet when the stage throws. */
  cursor = 0;
  /** Packets dropped since the last `compact`. */
  doomed = 0;
  private used = 0;
  /** Whether any packet got a verdict since the last `compact`. */
  private judged = false;
  private readonly verdict: Uint8Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.slab = new Uint8Array(capacity * SLOT_SIZE);
    this.offset = new Int32Array(capacity);
    this.length = new Int32Array(capacity);
    this.order = new Int32Array(capacity);
    this.session = new Array<Session | undefined>(capacity).fill(undefined);
    this.outerSource = new Uint32Array(capacity);
    this.outerDestination = new Uint32Array(capacity);
    this.protocol = new Uint16Array(capacity);
    this.callId = new Uint16Array(capacity);
    this.sequence = new Float64Array(capacity);
    this.acknowledgment = new Float64Array(capacity);
    this.verdict = new Uint8Array(capacity);
  }

  /** Slots not yet taken. */
  get free(): number {
    return this.capacity - this.used;
  }

  /** Slots taken, whatever became of their packets. */
  get taken(): number {
    return this.used;
  }

  clear(): void {
    for (let i = 0; i < this.used; i += 1) this.session[i] = undefined;
    this.count = 0;
    this.waitingSince = undefined;
    this.used = 0;
    this.cursor = 0;
    this.doomed = 0;
    this.judged = false;
  }

  /**
   * Takes the next slot for a packet of `length` octets that starts after the head-room, and appends it to the order.
   * Returns its index, or -1 when the batch is full or the packet does not fit a slot.
   */
  take(length: number): number {
    if (this.used >= this.capacity || length > SLOT_SIZE - HEADROOM) return -1;
    const index = this.used;
    this.used += 1;
    this.reset(index, length);
    this.order[this.count] = index;
    this.count += 1;
    return index;
  }

  /** As `take`, but the packet comes right after position `position` of the order. */
  takeAfter(position: number, length: number): number {
    const index = this.take(length);
    if (index < 0) return -1;
    this.order.copyWithin(position + 2, position + 1, this.count - 1);
    this.order[position + 1] = index;
    return index;
  }

  /** Copies `bytes` into a new slot at the end. Returns its index, or -1. */
  append(bytes: Uint8Array): number {
    const index = this.take(bytes.length);
    if (index >= 0) this.slab.set(bytes, index * SLOT_SIZE + HEADROOM);
    return index;
  }

  /** The packet at slot `index` as a view: valid as long as the batch is, and as long as its window does not move. */
  view(index: number): Uint8Array {
    const at = this.offset[index] ?? 0;
    return this.slab.subarray(at, at + (this.length[index] ?? 0));
  }

  /** Moves the front of the window: positive strips octets, negative makes room in front. */
  strip(index: number, octets: number): void {
    this.offset[index] = (this.offset[index] ?? 0) + octets;
    this.length[index] = (this.length[index] ?? 0) - octets;
  }

  /** Puts `bytes` in place of packet `index`; false (and no change) when they do not fit behind the head-room. */
  replace(index: number, bytes: Uint8Array): boolean {
    if (bytes.length > SLOT_SIZE - HEADROOM) return false;
    const at = index * SLOT_SIZE + HEADROOM;
    this.slab.set(bytes, at);
    this.offset[index] = at;
    this.length[index] = bytes.length;
    return true;
  }

  drop(index: number, reason: DropReason): void {
    this.verdict[index] = CODE_OF.get(reason) ?? 1;
    this.doomed += 1;
    this.judged = true;
  }

  divert(index: number): void {
    this.verdict[index] = DIVERTED;
    this.judged = true;
  }

  hold(index: number): void {
    this.verdict[index] = HELD;
    this.judged = true;
  }

  isLive(index: number): boolean {
    return this.verdict[index] === LIVE;
  }

  /** What became of packet `index` since the last `compact`. */
  fate(index: number): PacketFate {
    const verdict = this.verdict[index] ?? LIVE;
    if (verdict === LIVE) return 'live';
    if (verdict === DIVERTED) return 'diverted';
    if (verdict === HELD) return 'held';
    return DROP_REASONS[verdict - 1] ?? 'malformed';
  }

  /** Closes the gaps in the order. `dropped` is told how many packets went for each reason. */
  compact(dropped: (reason: DropReason, count: number) => void): void {
    if (!this.judged) return;
    this.judged = false;
    const { order, verdict } = this;
    let kept = 0;
    let tally: Map<number, number> | undefined;
    for (let at = 0; at < this.count; at += 1) {
      const index = order[at] ?? 0;
      const fate = verdict[index] ?? LIVE;
      if (fate === LIVE) {
        order[kept] = index;
        kept += 1;
      } else if (fate < DIVERTED) {
        tally ??= new Map();
        tally.set(fate, (tally.get(fate) ?? 0) + 1);
      }
    }
    this.count = kept;
    this.doomed = 0;
    if (tally === undefined) return;
    for (const [code, count] of tally) {
      const reason = DROP_REASONS[code - 1];
      if (reason !== undefined) dropped(reason, count);
    }
  }

  outerEndpoints(index: number, source: Ipv4, destination: Ipv4): void {
    this.outerSource[index] = source;
    this.outerDestination[index] = destination;
  }

  private reset(index: number, length: number): void {
    this.offset[index] = index * SLOT_SIZE + HEADROOM;
    this.length[index] = length;
    this.verdict[index] = LIVE;
    this.session[index] = undefined;
    this.protocol[index] = 0;
    this.sequence[index] = -1;
    this.acknowledgment[index] = -1;
  }
}
