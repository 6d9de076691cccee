import type { DropReason } from '../outcome.ts';
import type { PacketBatch } from './packet-batch.ts';
import type { Session } from './session.ts';
import type { BatchStep } from './stage.ts';

/** One packet as a stage author sees it; the object is reused, so keep nothing of it after return. */
export interface PacketCursor {
  /** The packet's octets; writing changes the packet in place. */
  readonly bytes: Uint8Array;
  readonly session: Session | undefined;
  /** PPP protocol number of `bytes`. */
  readonly protocol: number;
  /** Replaces the packet; false when `bytes` does not fit a slot (the packet is then unchanged). */
  replace(bytes: Uint8Array): boolean;
}

class Cursor implements PacketCursor {
  batch: PacketBatch;
  index = 0;

  constructor(batch: PacketBatch) {
    this.batch = batch;
  }

  get bytes(): Uint8Array {
    return this.batch.view(this.index);
  }

  get session(): Session | undefined {
    return this.batch.session[this.index];
  }

  get protocol(): number {
    return this.batch.protocol[this.index] ?? 0;
  }

  replace(bytes: Uint8Array): boolean {
    return this.batch.replace(this.index, bytes);
  }
}

/**
 * A stage step for authors who want one packet at a time: `handle` returns a reason to drop the packet, or nothing to
 * let it pass. Costs one view per packet; stages that must not allocate work on the batch itself.
 */
export function perPacket(handle: (packet: PacketCursor) => DropReason | undefined): BatchStep {
  let cursor: Cursor | undefined;
  return {
    process(batch, from) {
      cursor ??= new Cursor(batch);
      cursor.batch = batch;
      for (let at = from; at < batch.count; at += 1) {
        batch.cursor = at;
        const index = batch.order[at] ?? 0;
        cursor.index = index;
        const reason = handle(cursor);
        if (reason !== undefined) batch.drop(index, reason);
      }
    },
  };
}
