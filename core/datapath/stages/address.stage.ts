import { readU32 } from '../../bytes/bytes.ts';
import type { Ipv4 } from '../../bytes/ipv4-address.ts';
import { holdsBits64 } from '../../bytes/ipv6-address.ts';
import type { DropReason } from '../../outcome.ts';
import type { ControlFrames, SessionLookup } from '../../ports/sessions.ts';
import { instant } from '../../time.ts';
import { checkIpv4, ipv4Destination, ipv4Source } from '../../wire/ipv4.ts';
import {
  checkIpv6,
  IPV6_DESTINATION,
  IPV6_SOURCE,
  ipv6NextHeader,
  isLinkLocal,
  isMulticast,
  isUnspecified,
  NEXT_HEADER,
} from '../../wire/ipv6.ts';
import type { PacketBatch } from '../packet-batch.ts';
import type { Session, SessionIpv6 } from '../session.ts';
import { type BatchStep, STAGE_SLOT, type Stage } from '../stage.ts';
import { USER_TRAFFIC } from '../user-traffic.ts';

const PPP_IPV4 = 0x0021;
const PPP_IPV6 = 0x0057;

/**
 * Binds inner addresses to sessions. Inbound it is the source guard: a peer speaks only as the address it was given, from a
 * network behind it, or from its /64. Outbound it is the route lookup: the destination names the session, and everything after it works per
 * session. ICMPv6 of the link itself (Neighbor Discovery) goes to the session's machines. TTL, hop limit and fragments
 * are the kernel's business.
 */
export class AddressStage implements Stage {
  readonly name = 'address';
  readonly slot = STAGE_SLOT.address;
  readonly inbound: BatchStep = { process: (batch, from) => guardSources(batch, from, this.sessions, this.control) };
  readonly outbound: BatchStep;
  private readonly sessions: SessionLookup;
  private readonly control: ControlFrames | undefined;

  /** `control` gets the ICMPv6 packets of the link; without it they are dropped. */
  constructor(sessions: SessionLookup, control?: ControlFrames) {
    this.sessions = sessions;
    this.control = control;
    this.outbound = { process: (batch, from) => route(batch, from, sessions) };
  }

  open(session: Session): void {
    session.set(USER_TRAFFIC, { lastUsed: instant(0) });
  }
}

const guardSources = (
  batch: PacketBatch,
  from: number,
  sessions: SessionLookup,
  control: ControlFrames | undefined,
): void => {
  for (let at = from; at < batch.count; at += 1) {
    batch.cursor = at;
    const index = batch.order[at] ?? 0;
    const offset = batch.offset[index] ?? 0;
    const session = batch.session[index];
    const protocol = batch.protocol[index];
    if (protocol === PPP_IPV6 && session?.ipv6 !== undefined) guardIpv6(batch, index, session, session.ipv6, control);
    else if (protocol !== PPP_IPV4) batch.drop(index, 'unsupported');
    else if (session?.address === undefined) batch.drop(index, 'wrong-phase');
    else if (checkIpv4(batch.slab, offset, batch.length[index] ?? 0) !== 'ok') batch.drop(index, 'malformed');
    else if (!maySpeakAs(session, ipv4Source(batch.slab, offset), sessions)) batch.drop(index, 'spoofed-source');
    else noteTraffic(session, batch);
  }
};

/** As its own address, or as one that packets to would be routed to this very peer. */
const maySpeakAs = (session: Session, source: Ipv4, sessions: SessionLookup): boolean =>
  source === session.address || sessions.byAddress(source) === session;

/** Of the peer's own link, or nobody: what Neighbor Discovery may come from (RFC 4861 section 4.1). */
const isOwnLink = (b: Uint8Array, at: number, ipv6: SessionIpv6): boolean =>
  (isLinkLocal(b, at) && holdsBits64(b, at + 8, ipv6.peerInterfaceId)) || isUnspecified(b, at);

const guardIpv6 = (
  batch: PacketBatch,
  index: number,
  session: Session,
  ipv6: SessionIpv6,
  control: ControlFrames | undefined,
): void => {
  const { slab } = batch;
  const offset = batch.offset[index] ?? 0;
  if (checkIpv6(slab, offset, batch.length[index] ?? 0) !== 'ok') {
    batch.drop(index, 'malformed');
    return;
  }
  const inPrefix = holdsBits64(slab, offset + IPV6_SOURCE, ipv6.prefix);
  const ownLink = isOwnLink(slab, offset + IPV6_SOURCE, ipv6);
  const destination = offset + IPV6_DESTINATION;
  if (!inPrefix && !ownLink) {
    batch.drop(index, 'spoofed-source');
  } else if (isLinkLocal(slab, destination) || isMulticast(slab, destination)) {
    // Nothing of the link's scope is forwarded (RFC 4291 section 2.5.6), and no multicast routing is done.
    if (ipv6NextHeader(slab, offset) !== NEXT_HEADER.icmpv6 || control === undefined) {
      batch.drop(index, 'unsupported');
      return;
    }
    control.frame(session, PPP_IPV6, batch.view(index));
    batch.divert(index);
  } else if (!inPrefix) {
    batch.drop(index, 'spoofed-source');
  } else {
    noteTraffic(session, batch);
  }
};

const noteTraffic = (session: Session, batch: PacketBatch): void => {
  const traffic = session.get(USER_TRAFFIC);
  if (traffic !== undefined) traffic.lastUsed = batch.now;
};

const route = (batch: PacketBatch, from: number, sessions: SessionLookup): void => {
  for (let at = from; at < batch.count; at += 1) {
    batch.cursor = at;
    const index = batch.order[at] ?? 0;
    const version = (batch.length[index] ?? 0) < 1 ? 0 : (batch.slab[batch.offset[index] ?? 0] ?? 0) >> 4;
    const lost =
      version === 4 ? routeIpv4(batch, index, sessions) : version === 6 ? routeIpv6(batch, index, sessions) : NO_IP;
    if (lost !== undefined) batch.drop(index, lost);
  }
};

const NO_IP: DropReason = 'unsupported';

const routeIpv4 = (batch: PacketBatch, index: number, sessions: SessionLookup): DropReason | undefined => {
  const offset = batch.offset[index] ?? 0;
  if (checkIpv4(batch.slab, offset, batch.length[index] ?? 0) !== 'ok') return 'malformed';
  return towards(batch, index, sessions.byAddress(ipv4Destination(batch.slab, offset)), PPP_IPV4);
};

const routeIpv6 = (batch: PacketBatch, index: number, sessions: SessionLookup): DropReason | undefined => {
  if (sessions.byPrefix === undefined) return 'unsupported';
  const offset = batch.offset[index] ?? 0;
  if (checkIpv6(batch.slab, offset, batch.length[index] ?? 0) !== 'ok') return 'malformed';
  const at = offset + IPV6_DESTINATION;
  return towards(batch, index, sessions.byPrefix(readU32(batch.slab, at), readU32(batch.slab, at + 4)), PPP_IPV6);
};

const towards = (
  batch: PacketBatch,
  index: number,
  session: Session | undefined,
  protocol: number,
): DropReason | undefined => {
  if (session === undefined) return 'no-route';
  batch.session[index] = session;
  batch.protocol[index] = protocol;
  noteTraffic(session, batch);
  return undefined;
};
