import type { Stage } from '../../core/datapath/stage.ts';
import type { Outbox } from './outbox.ts';

/** Between MPPE encrypt and PPP encode: control frames are never encrypted (RFC 3078 section 3). */
const CONTROL_FRAMES_SLOT = 450;
/** Between PPP encode and GRE encode: a lone acknowledgment is a GRE header and nothing else. */
const ACKS_SLOT = 150;

/** Between the route lookup and everything that works on user data. */
const PEER_PACKETS_SLOT = 780;
/** Behind the source guard. */
const INTRANET_PACKETS_SLOT = 850;

/** Stages that do nothing to the packets that pass them. */
export const ENTRANCES: ReadonlySet<string> = new Set([
  'control-frames',
  'acknowledgments',
  'peer-packets',
  'intranet-packets',
]);

/** A place in the outbound stream where packets that this side makes itself come in. */
const entrance = (name: string, slot: number, outbox: Outbox): Stage => ({
  name,
  slot,
  outbound: { process: () => undefined, released$: outbox.packets$ },
});

export const controlFramesEntrance = (outbox: Outbox): Stage => entrance('control-frames', CONTROL_FRAMES_SLOT, outbox);

export const acknowledgmentsEntrance = (outbox: Outbox): Stage => entrance('acknowledgments', ACKS_SLOT, outbox);

/** User data of the gateway's own for a peer (Router Advertisements): encrypted and framed like all of it. */
export const peerPacketsEntrance = (outbox: Outbox): Stage => entrance('peer-packets', PEER_PACKETS_SLOT, outbox);

/** What the gateway says to the intranet about a peer's packets (ICMP errors). */
export const intranetPacketsEntrance = (outbox: Outbox): Stage => ({
  name: 'intranet-packets',
  slot: INTRANET_PACKETS_SLOT,
  inbound: { process: () => undefined, released$: outbox.packets$ },
});
