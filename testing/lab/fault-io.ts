import type { Observable } from 'rxjs';
import { readU32 } from '../../core/bytes/bytes.ts';
import { ipv4 } from '../../core/bytes/ipv4-address.ts';
import { PacketBatch } from '../../core/datapath/packet-batch.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { GreSocket } from '../../core/ports/packet-io.ts';
import { after } from '../../core/time.ts';
import { seededRandom } from './seeded-random.ts';

export interface Faults {
  /** Chances from 0 to 1, drawn for each packet on its own. */
  readonly loss?: number;
  readonly duplicate?: number;
  /** A reordered packet is sent right after the next one that is not (or with `flush`). */
  readonly reorder?: number;
  /** Every packet is late by `delayMs`, and by up to `jitterMs` more. */
  readonly delayMs?: number;
  readonly jitterMs?: number;
  readonly seed?: number;
}

export interface FaultCounts {
  lost: number;
  duplicated: number;
  reordered: number;
}

interface Parcel {
  readonly bytes: Uint8Array;
  readonly source: number;
  readonly destination: number;
}

/** A GRE socket whose outgoing path is bad in a reproducible way; the incoming one is left as it is. */
export class FaultyGreSocket implements GreSocket {
  readonly name: string;
  readonly driver: string;
  readonly batches$: Observable<PacketBatch>;
  readonly counts: FaultCounts = { lost: 0, duplicated: 0, reordered: 0 };
  private readonly inner: GreSocket;
  private readonly clock: Clock;
  private readonly faults: Faults;
  private readonly random: () => number;
  private readonly out = new PacketBatch(1);
  private readonly pending = new Set<() => void>();
  private held: Parcel | undefined;

  constructor(inner: GreSocket, clock: Clock, faults: Faults) {
    this.name = inner.name;
    this.driver = `${inner.driver}, faulty`;
    this.batches$ = inner.batches$;
    this.inner = inner;
    this.clock = clock;
    this.faults = faults;
    const source = seededRandom(faults.seed ?? 1);
    this.random = () => readU32(source.bytes(4), 0) / 2 ** 32;
  }

  start(signal: CancelSignal): Promise<void> {
    return this.inner.start(signal);
  }

  async stop(): Promise<void> {
    for (const cancel of this.pending) cancel();
    this.pending.clear();
    this.held = undefined;
    await this.inner.stop();
  }

  /** Takes everything, as a network does; what the inner device then refuses is lost. */
  write(batch: PacketBatch): number {
    for (let at = 0; at < batch.count; at += 1) {
      const index = batch.order[at] ?? 0;
      this.pass({
        bytes: batch.view(index).slice(),
        source: batch.outerSource[index] ?? 0,
        destination: batch.outerDestination[index] ?? 0,
      });
    }
    return batch.count;
  }

  /** Sends the packet that waits for another to overtake it. */
  flush(): void {
    const { held } = this;
    this.held = undefined;
    if (held !== undefined) this.send(held);
  }

  private pass(parcel: Parcel): void {
    if (this.happens(this.faults.loss)) {
      this.counts.lost += 1;
      return;
    }
    if (this.held === undefined && this.happens(this.faults.reorder)) {
      this.counts.reordered += 1;
      this.held = parcel;
      return;
    }
    this.send(parcel);
    if (this.happens(this.faults.duplicate)) {
      this.counts.duplicated += 1;
      this.send(parcel);
    }
    this.flush();
  }

  private send(parcel: Parcel): void {
    const { delayMs = 0, jitterMs = 0 } = this.faults;
    const delay = delayMs + (jitterMs > 0 ? this.random() * jitterMs : 0);
    if (delay <= 0) {
      this.emit(parcel);
      return;
    }
    const cancel = this.clock.schedule(after(this.clock.now(), delay), () => {
      this.pending.delete(cancel);
      this.emit(parcel);
    });
    this.pending.add(cancel);
  }

  private emit(parcel: Parcel): void {
    this.out.clear();
    const index = this.out.append(parcel.bytes);
    if (index < 0) return;
    this.out.outerEndpoints(index, ipv4(parcel.source), ipv4(parcel.destination));
    this.inner.write(this.out);
  }

  private happens(chance: number | undefined): boolean {
    return chance !== undefined && chance > 0 && this.random() < chance;
  }
}
