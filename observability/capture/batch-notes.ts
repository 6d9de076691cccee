import type { PacketBatch } from '../../core/datapath/packet-batch.ts';
import type { CaptureRecord } from './capture-queue.ts';

/** What one capture knows of the packets in one reused batch, by slot. */
export class BatchNotes {
  private readonly offsets: Int32Array;
  private readonly lengths: Int32Array;
  /** Slots below that still await their session. */
  private fresh = 0;
  private readonly records: (CaptureRecord | undefined)[] = [];
  private readonly settled: boolean[] = [];

  constructor(batch: PacketBatch) {
    this.offsets = new Int32Array(batch.capacity);
    this.lengths = new Int32Array(batch.capacity);
  }

  /** New packets came from a device. Their windows are kept: stages narrow them before the session is known. */
  begin(batch: PacketBatch): void {
    this.forget();
    this.fresh = batch.taken;
    this.offsets.set(batch.offset);
    this.lengths.set(batch.length);
  }

  /** New packets that no device brought. */
  forget(): void {
    this.fresh = 0;
    this.records.length = 0;
    this.settled.length = 0;
  }

  /** The packet's first window, once; undefined for one that did not come from a device. */
  settle(index: number): { readonly from: number; readonly length: number } | undefined {
    if (index >= this.fresh || this.settled[index] === true) return undefined;
    this.settled[index] = true;
    return { from: this.offsets[index] ?? 0, length: this.lengths[index] ?? 0 };
  }

  /** The packet at the last point that it passed. */
  record(index: number): CaptureRecord | undefined {
    return this.records[index];
  }

  keep(index: number, record: CaptureRecord): void {
    this.records[index] = record;
  }
}
