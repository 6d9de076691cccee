import { MPPE_SLOT, type MppeState } from '../../core/datapath/mppe-state.ts';
import { type PacketBatch, SLOT_SIZE } from '../../core/datapath/packet-batch.ts';
import type { Session } from '../../core/datapath/session.ts';
import { type BatchStep, STAGE_SLOT, type Stage } from '../../core/datapath/stage.ts';
import type { MppeEvents } from '../../core/datapath/stages/mppe.stage.ts';
import { isMppeProtocol, MPPE_HEADER_LENGTH } from '../../core/wire/mppe-header.ts';

const COMPRESSED_DATAGRAM = 0x00fd;
const IPV4 = 0x0021;
const IPV6 = 0x0057;

const mayBeClear = (state: MppeState | undefined): boolean =>
  state?.clearAllowed === true && state.receiver?.isEncrypted !== true;

/** What the stage `mppe` does, one packet after the other and without any kernel: to compare the stage with. */
export class MppeOneByOne implements Stage {
  readonly name = 'mppe';
  readonly slot = STAGE_SLOT.mppe;
  readonly inbound: BatchStep = {
    process: (batch, from) => this.#each(batch, from, (index) => this.#in(batch, index)),
  };
  readonly outbound: BatchStep = { process: (batch, from) => this.#each(batch, from, (index) => out(batch, index)) };
  readonly #events: MppeEvents;

  constructor(events: MppeEvents) {
    this.#events = events;
  }

  #each(batch: PacketBatch, from: number, work: (index: number) => void): void {
    for (let at = from; at < batch.count; at += 1) {
      batch.cursor = at;
      work(batch.order[at] ?? 0);
    }
  }

  #in(batch: PacketBatch, index: number): void {
    const session = batch.session[index];
    const state = session?.get(MPPE_SLOT);
    const protocol = batch.protocol[index];
    if (protocol === IPV4 || protocol === IPV6) {
      if (!mayBeClear(state)) batch.drop(index, 'unencrypted');
    }
    if (protocol !== COMPRESSED_DATAGRAM) return;
    const receiver = state?.receiver;
    if (session === undefined || receiver === undefined) {
      batch.drop(index, 'wrong-phase');
      return;
    }
    const offset = batch.offset[index] ?? 0;
    const room = (index + 1) * SLOT_SIZE - offset;
    const length = batch.length[index] ?? 0;
    const verdict = receiver.decrypt(batch.slab, offset, length, batch.sequence[index], batch.now, room);
    if (verdict === 'decrypted') {
      const plain = batch.slab.subarray(offset + MPPE_HEADER_LENGTH, offset + MPPE_HEADER_LENGTH + receiver.length);
      const field = ((plain[0] ?? 0) & 1) === 1 ? 1 : 2;
      const inner = field === 1 ? (plain[0] ?? 0) : ((plain[0] ?? 0) << 8) | (plain[1] ?? 0);
      const version = (plain[field] ?? 0) >> 4;
      const fits =
        inner === IPV4 ? version === 4 : inner === IPV6 ? version === 6 : isMppeProtocol(inner) && inner !== 0xfd;
      if (plain.length > field && fits) {
        if (inner === IPV4 || inner === IPV6) receiver.accepted();
        batch.protocol[index] = inner;
        batch.length[index] = MPPE_HEADER_LENGTH + plain.length;
        batch.strip(index, MPPE_HEADER_LENGTH + field);
        return;
      }
    } else if (verdict !== 'garbage') {
      batch.drop(index, verdict === 'reset-needed' ? 'decrypt-failed' : verdict);
      if (verdict === 'reset-needed') this.#events.onResetNeeded(session);
      return;
    }
    this.#reject(batch, index, session);
  }

  #reject(batch: PacketBatch, index: number, session: Session): void {
    const receiver = session.get(MPPE_SLOT)?.receiver;
    if (receiver === undefined) return;
    batch.drop(index, 'decrypt-failed');
    this.#events.onGarbage(session, receiver.rejected());
    if (receiver.asksForReset(batch.now)) this.#events.onResetNeeded(session);
  }
}

const out = (batch: PacketBatch, index: number): void => {
  const protocol = batch.protocol[index] ?? 0;
  if (!isMppeProtocol(protocol)) return;
  const state = batch.session[index]?.get(MPPE_SLOT);
  if (state?.sender === undefined) {
    if (!mayBeClear(state)) batch.drop(index, 'wrong-phase');
    return;
  }
  batch.strip(index, -2);
  const offset = batch.offset[index] ?? 0;
  batch.slab[offset] = protocol >> 8;
  batch.slab[offset + 1] = protocol & 0xff;
  batch.length[index] = state.sender.encrypt(batch.slab, offset, batch.length[index] ?? 0);
  batch.strip(index, -MPPE_HEADER_LENGTH);
  batch.protocol[index] = COMPRESSED_DATAGRAM;
};
