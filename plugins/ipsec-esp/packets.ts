import type { ReassemblyLimits } from '../../core/datapath/ip-reassembly.ts';
import { HEADROOM, type PacketBatch, SLOT_SIZE } from '../../core/datapath/packet-batch.ts';
import type { Session } from '../../core/datapath/session.ts';
import { PPP_FRAMING } from '../../core/datapath/stages/ppp.stage.ts';
import {
  IP_PROTOCOL,
  IPV4_HEADER_LENGTH,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4TotalLength,
  isIpv4Fragment,
} from '../../core/wire/ipv4.ts';
import { fragmentIpv4, isDontFragment } from '../../core/wire/ipv4-fragment.ts';
import { clampTcpMss } from '../../core/wire/tcp.ts';

export const IPV4 = 0x0021;
const TCP_HEADER_LENGTH = 20;
const LEAST_MSS = 64;
/** Inside the peer's MRU: the MPPE header and the protocol field that it encrypts. */
const MPPE_OVERHEAD = 4;
/** What a slot of a batch takes. */
const SLOT_ROOM = SLOT_SIZE - HEADROOM;

/** One direction of one gateway: at most 1 MiB, and a few datagrams of one session. */
export const REASSEMBLY: ReassemblyLimits = { datagrams: 64, perSession: 8, octets: 16_384 };
/** Room for a reassembled datagram, its ESP and a header in front. */
export const WORK_OCTETS = 17_000;

/** The largest packet that the tunnel carries whole towards this peer. */
export const roomTowards = (session: Session, mtu: number): number => {
  const peerMru = session.get(PPP_FRAMING)?.peerMru;
  return peerMru === undefined ? mtu : Math.min(mtu, peerMru - MPPE_OVERHEAD);
};

/** Lowers the MSS of a TCP SYN to what fits packets of `mtu` octets. */
export const clampSyn = (b: Uint8Array, at: number, mtu: number): void => {
  if (ipv4Protocol(b, at) !== IP_PROTOCOL.tcp || isIpv4Fragment(b, at)) return;
  const header = ipv4HeaderLength(b, at);
  const most = Math.max(LEAST_MSS, mtu - IPV4_HEADER_LENGTH - TCP_HEADER_LENGTH);
  clampTcpMss(b, at + header, ipv4TotalLength(b, at) - header, most);
};

/**
 * Puts an IPv4 packet in the place of the one at position `at`: in fragments of at most `mtu` octets where it is larger
 * than `most`, the others right behind it. How many were put behind; undefined when it cannot be done (and nothing changed).
 */
export const placeIpv4 = (
  batch: PacketBatch,
  at: number,
  packet: Uint8Array,
  most: number,
  mtu: number,
): number | undefined => {
  const index = batch.order[at] ?? 0;
  if (packet.length <= Math.min(most, SLOT_ROOM)) return batch.replace(index, packet) ? 0 : undefined;
  if (isDontFragment(packet, 0)) return undefined;
  return placeAll(batch, at, fragmentIpv4(packet, Math.min(mtu, SLOT_ROOM)));
};

export const placeAll = (
  batch: PacketBatch,
  at: number,
  pieces: readonly Uint8Array[] | undefined,
): number | undefined => {
  const index = batch.order[at] ?? 0;
  const [first, ...rest] = pieces ?? [];
  if (first === undefined || rest.length > batch.free || !batch.replace(index, first)) return undefined;
  for (const [number, piece] of rest.entries()) {
    const extra = batch.takeAfter(at + number, piece.length);
    batch.slab.set(piece, batch.offset[extra] ?? 0);
    batch.session[extra] = batch.session[index];
    batch.protocol[extra] = batch.protocol[index] ?? 0;
  }
  return rest.length;
};
