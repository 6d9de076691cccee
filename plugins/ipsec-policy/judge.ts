import { readU16, readU32 } from '../../core/bytes/bytes.ts';
import { toHex } from '../../core/bytes/hex.ts';
import { holdsIpv4, holdsIpv6At, type IpNetwork } from '../../core/bytes/ip-network.ts';
import { ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { PassedDatagrams } from '../../core/datapath/passed-datagrams.ts';
import { type Instant, instant } from '../../core/time.ts';
import { checkIpv4, ipv4HeaderLength, ipv4Protocol, ipv4TotalLength } from '../../core/wire/ipv4.ts';
import {
  checkIpv6,
  IPV6_DESTINATION,
  IPV6_HEADER_LENGTH,
  IPV6_SOURCE,
  ipv6PayloadLength,
  isLinkLocal,
  isMulticast,
} from '../../core/wire/ipv6.ts';
import { findUpper, type Ipv6Upper, newUpper } from '../../core/wire/ipv6-upper.ts';

const ESP = 50;
const AH = 51;
const TCP = 6;
const UDP = 17;
const ICMP = 1;
const ICMPV6 = 58;
const PORT = { dns: 53, ike: 500, natTraversal: 4500 } as const;
const FRAGMENT_OFFSET = 0x1fff;
const MORE_FRAGMENTS = 0x2000;
const FRAGMENTATION_NEEDED = 0x0304;
const PACKET_TOO_BIG = 0x0200;
const ICMP_HEADER = 8;
/** IPv4 options that name other destinations: loose and strict source routes (RFC 791 section 3.1). */
const SOURCE_ROUTES: ReadonlySet<number> = new Set([131, 137]);

/** Which end of a packet is the one that may be protected. */
export type Side = 'source' | 'destination';

export interface Exceptions {
  readonly icmp: boolean;
  readonly dns: boolean;
}

/** What a session has: where only IPsec goes to, and of which of its datagrams a first fragment has passed. */
export interface Concerned {
  readonly destinations: readonly IpNetwork[];
  readonly passed: PassedDatagrams;
}

/**
 * Judges packets of a user who has protected destinations. A packet that is no whole IP packet passes: the source guard
 * behind drops it by its own name.
 */
export class Judge {
  /** Of the packets that come now. */
  now: Instant = instant(0);
  private readonly exceptions: Exceptions;
  private readonly upper: Ipv6Upper = newUpper();

  constructor(exceptions: Exceptions) {
    this.exceptions = exceptions;
  }

  mayPass(b: Uint8Array, at: number, length: number, side: Side, of: Concerned): boolean {
    const version = length < 1 ? 0 : (b[at] ?? 0) >> 4;
    if (version === 4) return this.mayPassIpv4(b, at, length, side, of);
    if (version === 6) return this.mayPassIpv6(b, at, length, side, of);
    return true;
  }

  private mayPassIpv4(b: Uint8Array, at: number, length: number, side: Side, of: Concerned): boolean {
    if (checkIpv4(b, at, length) !== 'ok') return true;
    const header = ipv4HeaderLength(b, at);
    const end = at + ipv4TotalLength(b, at);
    if (side === 'destination' && header > 20 && isSourceRouted(b, at, header)) return false;
    if (!holdsIpv4(of.destinations, ipv4(readU32(b, at + (side === 'source' ? 12 : 16))))) return true;
    const word = readU16(b, at + 6);
    const later = (word & FRAGMENT_OFFSET) !== 0;
    const whole = !later && (word & MORE_FRAGMENTS) === 0;
    const protocol = ipv4Protocol(b, at);
    if (later && protocol === UDP) return of.passed.has(datagramOf4(b, at), this.now);
    if (!this.isAllowed(b, at + header, end, protocol, whole, side)) return false;
    if (!whole && !later && protocol === UDP) of.passed.note(datagramOf4(b, at), this.now);
    return true;
  }

  private mayPassIpv6(b: Uint8Array, at: number, length: number, side: Side, of: Concerned): boolean {
    if (checkIpv6(b, at, length) !== 'ok') return true;
    if (isOfTheLink(b, at, side)) return true;
    const { upper } = this;
    findUpper(b, at, upper);
    // What cannot be read may hide a Routing header.
    if (side === 'destination' && (upper.routed || upper.protocol < 0)) return false;
    if (!holdsIpv6At(of.destinations, b, at + (side === 'source' ? IPV6_SOURCE : IPV6_DESTINATION))) return true;
    const end = at + IPV6_HEADER_LENGTH + ipv6PayloadLength(b, at);
    const { protocol, later, fragment } = upper;
    if (later && protocol === UDP) return of.passed.has(datagramOf6(b, at, upper), this.now);
    if (!this.isAllowed(b, upper.at, end, protocol, !fragment, side)) return false;
    if (fragment && !later && protocol === UDP) of.passed.note(datagramOf6(b, at, upper), this.now);
    return true;
  }

  private isAllowed(b: Uint8Array, at: number, end: number, protocol: number, whole: boolean, side: Side): boolean {
    if (protocol === ESP || protocol === AH) return true;
    if (protocol === UDP) return this.hasPort(b, at, end, side, true);
    if (protocol === TCP) return this.exceptions.dns && whole && this.hasPort(b, at, end, side, false);
    if (protocol === ICMP || protocol === ICMPV6)
      return this.exceptions.icmp && whole && isTooBig(b, at, end, protocol);
    return false;
  }

  /** The port at the protected end: the other one says nothing. */
  private hasPort(b: Uint8Array, at: number, end: number, side: Side, udp: boolean): boolean {
    if (end - at < 4) return false;
    const port = readU16(b, side === 'source' ? at : at + 2);
    if (port === PORT.dns) return this.exceptions.dns;
    return udp && (port === PORT.ike || port === PORT.natTraversal);
  }
}

/** Neighbor Discovery of the link, and what the source guard drops: none of it is forwarded (RFC 4291 section 2.5.6). */
const isOfTheLink = (b: Uint8Array, at: number, side: Side): boolean =>
  side === 'source'
    ? isLinkLocal(b, at + IPV6_SOURCE)
    : isLinkLocal(b, at + IPV6_DESTINATION) || isMulticast(b, at + IPV6_DESTINATION);

/** Later fragments of UDP show no ports: they follow a first one that has passed. */
const datagramOf4 = (b: Uint8Array, at: number): string =>
  `${readU32(b, at + 12)} ${readU32(b, at + 16)} ${readU16(b, at + 4)}`;
const datagramOf6 = (b: Uint8Array, at: number, { identification }: Ipv6Upper): string =>
  `${toHex(b.subarray(at + 8, at + IPV6_HEADER_LENGTH))} ${identification}`;

const isSourceRouted = (b: Uint8Array, at: number, header: number): boolean => {
  const end = at + header;
  for (let option = at + 20; option < end; ) {
    const type = b[option] ?? 0;
    if (type === 0) return false;
    if (SOURCE_ROUTES.has(type)) return true;
    const length = type === 1 ? 1 : (b[option + 1] ?? 0);
    // What cannot be read may hide a route.
    if (type !== 1 && (length < 2 || option + length > end)) return true;
    option += length;
  }
  return false;
};

/** ICMP that says that a packet of IPsec was too big: the packet that it quotes is one (RFC 792, RFC 4443). */
const isTooBig = (b: Uint8Array, at: number, end: number, protocol: number): boolean => {
  if (end - at < ICMP_HEADER) return false;
  if (readU16(b, at) !== (protocol === ICMP ? FRAGMENTATION_NEEDED : PACKET_TOO_BIG)) return false;
  const quoted = at + ICMP_HEADER;
  const left = end - quoted;
  const isFour = protocol === ICMP;
  if (left < (isFour ? 20 : IPV6_HEADER_LENGTH) || (b[quoted] ?? 0) >> 4 !== (isFour ? 4 : 6)) return false;
  const inner = b[quoted + (isFour ? 9 : 6)] ?? 0;
  if (inner === ESP || inner === AH) return true;
  const header = isFour ? ipv4HeaderLength(b, quoted) : IPV6_HEADER_LENGTH;
  if (inner !== UDP || left < header + 4) return false;
  return isIke(readU16(b, quoted + header)) || isIke(readU16(b, quoted + header + 2));
};

const isIke = (port: number): boolean => port === PORT.ike || port === PORT.natTraversal;
