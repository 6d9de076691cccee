import type { GreChannelOptions } from '../../../core/datapath/gre-channel.ts';
import type { Stage } from '../../../core/datapath/stage.ts';
import { callDemuxStage } from '../../../core/datapath/stages/call-demux.stage.ts';
import { greStage } from '../../../core/datapath/stages/gre.stage.ts';
import { MppeStage } from '../../../core/datapath/stages/mppe.stage.ts';
import { pppStage } from '../../../core/datapath/stages/ppp.stage.ts';
import { SequenceStage } from '../../../core/datapath/stages/sequence.stage.ts';
import { orderStages } from '../../../gateway/pipeline.ts';
import type { DriverHub } from '../../../gateway/session/driver.ts';
import { acknowledgmentsEntrance, controlFramesEntrance } from '../../../gateway/session/entrances.ts';
import type { SessionTable } from '../../../gateway/session/session-table.ts';
import { ClientRouteStage } from './client-route.stage.ts';

export interface ClientStages {
  /** In order. */
  readonly stages: readonly Stage[];
  readonly sequence: SequenceStage;
}

/** The gateway's stages with the client's route in place of the gateway's addresses. */
export const clientStages = (
  hub: DriverHub,
  sessions: SessionTable,
  options: { readonly gre: GreChannelOptions; readonly clearAllowed: boolean },
): ClientStages => {
  const sequence = new SequenceStage(hub, options.gre, hub.released.asObservable());
  const stages = orderStages([
    greStage,
    callDemuxStage(sessions, { checkPeerAddress: true }),
    sequence,
    acknowledgmentsEntrance(hub.acks),
    pppStage(hub),
    controlFramesEntrance(hub.control),
    new MppeStage(hub, { clearAllowed: options.clearAllowed }),
    new ClientRouteStage(),
  ]);
  return { stages, sequence };
};
