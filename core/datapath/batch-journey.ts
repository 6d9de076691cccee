import type { Direction } from '../outcome.ts';
import { type Instant, instant } from '../time.ts';
import type { PacketBatch } from './packet-batch.ts';

/** One stage on the way of a batch. */
interface Leg {
  stage: string;
  began: Instant;
  ended: Instant;
  /** Packets in the batch when the stage had worked, those that it dropped included. */
  packets: number;
  /** Slots that were taken before the stage: later ones hold packets that it, or one after it, put in. */
  takenBefore: number;
  /** Lengths by slot, before the stage. */
  lengths: Int32Array;
}

const newLeg = (): Leg => ({
  stage: '',
  began: instant(0),
  ended: instant(0),
  packets: 0,
  takenBefore: 0,
  lengths: new Int32Array(0),
});

/** What a stage did with one packet. */
export interface PacketLeg {
  readonly stage: string;
  readonly began: Instant;
  readonly ended: Instant;
  readonly packets: number;
  readonly octetsIn: number;
  readonly octetsOut: number;
}

/**
 * The way of one batch so far: times of the stages and lengths between them, kept for the whole batch at once, so that
 * the way of any packet in it can be told afterwards. Reused for batch after batch; allocates only while it grows.
 */
export class BatchJourney {
  batch: PacketBatch | undefined;
  direction: Direction = 'in';
  began: Instant = instant(0);
  /** Slots taken so far. */
  taken = 0;
  private depth = 0;
  private readonly legs: Leg[] = [];

  start(batch: PacketBatch, direction: Direction): void {
    this.batch = batch;
    this.direction = direction;
    this.began = batch.now;
    this.taken = batch.taken;
    this.depth = 0;
    this.noteLengths(batch);
  }

  add(batch: PacketBatch, stage: string, began: Instant, ended: Instant): void {
    const leg = this.leg(this.depth);
    leg.stage = stage;
    leg.began = began;
    leg.ended = ended;
    leg.packets = batch.count;
    leg.takenBefore = this.taken;
    this.taken = batch.taken;
    this.depth += 1;
    this.noteLengths(batch);
  }

  /** When the last stage was done. */
  lastEnded(): Instant {
    return this.legs[this.depth - 1]?.ended ?? this.began;
  }

  /** The stages that worked on the packet in slot `index`, in order. */
  legsOf(index: number): PacketLeg[] {
    const way: PacketLeg[] = [];
    for (let at = 0; at < this.depth; at += 1) {
      const leg = this.legs[at];
      if (leg === undefined || index >= leg.takenBefore) continue;
      const { stage, began, ended, packets, lengths } = leg;
      const octetsOut = this.legs[at + 1]?.lengths[index] ?? 0;
      way.push({ stage, began, ended, packets, octetsIn: lengths[index] ?? 0, octetsOut });
    }
    return way;
  }

  private noteLengths(batch: PacketBatch): void {
    const leg = this.leg(this.depth);
    if (leg.lengths.length < batch.capacity) leg.lengths = new Int32Array(batch.capacity);
    const { lengths } = leg;
    for (let index = 0; index < batch.taken; index += 1) lengths[index] = batch.length[index] ?? 0;
  }

  private leg(at: number): Leg {
    const found = this.legs[at];
    if (found !== undefined) return found;
    const made = newLeg();
    this.legs[at] = made;
    return made;
  }
}
