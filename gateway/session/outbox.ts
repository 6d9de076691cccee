import { type Observable, Subject } from 'rxjs';
import { PacketBatch } from '../../core/datapath/packet-batch.ts';
import type { Session } from '../../core/datapath/session.ts';
import type { Direction } from '../../core/outcome.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';

/**
 * Packets that the gateway itself makes: PPP control frames and lone acknowledgments. They are collected and go out in
 * one batch at the end of the current turn, never from inside a batch that is being delivered. Bounded: what does not
 * fit is dropped and counted, and the machines' restart timers repeat it.
 */
export class Outbox {
  readonly packets$: Observable<PacketBatch>;
  private readonly subject = new Subject<PacketBatch>();
  readonly name: string;
  /** Most packets that waited at once. */
  peak = 0;
  private readonly clock: Clock;
  private readonly telemetry: Telemetry;
  private readonly direction: Direction;
  private filling: PacketBatch;
  private spare: PacketBatch;
  private scheduled = false;

  constructor(name: string, capacity: number, clock: Clock, telemetry: Telemetry, direction: Direction = 'out') {
    this.name = name;
    this.clock = clock;
    this.telemetry = telemetry;
    this.direction = direction;
    this.packets$ = this.subject.asObservable();
    this.filling = new PacketBatch(capacity);
    this.spare = new PacketBatch(capacity);
  }

  /** The next packet would be dropped. */
  get isFull(): boolean {
    return this.filling.free === 0;
  }

  /** Packets that wait for the end of the turn, and how many can. */
  get waiting(): number {
    return this.filling.count;
  }

  get capacity(): number {
    return this.filling.capacity;
  }

  put(session: Session, protocol: number, bytes: Uint8Array): void {
    const index = this.filling.append(bytes);
    if (index < 0) {
      this.telemetry.dropped(this.name, this.direction, 'queue-full', 1);
      return;
    }
    this.filling.session[index] = session;
    this.filling.protocol[index] = protocol;
    if (this.scheduled) return;
    this.scheduled = true;
    this.filling.waitingSince = this.clock.now();
    queueMicrotask(() => this.flush());
  }

  /** Sends what was put so far; only for callers that are not inside a batch (shutdown). */
  flush(): void {
    this.scheduled = false;
    const batch = this.filling;
    if (batch.count === 0) return;
    if (batch.count > this.peak) this.peak = batch.count;
    this.filling = this.spare;
    this.spare = batch;
    batch.now = this.clock.now();
    this.subject.next(batch);
    batch.clear();
  }

  close(): void {
    this.subject.complete();
  }
}
