import type { SessionLookup } from '../../ports/sessions.ts';
import type { PacketBatch } from '../packet-batch.ts';
import { STAGE_SLOT, type Stage } from '../stage.ts';

export interface CallDemuxOptions {
  /** Drop packets that name one of our Call IDs but come from another address than the call's peer (R39). */
  readonly checkPeerAddress: boolean;
}

/**
 * Finds the session of a GRE packet by (our address, peer address, our Call ID). Call IDs are unique in the process, so
 * the ID finds the session and the addresses must then agree: two clients behind one address with equal Call IDs of
 * their own never meet (E1), and nobody else can speak for a call.
 */
export function callDemuxStage(sessions: SessionLookup, options: CallDemuxOptions): Stage {
  return {
    name: 'call-demux',
    slot: STAGE_SLOT.demux,
    inbound: {
      process(batch: PacketBatch, from: number): void {
        for (let at = from; at < batch.count; at += 1) {
          batch.cursor = at;
          const index = batch.order[at] ?? 0;
          const session = sessions.byCallId(batch.callId[index] ?? 0);
          if (session === undefined || session.call.local !== batch.outerDestination[index]) {
            batch.drop(index, 'unknown-call');
          } else if (options.checkPeerAddress && session.call.peer !== batch.outerSource[index]) {
            batch.drop(index, 'wrong-peer');
          } else {
            batch.session[index] = session;
          }
        }
      },
    },
  };
}
