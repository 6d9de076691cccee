import { type Observable, Subject } from 'rxjs';
import { ipv4 } from '../../core/bytes/ipv4-address.ts';
import { PacketBatch } from '../../core/datapath/packet-batch.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { PacketIo } from '../../core/ports/packet-io.ts';
import { PacketQueue, type StoredPacket, storePacket } from './packet-queue.ts';

export interface MemoryOptions {
  /** Packets each side can hold before it refuses. */
  readonly capacity?: number;
  /** Runs a delivery later, never at once: a device does not call back from inside `write`. */
  readonly defer?: (task: () => void) => void;
}

const BATCH = 64;

/** The part common to all in-memory devices: a bounded inbox that is emptied in batches. */
export abstract class MemoryDevice implements PacketIo {
  readonly name: string;
  readonly batches$: Observable<PacketBatch>;
  private readonly delivered$ = new Subject<PacketBatch>();
  private readonly batch = new PacketBatch(2 * BATCH);
  private readonly inbox: PacketQueue;
  private readonly defer: (task: () => void) => void;
  private scheduled = false;
  private running = false;

  protected constructor(name: string, options: MemoryOptions) {
    this.name = name;
    this.batches$ = this.delivered$.asObservable();
    this.inbox = new PacketQueue(options.capacity ?? 1024);
    this.defer = options.defer ?? ((task) => void setImmediate(task));
  }

  get isRunning(): boolean {
    return this.running;
  }

  async start(signal: CancelSignal): Promise<void> {
    if (!signal.aborted) this.running = true;
  }

  async stop(): Promise<void> {
    this.running = false;
    this.inbox.clear();
    this.delivered$.complete();
  }

  /** The device dies: subscribers learn of it as of a real device. */
  fail(cause: unknown): void {
    this.running = false;
    this.delivered$.error(cause);
  }

  write(batch: PacketBatch): number {
    if (!this.running) return 0;
    let accepted = 0;
    while (accepted < batch.count && this.emit(storePacket(batch, batch.order[accepted] ?? 0))) accepted += 1;
    return accepted;
  }

  /** Where a written packet goes; false when there is no room. */
  protected abstract emit(packet: StoredPacket): boolean;

  /** Puts a packet into the inbox; false when it is full or the device is not running. */
  protected receive(packet: StoredPacket): boolean {
    if (!this.running || !this.inbox.offer(packet)) return false;
    if (!this.scheduled) {
      this.scheduled = true;
      this.defer(() => this.drain());
    }
    return true;
  }

  private drain(): void {
    this.scheduled = false;
    while (this.running && this.inbox.size > 0) {
      this.batch.clear();
      while (this.batch.taken < BATCH) {
        const packet = this.inbox.poll();
        if (packet === undefined) break;
        const index = this.batch.append(packet.bytes);
        if (index >= 0) this.batch.outerEndpoints(index, ipv4(packet.outerSource), ipv4(packet.outerDestination));
      }
      if (this.batch.count > 0) this.delivered$.next(this.batch);
    }
  }
}
