import type { Observable } from 'rxjs';
import type { PacketBatch } from './packet-batch.ts';
import type { Session } from './session.ts';

/**
 * Where a stage stands. Inbound runs upwards, outbound downwards. Built-in slots are exclusive (two stages in one slot
 * is a start-up error); plug-ins take any number between them.
 */
export const STAGE_SLOT = {
  gre: 100,
  demux: 200,
  sequence: 300,
  ppp: 400,
  mppe: 500,
  compression: 600,
  ipsec: 700,
  mssClamp: 750,
  mtu: 775,
  address: 800,
} as const;

/**
 * One direction of a stage. `process` handles the live packets at positions `from .. batch.count` of the order, setting
 * `batch.cursor` to the position before touching a packet: when it throws, the bridge drops that one packet as
 * `stage-fault` and calls again from the next. No I/O, no promises; nothing of the batch is kept after return.
 */
export interface BatchStep {
  process(batch: PacketBatch, from: number): void;
  /** Packets that the stage kept and lets go later, or makes itself: merged into the stream right after this step. */
  readonly released$?: Observable<PacketBatch>;
}

/** A layer of the data path: both directions, one name, one slot. Bound once for all sessions. */
export interface Stage {
  readonly name: string;
  readonly slot: number;
  readonly inbound?: BatchStep;
  readonly outbound?: BatchStep;
  /** Called when a call opens and after it closed, to make and give up per-session state. */
  open?(session: Session): void;
  close?(session: Session): void;
}
