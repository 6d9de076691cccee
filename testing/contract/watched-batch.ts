import { HEADROOM, PacketBatch, SLOT_SIZE } from '../../core/datapath/packet-batch.ts';
import type { Session } from '../../core/datapath/session.ts';
import type { DropReason } from '../../core/outcome.ts';
import { instant } from '../../core/time.ts';

export interface TestPacket {
  readonly bytes: Uint8Array;
  readonly session?: Session;
  /** PPP protocol number; default that of IPv4. */
  readonly protocol?: number;
}

const IPV4 = 0x0021;

/** A batch that notices when a step touches a packet whose position is not in `cursor`. */
export class WatchedBatch extends PacketBatch {
  /** What a step did with the cursor elsewhere. */
  readonly misplaced: string[] = [];
  watching = false;

  override view(index: number): Uint8Array {
    this.touch('looked at', index);
    return super.view(index);
  }

  override strip(index: number, octets: number): void {
    this.touch('stripped', index);
    super.strip(index, octets);
  }

  override replace(index: number, bytes: Uint8Array): boolean {
    this.touch('replaced', index);
    return super.replace(index, bytes);
  }

  override drop(index: number, reason: DropReason): void {
    this.touch('dropped', index);
    super.drop(index, reason);
  }

  override divert(index: number): void {
    this.touch('diverted', index);
    super.divert(index);
  }

  override hold(index: number): void {
    this.touch('held', index);
    super.hold(index);
  }

  private touch(what: string, index: number): void {
    if (!this.watching || this.order[this.cursor] === index) return;
    this.misplaced.push(`packet ${index} was ${what} while cursor stood at packet ${this.order[this.cursor] ?? '-'}`);
  }
}

export const watchedBatch = (packets: readonly TestPacket[], now = 0): WatchedBatch => {
  // Room for what a step may add.
  const batch = new WatchedBatch(2 * packets.length + 8);
  batch.now = instant(now);
  for (const { bytes, session, protocol = IPV4 } of packets) {
    const index = batch.append(bytes);
    if (index < 0) continue;
    batch.session[index] = session;
    batch.protocol[index] = protocol;
    if (session !== undefined) batch.outerEndpoints(index, session.call.peer, session.call.local);
  }
  return batch;
};

/** What is wrong with the windows and the order of a batch; undefined when all is well. */
export const batchFault = (batch: PacketBatch): string | undefined => {
  const seen = new Set<number>();
  for (let at = 0; at < batch.count; at += 1) {
    const index = batch.order[at] ?? -1;
    if (index < 0 || index >= batch.taken) return `position ${at} of the order names no packet (${index})`;
    if (seen.has(index)) return `packet ${index} is in the order twice`;
    seen.add(index);
    const offset = batch.offset[index] ?? 0;
    const length = batch.length[index] ?? 0;
    const slot = index * SLOT_SIZE;
    if (length < 0 || offset < slot || offset + length > slot + SLOT_SIZE) {
      return `packet ${index} is not within its slot (offset ${offset - slot - HEADROOM}, length ${length})`;
    }
  }
  return undefined;
};
