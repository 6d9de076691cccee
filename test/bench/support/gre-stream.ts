import type { Duplex } from 'node:stream';
import { type Observable, Subject } from 'rxjs';
import { ipv4 } from '../../../core/bytes/ipv4-address.ts';
import { PacketBatch } from '../../../core/datapath/packet-batch.ts';
import type { GreSocket } from '../../../core/ports/packet-io.ts';
import { systemClock } from '../../../gateway/system-clock.ts';

/** Length of the packet, outer source and outer destination in front of each packet. */
const HEADER = 10;
const BATCH = 64;
/** More than this waits only when the other process hangs. */
const MOST_WAITING = 64 * 1024 * 1024;

/** GRE packets between two processes over a pipe, with their addresses: no raw socket, no rights, nothing lost. */
export class GreStream implements GreSocket {
  readonly name = 'gre-stream';
  readonly driver = 'gre-stream';
  readonly batches$: Observable<PacketBatch>;
  private readonly batches = new Subject<PacketBatch>();
  private readonly batch = new PacketBatch(2 * BATCH);
  private readonly stream: Duplex;
  private rest: Buffer = Buffer.alloc(0);

  constructor(stream: Duplex) {
    this.stream = stream;
    this.batches$ = this.batches.asObservable();
    stream.on('error', () => undefined);
  }

  start(): Promise<void> {
    this.stream.on('data', (chunk: Buffer) => this.receive(chunk));
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.stream.destroy();
    this.batches.complete();
    return Promise.resolve();
  }

  write(batch: PacketBatch): number {
    if (this.stream.writableLength > MOST_WAITING) return 0;
    let size = 0;
    for (let at = 0; at < batch.count; at += 1) size += HEADER + (batch.length[batch.order[at] ?? 0] ?? 0);
    const out = Buffer.allocUnsafe(size);
    let into = 0;
    for (let at = 0; at < batch.count; at += 1) {
      const index = batch.order[at] ?? 0;
      const bytes = batch.view(index);
      out.writeUInt16BE(bytes.length, into);
      out.writeUInt32BE(batch.outerSource[index] ?? 0, into + 2);
      out.writeUInt32BE(batch.outerDestination[index] ?? 0, into + 6);
      out.set(bytes, into + HEADER);
      into += HEADER + bytes.length;
    }
    if (!this.stream.destroyed) this.stream.write(out);
    return batch.count;
  }

  private receive(chunk: Buffer): void {
    const all = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    const { batch } = this;
    let at = 0;
    while (at + HEADER <= all.length) {
      const end = at + HEADER + all.readUInt16BE(at);
      if (end > all.length) break;
      const index = batch.append(all.subarray(at + HEADER, end));
      batch.outerEndpoints(index, ipv4(all.readUInt32BE(at + 2)), ipv4(all.readUInt32BE(at + 6)));
      at = end;
      if (batch.count === BATCH) this.deliver();
    }
    this.deliver();
    this.rest = at === all.length ? Buffer.alloc(0) : Buffer.from(all.subarray(at));
  }

  private deliver(): void {
    if (this.batch.count === 0) return;
    this.batch.now = systemClock.now();
    this.batches.next(this.batch);
    this.batch.clear();
  }
}
