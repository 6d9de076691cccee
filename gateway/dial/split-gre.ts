import { type Observable, Subject } from 'rxjs';
import { readU16 } from '../../core/bytes/bytes.ts';
import { ipv4 } from '../../core/bytes/ipv4-address.ts';
import { PacketBatch } from '../../core/datapath/packet-batch.ts';
import type { CallId, CallIds } from '../../core/ports/ids.ts';
import type { GreSocket } from '../../core/ports/packet-io.ts';

/** Of the enhanced GRE header (RFC 2637 section 4.1). */
const CALL_ID_AT = 6;
const LEAST_HEADER = 8;

/** A branch gets no more of a batch than the batch of the device has, and room for what its reorder queue releases. */
const BRANCH_CAPACITY = 128;

/** The share of one GRE socket that a client in this process has. */
export interface GreBranch {
  readonly gre: GreSocket;
  /** Packets with the IDs that these gave out, and have not taken back, are the branch's. */
  readonly callIds: CallIds;
}

/**
 * One GRE socket for a gateway that also dials: packets that name a Call ID of a branch go there, all others to the
 * subscribers of this socket. Call IDs are unique in the process, so the ID alone says whose a packet is; whether it came
 * from the right address is for that pipeline to see, and to count.
 */
export class SplitGre implements GreSocket {
  readonly name: string;
  readonly driver: string;
  readonly batches$: Observable<PacketBatch>;
  private readonly inner: GreSocket;
  private readonly rest = new Subject<PacketBatch>();
  private readonly owners = new Map<number, Branch>();

  constructor(inner: GreSocket) {
    this.inner = inner;
    this.name = inner.name;
    this.driver = inner.driver;
    this.batches$ = this.rest.asObservable();
    inner.batches$.subscribe({
      next: (batch) => this.split(batch),
      error: (cause) => this.rest.error(cause),
      complete: () => this.rest.complete(),
    });
  }

  start(signal: Parameters<GreSocket['start']>[0]): Promise<void> {
    return this.inner.start(signal);
  }

  stop(): Promise<void> {
    return this.inner.stop();
  }

  write(batch: PacketBatch): number {
    return this.inner.write(batch);
  }

  /** A branch for one client. `callIds` are those of the whole process. */
  branch(callIds: CallIds): GreBranch {
    const gre = new Branch(this.inner);
    return {
      gre,
      callIds: {
        allocate: () => {
          const id = callIds.allocate();
          if (id !== undefined) this.owners.set(id, gre);
          return id;
        },
        release: (id: CallId) => {
          this.owners.delete(id);
          callIds.release(id);
        },
      },
    };
  }

  private split(batch: PacketBatch): void {
    if (this.owners.size > 0 && this.divide(batch)) {
      for (const branch of new Set(this.owners.values())) branch.flush();
    }
    if (batch.count > 0) this.rest.next(batch);
  }

  /** Whether a packet was a branch's. */
  private divide(batch: PacketBatch): boolean {
    let found = false;
    for (let at = 0; at < batch.count; at += 1) {
      const index = batch.order[at] ?? 0;
      if ((batch.length[index] ?? 0) < LEAST_HEADER) continue;
      const owner = this.owners.get(readU16(batch.slab, (batch.offset[index] ?? 0) + CALL_ID_AT));
      if (owner === undefined) continue;
      owner.take(batch, index);
      batch.hold(index);
      found = true;
    }
    if (found) batch.compact(() => undefined);
    return found;
  }
}

class Branch implements GreSocket {
  readonly name: string;
  readonly driver: string;
  readonly batches$: Observable<PacketBatch>;
  private readonly inner: GreSocket;
  private readonly received = new Subject<PacketBatch>();
  private readonly batch = new PacketBatch(BRANCH_CAPACITY);
  private running = false;

  constructor(inner: GreSocket) {
    this.inner = inner;
    this.name = inner.name;
    this.driver = inner.driver;
    this.batches$ = this.received.asObservable();
  }

  /** The socket itself is started and stopped by the gateway. */
  start(): Promise<void> {
    this.running = true;
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.running = false;
    this.received.complete();
    return Promise.resolve();
  }

  write(batch: PacketBatch): number {
    return this.running ? this.inner.write(batch) : 0;
  }

  take(from: PacketBatch, index: number): void {
    const own = this.batch.append(from.view(index));
    if (own < 0) return;
    this.batch.outerEndpoints(own, ipv4(from.outerSource[index] ?? 0), ipv4(from.outerDestination[index] ?? 0));
  }

  flush(): void {
    if (this.batch.count > 0 && this.running) this.received.next(this.batch);
    this.batch.clear();
  }
}
