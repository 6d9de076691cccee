import type { Stage } from '../../core/datapath/stage.ts';
import type { Outbox } from './outbox.ts';

/** Between MPPE encrypt and PPP encode: control frames are never encrypted (RFC 3078 section 3). */
const CONTROL_FRAMES_SLOT = 450;
/** Between PPP encode and GRE encode: a lone acknowledgment is a GRE header and nothing else. */
const ACKS_SLOT = 150;

/** A place in the outbound stream where packets that this side makes itself come in. */
const entrance = (name: string, slot: number, outbox: Outbox): Stage => ({
  name,
  slot,
  outbound: { process: () => undefined, released$: outbox.packets$ },
});

export const controlFramesEntrance = (outbox: Outbox): Stage => entrance('control-frames', CONTROL_FRAMES_SLOT, outbox);

export const acknowledgmentsEntrance = (outbox: Outbox): Stage => entrance('acknowledgments', ACKS_SLOT, outbox);
