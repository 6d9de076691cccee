import type { Direction, DropReason } from '../../core/outcome.ts';

/** One packet at one point, until it is written. */
export interface CaptureRecord {
  /** Position of the point among those of the capture. */
  readonly point: number;
  /** Microseconds since 1970. */
  readonly time: number;
  readonly direction: Direction;
  readonly bytes: Uint8Array;
  readonly originalLength: number;
  /** The same for one packet at several points. */
  readonly packetId: number;
  /** Packets lost at this point since the one before. */
  readonly lostBefore: number;
  /** What became of the packet behind this point; added to as long as the record waits. */
  remarks: string[];
}

export interface PointNumbers {
  /** Packets that the capture was to take, and those that found no room. */
  seen: number;
  lost: number;
  written: number;
  /** Packets that the gateway dropped behind this point, by stage and reason. */
  readonly drops: Map<string, number>;
}

/** What a record costs besides its octets. */
const OVERHEAD = 200;

/**
 * Between the data path and the reader: bounded, so that a slow reader costs captured packets and never those of the
 * gateway. Everything lost is counted.
 */
export class CaptureQueue {
  readonly points: readonly PointNumbers[];
  private readonly room: number;
  private readonly most: number;
  private readonly waiting: CaptureRecord[] = [];
  private readonly lostSince: number[];
  private octets = 0;
  private accepted = 0;

  /** `room` in octets; `most` packets are taken in all. */
  constructor(points: number, room: number, most: number) {
    this.points = Array.from({ length: points }, () => ({ seen: 0, lost: 0, written: 0, drops: new Map() }));
    this.lostSince = new Array<number>(points).fill(0);
    this.room = room;
    this.most = most;
  }

  get length(): number {
    return this.waiting.length;
  }

  /** As many packets as were asked for have been taken. */
  get isComplete(): boolean {
    return this.accepted >= this.most;
  }

  /** Whether a packet of `length` octets at `point` has room; one that has none is counted. */
  admits(point: number, length: number): boolean {
    const numbers = this.points[point];
    if (numbers === undefined || this.isComplete) return false;
    numbers.seen += 1;
    if (this.octets + length + OVERHEAD <= this.room) return true;
    numbers.lost += 1;
    this.lostSince[point] = (this.lostSince[point] ?? 0) + 1;
    return false;
  }

  /** Takes a packet that was admitted. */
  put(packet: Omit<CaptureRecord, 'lostBefore' | 'remarks'>): CaptureRecord {
    const record = { ...packet, lostBefore: this.lostSince[packet.point] ?? 0, remarks: [] };
    this.lostSince[packet.point] = 0;
    this.waiting.push(record);
    this.octets += record.bytes.length + OVERHEAD;
    this.accepted += 1;
    return record;
  }

  noteDrop(point: number, stage: string, reason: DropReason): void {
    const drops = this.points[point]?.drops;
    const key = `${stage} ${reason}`;
    drops?.set(key, (drops.get(key) ?? 0) + 1);
  }

  /** The oldest records, about `octets` of them. */
  take(octets: number): readonly CaptureRecord[] {
    let count = 0;
    let sum = 0;
    for (const record of this.waiting) {
      if (sum >= octets) break;
      sum += record.bytes.length + OVERHEAD;
      count += 1;
      const numbers = this.points[record.point];
      if (numbers !== undefined) numbers.written += 1;
    }
    this.octets -= sum;
    return this.waiting.splice(0, count);
  }
}
