import { readU16, writeU16 } from '../../bytes/bytes.ts';
import type { DropReason } from '../../outcome.ts';
import type { ControlFrames } from '../../ports/sessions.ts';
import type { PacketBatch } from '../packet-batch.ts';
import type { Session } from '../session.ts';
import { defineSlot } from '../slots.ts';
import { STAGE_SLOT, type Stage } from '../stage.ts';

const ADDRESS_CONTROL = 0xff03;
const LCP = 0xc021;
/** User data: IPv4, IPv6, and the compressed datagrams of CCP (MPPE). Everything else belongs to the machines. */
const USER_DATA: ReadonlySet<number> = new Set([0x0021, 0x0057, 0x00fd]);

/** What LCP agreed on for the frames we send (RFC 1661 sections 6.1, 6.5, 6.6); mutable, owned by the session's driver. */
export interface PppFraming {
  /** The largest information field that we send: the peer's MRU, or less where the user's profile wants that. */
  peerMru: number;
  sendPfc: boolean;
  sendAcfc: boolean;
}
export const PPP_FRAMING = defineSlot<PppFraming>('ppp-framing');

/** RFC 1661 section 6.1: 1500 must always be accepted in the link establishment phase. */
const DEFAULT_MRU = 1500;

/**
 * PPP framing as RFC 2637 section 4 has it: no flags, no FCS, no stuffing. Inbound frames are taken with and without
 * FF 03 and with one- or two-octet protocol fields, whatever LCP agreed on.
 */
export function pppStage(control: ControlFrames): Stage {
  const decode = (batch: PacketBatch, index: number): DropReason | undefined => {
    const { slab } = batch;
    const session = batch.session[index];
    let at = batch.offset[index] ?? 0;
    let left = batch.length[index] ?? 0;
    if (left >= 2 && readU16(slab, at) === ADDRESS_CONTROL) {
      at += 2;
      left -= 2;
    }
    // The low bit of the last octet of a protocol field is set (RFC 1661 section 2): an odd first octet is the whole field.
    const octets = ((slab[at] ?? 0) & 1) === 1 ? 1 : 2;
    if (left < octets) return 'truncated';
    const protocol = octets === 1 ? (slab[at] ?? 0) : readU16(slab, at);
    if ((protocol & 1) === 0 || session === undefined) return 'malformed';
    batch.offset[index] = at + octets;
    batch.length[index] = left - octets;
    batch.protocol[index] = protocol;
    if (USER_DATA.has(protocol)) return undefined;
    control.frame(session, protocol, batch.view(index));
    batch.divert(index);
    return undefined;
  };

  const encode = (batch: PacketBatch, index: number): DropReason | undefined => {
    const framing = batch.session[index]?.get(PPP_FRAMING);
    const protocol = batch.protocol[index] ?? 0;
    if (framing === undefined) return 'unknown-call';
    if ((batch.length[index] ?? 0) > framing.peerMru) return 'too-big';
    // LCP frames always go uncompressed (RFC 1661 sections 6.5, 6.6).
    const short = framing.sendPfc && protocol < 0x100;
    const bare = framing.sendAcfc && protocol !== LCP;
    batch.strip(index, -((short ? 1 : 2) + (bare ? 0 : 2)));
    let at = batch.offset[index] ?? 0;
    if (!bare) {
      writeU16(batch.slab, at, ADDRESS_CONTROL);
      at += 2;
    }
    if (short) batch.slab[at] = protocol;
    else writeU16(batch.slab, at, protocol);
    return undefined;
  };

  return {
    name: 'ppp',
    slot: STAGE_SLOT.ppp,
    inbound: { process: (batch, from) => eachPacket(batch, from, decode) },
    outbound: { process: (batch, from) => eachPacket(batch, from, encode) },
    open(session: Session): void {
      session.set(PPP_FRAMING, { peerMru: DEFAULT_MRU, sendPfc: false, sendAcfc: false });
    },
  };
}

function eachPacket(
  batch: PacketBatch,
  from: number,
  handle: (batch: PacketBatch, index: number) => DropReason | undefined,
): void {
  for (let at = from; at < batch.count; at += 1) {
    batch.cursor = at;
    const index = batch.order[at] ?? 0;
    const reason = handle(batch, index);
    if (reason !== undefined) batch.drop(index, reason);
  }
}
