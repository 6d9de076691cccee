import { emptyGreHeader, greLength, parseGre, writeGre } from '../../wire/gre.ts';
import { GRE_CHANNEL } from '../gre-channel.ts';
import type { PacketBatch } from '../packet-batch.ts';
import { type BatchStep, STAGE_SLOT, type Stage } from '../stage.ts';

/** Reused: decoding allocates nothing. */
const header = emptyGreHeader();

const decode: BatchStep = {
  process(batch: PacketBatch, from: number): void {
    for (let at = from; at < batch.count; at += 1) {
      batch.cursor = at;
      const index = batch.order[at] ?? 0;
      const reason = parseGre(batch.slab, batch.offset[index] ?? 0, batch.length[index] ?? 0, header);
      if (reason !== undefined) {
        batch.drop(index, reason);
        continue;
      }
      batch.strip(index, header.headerLength);
      batch.length[index] = header.payloadLength;
      batch.callId[index] = header.callId;
      batch.sequence[index] = header.sequence;
      batch.acknowledgment[index] = header.acknowledgment;
    }
  },
};

const encode: BatchStep = {
  process(batch: PacketBatch, from: number): void {
    for (let at = from; at < batch.count; at += 1) {
      batch.cursor = at;
      const index = batch.order[at] ?? 0;
      const session = batch.session[index];
      const channel = session?.get(GRE_CHANNEL);
      if (session === undefined || channel === undefined) {
        batch.drop(index, 'unknown-call');
        continue;
      }
      const length = batch.length[index] ?? 0;
      const acknowledgment = channel.takeAcknowledgment();
      // A packet without payload is a lone acknowledgment: it has no sequence number (RFC 2637 section 4.1).
      if (length === 0 && acknowledgment < 0) {
        batch.divert(index);
        continue;
      }
      const sequence = length === 0 ? -1 : channel.takeSequence(length);
      batch.strip(index, -greLength(sequence, acknowledgment));
      writeGre(batch.slab, batch.offset[index] ?? 0, session.call.peerCallId, length, sequence, acknowledgment);
      batch.outerEndpoints(index, session.call.local, session.call.peer);
    }
  },
};

/** Enhanced GRE (RFC 2637 section 4.1): takes the header off; puts it on with sequence number and due acknowledgment. */
export const greStage: Stage = { name: 'gre', slot: STAGE_SLOT.gre, inbound: decode, outbound: encode };
