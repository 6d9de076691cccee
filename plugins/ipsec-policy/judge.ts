import { readU16, readU32 } from '../../core/bytes/bytes.ts';
import { holdsIpv4, holdsIpv6At, type IpNetwork } from '../../core/bytes/ip-network.ts';
import { ipv4 } from '../../core/bytes/ipv4-address.ts';
import { checkIpv4, ipv4HeaderLength, ipv4Protocol, ipv4TotalLength } from '../../core/wire/ipv4.ts';
import { checkIpv6, IPV6_HEADER_LENGTH, ipv6PayloadLength } from '../../core/wire/ipv6.ts';
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

/**
 * Judges packets of a user who has protected destinations. Stateless. A packet that is no whole IP packet passes: the
 * source guard behind drops it by its own name.
 */
export class Judge {
  private readonly exceptions: Exceptions;
  private readonly upper: Ipv6Upper = newUpper();

  constructor(exceptions: Exceptions) {
    this.exceptions = exceptions;
  }

  mayPass(b: Uint8Array, at: number, length: number, side: Side, destinations: readonly IpNetwork[]): boolean {
    const version = length < 1 ? 0 : (b[at] ?? 0) >> 4;
    if (version === 4) return this.mayPassIpv4(b, at, length, side, destinations);
    if (version === 6) return this.mayPassIpv6(b, at, length, side, destinations);
    return true;
  }

  private mayPassIpv4(b: Uint8Array, at: number, length: number, side: Side, to: readonly IpNetwork[]): boolean {
    if (checkIpv4(b, at, length) !== 'ok') return true;
    const header = ipv4HeaderLength(b, at);
    const end = at + ipv4TotalLength(b, at);
    if (side === 'destination' && header > 20 && isSourceRouted(b, at, header)) return false;
    if (!holdsIpv4(to, ipv4(readU32(b, at + (side === 'source' ? 12 : 16))))) return true;
    const word = readU16(b, at + 6);
    const later = (word & FRAGMENT_OFFSET) !== 0;
    const whole = !later && (word & MORE_FRAGMENTS) === 0;
    return this.isAllowed(b, at + header, end, ipv4Protocol(b, at), later, whole, side);
  }

  private mayPassIpv6(b: Uint8Array, at: number, length: number, side: Side, to: readonly IpNetwork[]): boolean {
    if (checkIpv6(b, at, length) !== 'ok') return true;
    const { upper } = this;
    findUpper(b, at, upper);
    if (side === 'destination' && upper.routed) return false;
    if (!holdsIpv6At(to, b, at + (side === 'source' ? 8 : 24))) return true;
    const end = at + IPV6_HEADER_LENGTH + ipv6PayloadLength(b, at);
    return this.isAllowed(b, upper.at, end, upper.protocol, upper.later, !upper.fragment, side);
  }

  private isAllowed(
    b: Uint8Array,
    at: number,
    end: number,
    protocol: number,
    later: boolean,
    whole: boolean,
    side: Side,
  ): boolean {
    if (protocol === ESP || protocol === AH) return true;
    // Nothing can be made of later fragments but what a first one allows that has passed, and that one has the ports.
    if (protocol === UDP) return later || this.hasPort(b, at, end, side, true);
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
