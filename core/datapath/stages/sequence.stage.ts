import type { Observable } from 'rxjs';
import type { Wakeups } from '../../ports/sessions.ts';
import type { Instant } from '../../time.ts';
import { GRE_CHANNEL, GreChannel, type GreChannelOptions, PEER_WINDOW } from '../gre-channel.ts';
import { type PacketBatch, SLOT_SIZE } from '../packet-batch.ts';
import type { Session } from '../session.ts';
import { type BatchStep, STAGE_SLOT, type Stage } from '../stage.ts';

/**
 * GRE sequence numbers of inbound packets (RFC 2637 sections 4.1, 4.3): order, duplicates, late packets, and the
 * acknowledgments that came with them. Early packets wait in the session; when the gap fills they go on right behind the
 * packet that filled it, and when it times out the driver releases them (`releaseDue`) through `released$`.
 */
export class SequenceStage implements Stage {
  readonly name = 'sequence';
  readonly slot = STAGE_SLOT.sequence;
  readonly inbound: BatchStep;
  private readonly wakeups: Wakeups;
  private options: GreChannelOptions;

  constructor(wakeups: Wakeups, options: GreChannelOptions, released$: Observable<PacketBatch>) {
    this.wakeups = wakeups;
    this.options = options;
    this.inbound = { released$, process: (batch, from) => this.process(batch, from) };
  }

  /** For sessions that open from now on. */
  reconfigure(options: GreChannelOptions): void {
    this.options = options;
  }

  open(session: Session): void {
    session.set(GRE_CHANNEL, new GreChannel(this.options, session.get(PEER_WINDOW)));
  }

  /** Appends what may go now, gaps given up included. False: the batch is full and more is waiting. */
  releaseDue(session: Session, now: Instant, into: PacketBatch): boolean {
    const queue = session.get(GRE_CHANNEL)?.queue;
    if (queue === undefined) return true;
    queue.expire(now);
    while (queue.ready) {
      if (into.free === 0) return false;
      const bytes = queue.next();
      const index = bytes === undefined ? -1 : into.append(bytes);
      if (index < 0) continue;
      into.session[index] = session;
      into.sequence[index] = queue.latest;
    }
    return true;
  }

  private process(batch: PacketBatch, from: number): void {
    for (let at = from; at < batch.count; at += 1) {
      batch.cursor = at;
      const index = batch.order[at] ?? 0;
      const session = batch.session[index];
      const channel = session?.get(GRE_CHANNEL);
      if (session === undefined || channel === undefined) batch.drop(index, 'unknown-call');
      else at += this.receive(batch, at, index, session, channel);
    }
  }

  /** Returns how many held packets were put into the order behind position `at`. */
  private receive(batch: PacketBatch, at: number, index: number, session: Session, channel: GreChannel): number {
    const acknowledgment = batch.acknowledgment[index] ?? -1;
    if (acknowledgment >= 0) channel.noteAcknowledgment(acknowledgment, batch.now);
    const sequence = batch.sequence[index] ?? -1;
    if (sequence < 0) {
      batch.divert(index);
      if (channel.mayBeUrgent) this.wakeWhenDue(session, channel);
      return 0;
    }
    const length = batch.length[index] ?? 0;
    const verdict = channel.queue.accept(sequence, batch.slab, batch.offset[index] ?? 0, length, batch.now);
    if (verdict === 'hold') batch.hold(index);
    else if (verdict !== 'deliver') batch.drop(index, verdict);
    const inserted = this.drain(batch, at, session, channel);
    const started = channel.noteReceived(length, batch.now);
    if (started || channel.mayBeUrgent) this.wakeWhenDue(session, channel);
    return inserted;
  }

  private wakeWhenDue(session: Session, channel: GreChannel): void {
    const due = channel.nextTimeout();
    if (due !== undefined) this.wakeups.wake(session, due);
  }

  private drain(batch: PacketBatch, at: number, session: Session, channel: GreChannel): number {
    let inserted = 0;
    while (channel.queue.ready && batch.free > 0) {
      const bytes = channel.queue.next();
      if (bytes === undefined) break;
      const index = batch.takeAfter(at + inserted, bytes.length);
      if (index < 0) break;
      batch.slab.set(bytes, batch.offset[index] ?? index * SLOT_SIZE);
      batch.session[index] = session;
      batch.sequence[index] = channel.queue.latest;
      inserted += 1;
    }
    return inserted;
  }
}
