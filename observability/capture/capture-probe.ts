import type { PacketBatch } from '../../core/datapath/packet-batch.ts';
import { dropAtDevice, type PipelineProbe } from '../../core/datapath/probe.ts';
import type { SessionView } from '../../core/datapath/session.ts';
import { STAGE_SLOT } from '../../core/datapath/stage.ts';
import type { Direction, DropReason } from '../../core/outcome.ts';
import type { Instant } from '../../core/time.ts';
import { PPP } from '../../core/wire/ppp.ts';
import { BatchNotes } from './batch-notes.ts';
import type { CaptureQueue, CaptureRecord } from './capture-queue.ts';
import { PICTURE_OVERHEAD, PICTURES } from './pictures.ts';
import type { CapturePoint, Plan } from './points.ts';

export interface ProbeOptions {
  readonly points: readonly CapturePoint[];
  readonly plan: Plan;
  /** Undefined takes everything, packets of no session too. */
  readonly wants: ((session: SessionView) => boolean) | undefined;
  /** Show authentication frames whole. */
  readonly secrets: boolean;
  readonly now: () => Instant;
  /** Microseconds since 1970. */
  readonly wallClock: (at: Instant) => number;
  /** A packet waits to be written. Called from inside a batch. */
  readonly filled: () => void;
}

/** A packet in a batch, for the length of one call. */
interface Sight {
  readonly batch: PacketBatch;
  readonly notes: BatchNotes;
  readonly direction: Direction;
  readonly at: Instant;
}

const DEVICE_POINT: Readonly<Record<Direction, { readonly first: CapturePoint; readonly last: CapturePoint }>> = {
  in: { first: 'gre', last: 'tun' },
  out: { first: 'tun', last: 'gre' },
};

/** Copies the packets that a capture wants into its queue, and remarks on them what became of them. */
export class CaptureProbe implements PipelineProbe {
  readonly name = 'capture';
  private readonly options: ProbeOptions;
  private readonly queue: CaptureQueue;
  /** Position of each point among those of the capture. */
  private readonly positions: ReadonlyMap<CapturePoint, number>;
  private readonly known = new WeakMap<PacketBatch, BatchNotes>();
  private packets = 0;

  constructor(options: ProbeOptions, queue: CaptureQueue) {
    this.options = options;
    this.queue = queue;
    this.positions = new Map(options.points.map((point, position) => [point, position]));
  }

  entering(batch: PacketBatch): void {
    this.notesOf(batch).begin(batch);
  }

  joining(batch: PacketBatch, stage: string, direction: Direction): void {
    const notes = this.notesOf(batch);
    notes.forget();
    const plan = this.options.plan[direction].get(stage);
    if (plan === undefined) return;
    const sight = { batch, notes, direction, at: batch.now };
    for (let position = 0; position < batch.count; position += 1) {
      const index = batch.order[position] ?? 0;
      for (const point of plan.points) this.look(sight, index, point);
      if (plan.joinsClear && batch.protocol[index] !== PPP.compressed) this.look(sight, index, 'decrypted');
    }
  }

  worked(batch: PacketBatch, stage: string, direction: Direction, _began: Instant, ended: Instant): void {
    const plan = this.options.plan[direction].get(stage);
    if (plan === undefined) return;
    const sight = { batch, notes: this.notesOf(batch), direction, at: ended };
    for (let position = 0; position < batch.count; position += 1) {
      const index = batch.order[position] ?? 0;
      const fate = batch.fate(index);
      if (plan.settles || fate !== 'live') this.settle(sight, index);
      if (fate === 'live') for (const point of plan.points) this.look(sight, index, point);
      else if (fate === 'held') sight.notes.record(index)?.remarks.push(`held by ${stage}`);
      else if (fate !== 'diverted') this.drop(sight, index, plan.slot, stage, fate);
      // Frames for the machines are in the clear and go no further.
      else if (direction === 'in' && plan.slot === STAGE_SLOT.ppp) this.look(sight, index, 'decrypted');
    }
  }

  leaving(batch: PacketBatch, device: string, direction: Direction, accepted: number): void {
    const sight = { batch, notes: this.notesOf(batch), direction, at: this.options.now() };
    for (let position = 0; position < batch.count; position += 1) {
      const index = batch.order[position] ?? 0;
      this.look(sight, index, DEVICE_POINT[direction].last);
      const reason = dropAtDevice(batch, position, accepted);
      if (reason !== undefined) this.remarkDrop(sight.notes.record(index), device, reason);
    }
  }

  /** A packet as it came from its device, once its session is known or it ends without one. */
  private settle({ batch, notes, direction }: Sight, index: number): void {
    const window = notes.settle(index);
    if (window === undefined) return;
    const sight = { batch, notes, direction, at: batch.now };
    this.look(sight, index, DEVICE_POINT[direction].first, window.from, window.length);
  }

  private drop(sight: Sight, index: number, slot: number, stage: string, reason: DropReason): void {
    if (sight.notes.record(index) === undefined) {
      const point = pointOfDrop(sight, index, slot);
      if (point !== undefined) this.look(sight, index, point);
    }
    this.remarkDrop(sight.notes.record(index), stage, reason);
  }

  private remarkDrop(record: CaptureRecord | undefined, stage: string, reason: DropReason): void {
    if (record === undefined) return;
    record.remarks.push(`dropped by ${stage}: ${reason}`);
    this.queue.noteDrop(record.point, stage, reason);
  }

  private look(
    { batch, notes, direction, at }: Sight,
    index: number,
    point: CapturePoint,
    from = batch.offset[index] ?? 0,
    length = batch.length[index] ?? 0,
  ): void {
    const position = this.positions.get(point);
    if (position === undefined) return;
    const { wants, secrets } = this.options;
    const session = batch.session[index];
    if (wants !== undefined && (session === undefined || !wants(session))) return;
    if (!this.queue.admits(position, length + PICTURE_OVERHEAD)) return;
    const picture = PICTURES[point]({ batch, index, from, length, direction, secrets });
    const record = this.queue.put({
      point: position,
      time: this.options.wallClock(at),
      direction,
      ...picture,
      packetId: notes.record(index)?.packetId ?? this.nextPacket(),
    });
    if (picture.bytes.length < picture.originalLength) record.remarks.push(CUT_REMARK);
    notes.keep(index, record);
    this.options.filled();
  }

  private nextPacket(): number {
    this.packets += 1;
    return this.packets;
  }

  private notesOf(batch: PacketBatch): BatchNotes {
    let notes = this.known.get(batch);
    if (notes === undefined) {
      notes = new BatchNotes(batch);
      this.known.set(batch, notes);
    }
    return notes;
  }
}

/** Authentication frames, what quotes them, and what is no PPTP (mask.ts). */
const CUT_REMARK = 'cut: the rest is captured with --decrypted only';

/** The form of a packet that a stage dropped and that no point of the capture has seen before. */
const pointOfDrop = ({ batch, direction }: Sight, index: number, slot: number): CapturePoint | undefined => {
  if (direction === 'out') return slot > STAGE_SLOT.mppe && slot < STAGE_SLOT.address ? 'decrypted' : undefined;
  if (slot < STAGE_SLOT.ppp) return slot > STAGE_SLOT.demux ? 'ppp' : undefined;
  const protocol = batch.protocol[index];
  return slot > STAGE_SLOT.mppe && (protocol === PPP.ipv4 || protocol === PPP.ipv6) ? 'tun' : undefined;
};
