import type { Observable } from 'rxjs';
import type { Direction } from '../../outcome.ts';
import type { Instant } from '../../time.ts';
import type { PacketBatch } from '../packet-batch.ts';
import type { Session } from '../session.ts';
import { SESSION_USAGE, UsageCounters } from '../session-usage.ts';
import { SESSION_SHAPE, type SessionShape, type TrafficEvents } from '../shape.ts';
import { type ShapedFlow, waitingCost } from '../shape-flow.ts';
import type { BatchStep, Stage } from '../stage.ts';
import { isUsedUp, tellOnce } from './traffic-quota.ts';

/** Behind the source guard, and behind the route lookup: what is judged is known to be an IP packet of its session. */
const IN_SLOT = 820;
const OUT_SLOT = 790;

const PPP_IPV6 = 0x0057;

/** What makes a packet of this protocol one of the session; it is another one after the session has lost its address. */
const ownerOf = ({ address, ipv6 }: Session, protocol: number): unknown =>
  protocol === PPP_IPV6 ? ipv6?.prefix : address;

/** What packets that wait may take in all sessions of one direction together, in octets (`waitingCost`). */
const MOST_WAITING = 64 * 1024 * 1024;

/** Looks after packets that wait: calls `releaseDue` no later than `at`, and for as long as the session has a `dueAt`. */
export interface TrafficWaits {
  wait(session: Session, at: Instant): void;
  /** The session is over, and nothing of it waits any more. */
  forget(session: Session): void;
}

export interface TrafficGateDeps {
  readonly events: TrafficEvents;
  readonly waits: TrafficWaits;
  /** What `releaseDue` has let go. */
  readonly released$: Observable<PacketBatch>;
}

/**
 * `traffic-in` and `traffic-out`: the filter of the session, its quota, its rate. What is above the rate waits for a short
 * time, in order, and is dropped as `rate-limited` beyond that. A session without a shape costs the look-up of its slot.
 * Inbound it is the last that judges a packet, so it counts it as well; outbound that is done further down
 * (`TrafficCountStage`).
 */
export class TrafficGateStage implements Stage {
  readonly name: string;
  readonly slot: number;
  readonly inbound?: BatchStep;
  readonly outbound?: BatchStep;
  private readonly direction: Direction;
  private readonly events: TrafficEvents;
  private readonly waits: TrafficWaits;
  private waiting = 0;

  constructor(direction: Direction, { events, waits, released$ }: TrafficGateDeps) {
    this.direction = direction;
    this.events = events;
    this.waits = waits;
    this.name = `traffic-${direction}`;
    this.slot = direction === 'in' ? IN_SLOT : OUT_SLOT;
    const process = (batch: PacketBatch, from: number): void => this.process(batch, from);
    if (direction === 'in') this.inbound = { process, released$ };
    else this.outbound = { process, released$ };
  }

  open(session: Session): void {
    if (session.get(SESSION_USAGE) === undefined) session.set(SESSION_USAGE, new UsageCounters());
  }

  close(session: Session): void {
    this.waiting -= session.get(SESSION_SHAPE)?.flow(this.direction)?.clear() ?? 0;
    this.waits.forget(session);
  }

  /** Appends what may go now. False: the batch has half of what it could take, and more is waiting. */
  releaseDue(session: Session, now: Instant, into: PacketBatch): boolean {
    const flow = session.get(SESSION_SHAPE)?.flow(this.direction);
    if (flow === undefined) return true;
    // As batches of devices: stages behind may make fragments.
    while (into.free > into.taken) {
      const packet = flow.take(now);
      if (packet === undefined) return true;
      this.waiting -= waitingCost(packet.bytes.length);
      // The address may be another session's by now, and the source guard has let the packet pass before.
      if (packet.owner !== ownerOf(session, packet.protocol)) continue;
      const index = into.append(packet.bytes);
      into.session[index] = session;
      into.protocol[index] = packet.protocol;
      if (this.direction === 'in') this.count(session, session.get(SESSION_USAGE), packet.bytes.length);
    }
    return false;
  }

  /** When `releaseDue` has something to do; undefined when nothing waits. */
  dueAt(session: Session, now: Instant): Instant | undefined {
    return session.get(SESSION_SHAPE)?.flow(this.direction)?.dueAt(now);
  }

  private process(batch: PacketBatch, from: number): void {
    const { direction } = this;
    let session: Session | undefined;
    let usage: UsageCounters | undefined;
    let shape: SessionShape | undefined;
    for (let at = from; at < batch.count; at += 1) {
      batch.cursor = at;
      const index = batch.order[at] ?? 0;
      const its = batch.session[index];
      if (its !== session) {
        session = its;
        usage = its?.get(SESSION_USAGE);
        shape = its?.get(SESSION_SHAPE);
      }
      if (session === undefined) continue;
      if (shape !== undefined && !this.lets(batch, index, session, shape, usage)) continue;
      if (direction === 'in' && usage !== undefined) {
        usage.packetsIn += 1;
        usage.octetsIn += batch.length[index] ?? 0;
        if (shape !== undefined && isUsedUp(shape, usage)) tellOnce(session, shape, this.events);
      }
    }
  }

  /** Whether the packet goes on at once; otherwise it has its fate. */
  private lets(
    batch: PacketBatch,
    index: number,
    session: Session,
    shape: SessionShape,
    usage: UsageCounters | undefined,
  ): boolean {
    const { direction } = this;
    if (shape.filter?.allows(direction, batch.slab, batch.offset[index] ?? 0) === false) {
      batch.drop(index, 'policy');
      return false;
    }
    if (usage !== undefined && isUsedUp(shape, usage)) {
      // Also a quota that was lowered below what has passed.
      tellOnce(session, shape, this.events);
      batch.drop(index, 'policy');
      return false;
    }
    const flow = shape.flow(direction);
    if (flow === undefined || flow.passes(batch.length[index] ?? 0, batch.now)) return true;
    this.keep(batch, index, session, flow);
    return false;
  }

  private keep(batch: PacketBatch, index: number, session: Session, flow: ShapedFlow): void {
    const length = batch.length[index] ?? 0;
    if (!flow.hasRoom(length) || this.waiting + waitingCost(length) > MOST_WAITING) {
      batch.drop(index, 'rate-limited');
      return;
    }
    const protocol = batch.protocol[index] ?? 0;
    flow.put(protocol, batch.view(index), ownerOf(session, protocol));
    this.waiting += waitingCost(length);
    batch.hold(index);
    if (flow.length > 1) return;
    const due = flow.dueAt(batch.now);
    if (due !== undefined) this.waits.wait(session, due);
  }

  private count(session: Session, usage: UsageCounters | undefined, octets: number): void {
    if (usage === undefined) return;
    usage.packetsIn += 1;
    usage.octetsIn += octets;
    const shape = session.get(SESSION_SHAPE);
    if (shape !== undefined && isUsedUp(shape, usage)) tellOnce(session, shape, this.events);
  }
}
