import type { MppeSessionKey } from '../crypto/mppe-keys.ts';
import { Rc4 } from '../crypto/rc4.ts';
import { KEY_SIZE, MppeWork } from './mppe-kernel.ts';
import type { MppeReceiver } from './mppe-receiver.ts';
import type { MppeSender } from './mppe-sender.ts';
import type { PacketBatch } from './packet-batch.ts';
import type { Session } from './session.ts';

/** Packets that go to the kernel at once. */
const CAPACITY = 64;

const tables = new Rc4();
const key = new Uint8Array(KEY_SIZE);

/**
 * Packets of a batch that wait for the kernel, with what the stage has to know of each to go on with it. Reused; packet
 * numbers are those of `work`.
 */
export class MppeRun<Engine extends MppeSender | MppeReceiver> {
  readonly work = new MppeWork(CAPACITY);
  /** Position in the order of the batch. */
  private readonly positions = new Int32Array(CAPACITY);
  private readonly sessions = new Array<Session | undefined>(CAPACITY).fill(undefined);
  private readonly engines = new Array<Engine | undefined>(CAPACITY).fill(undefined);
  /** By stream: its packets are as they came, and go on one by one. */
  private readonly undone = new Uint8Array(CAPACITY);

  get count(): number {
    return this.work.packetCount;
  }

  get isFull(): boolean {
    return this.work.isFull;
  }

  /** Appends the packet at `position`: the first `skip` octets of it are not for the kernel. */
  add(
    batch: PacketBatch,
    position: number,
    skip: number,
    session: Session,
    engine: Engine,
    sessionKey: MppeSessionKey,
  ): void {
    const { work } = this;
    const packet = work.packetCount;
    const index = batch.order[position] as number;
    work.slab = batch.slab;
    work.add(sessionKey, (batch.offset[index] as number) + skip, (batch.length[index] as number) - skip);
    this.undone[work.streamOf(packet)] = 0;
    this.positions[packet] = position;
    this.sessions[packet] = session;
    this.engines[packet] = engine;
  }

  position(packet: number): number {
    return this.positions[packet] as number;
  }

  session(packet: number): Session | undefined {
    return this.sessions[packet];
  }

  engine(packet: number): Engine | undefined {
    return this.engines[packet];
  }

  isUndone(packet: number): boolean {
    return this.undone[this.work.streamOf(packet)] === 1;
  }

  /** Makes the packets from `from` on what they were before the kernel, all or those of one stream. */
  undo(from: number, stream?: number): void {
    const { work } = this;
    for (let packet = from; packet < work.packetCount; packet += 1) {
      if ((stream !== undefined && work.streamOf(packet) !== stream) || this.isUndone(packet)) continue;
      for (let i = 0; i < KEY_SIZE; i += 1) key[i] = work.keys[KEY_SIZE * packet + i] as number;
      tables.init(key);
      tables.apply(work.slab, work.offsetOf(packet), work.lengthOf(packet));
    }
    if (stream !== undefined) this.undone[stream] = 1;
  }

  clear(): void {
    for (let packet = 0; packet < this.count; packet += 1) {
      this.sessions[packet] = undefined;
      this.engines[packet] = undefined;
    }
    this.work.clear();
  }
}
