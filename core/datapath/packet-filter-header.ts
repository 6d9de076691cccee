import { readU16 } from '../bytes/bytes.ts';
import { IPV4_HEADER_LENGTH, ipv4HeaderLength, ipv4TotalLength } from '../wire/ipv4.ts';
import { IPV6_HEADER_LENGTH, ipv6NextHeader, ipv6PayloadLength, NEXT_HEADER } from '../wire/ipv6.ts';

const IPV4_FRAGMENT = 6;
const OFFSET_BITS = 0x1fff;
const IPV4_PROTOCOL = 9;
const PORTS_LENGTH = 4;

/** Extension headers that may stand before the transport header (RFC 8200 section 4.1); AH and ESP count as protocols. */
const ROUTING = 43;
const DESTINATION_OPTIONS = 60;
const MOST_EXTENSIONS = 8;

/**
 * What can be said of ports: `readable`, or `absent` in a later fragment, or `hidden` where they should be and are not
 * (the packet ends before them), so that nobody can say what it is.
 */
export const PORTS = { readable: 0, absent: 1, hidden: 2 } as const;
export type PortsState = (typeof PORTS)[keyof typeof PORTS];

/** The protocol stands behind more, or other, extension headers than anybody sends. */
export const UNKNOWN_PROTOCOL = -1;

/** What a filter looks at besides the addresses. One object is used for all packets. */
export class FilterHeader {
  protocol = 0;
  ports: PortsState = PORTS.readable;
  sourcePort = 0;
  destinationPort = 0;

  /** Of a packet that `checkIpv4` has found whole. */
  readIpv4(b: Uint8Array, at: number): void {
    const header = Math.max(IPV4_HEADER_LENGTH, ipv4HeaderLength(b, at));
    this.protocol = b[at + IPV4_PROTOCOL] ?? 0;
    const later = (readU16(b, at + IPV4_FRAGMENT) & OFFSET_BITS) !== 0;
    this.readPorts(b, at + header, at + ipv4TotalLength(b, at), later);
  }

  /** Of a packet that `checkIpv6` has found whole. */
  readIpv6(b: Uint8Array, at: number): void {
    const end = at + IPV6_HEADER_LENGTH + ipv6PayloadLength(b, at);
    let next = ipv6NextHeader(b, at);
    let here = at + IPV6_HEADER_LENGTH;
    let later = false;
    for (let seen = 0; isExtension(next); seen += 1) {
      // Behind a later fragment's header comes the middle of something.
      if (seen === MOST_EXTENSIONS || later || here + 8 > end) {
        this.protocol = UNKNOWN_PROTOCOL;
        this.ports = PORTS.hidden;
        return;
      }
      const fragment = next === NEXT_HEADER.fragment;
      next = b[here] ?? 0;
      if (fragment) later = (readU16(b, here + 2) & 0xfff8) !== 0;
      here += fragment ? 8 : 8 + 8 * (b[here + 1] ?? 0);
    }
    this.protocol = next;
    this.readPorts(b, here, end, later);
  }

  private readPorts(b: Uint8Array, at: number, end: number, later: boolean): void {
    if (later) {
      this.ports = PORTS.absent;
    } else if (at + PORTS_LENGTH > end) {
      this.ports = PORTS.hidden;
    } else {
      this.ports = PORTS.readable;
      this.sourcePort = readU16(b, at);
      this.destinationPort = readU16(b, at + 2);
    }
  }
}

const isExtension = (next: number): boolean =>
  next === NEXT_HEADER.hopByHop || next === ROUTING || next === DESTINATION_OPTIONS || next === NEXT_HEADER.fragment;
