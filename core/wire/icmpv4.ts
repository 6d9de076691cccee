import { readU16, readU32, writeU16 } from '../bytes/bytes.ts';
import type { Ipv4 } from '../bytes/ipv4-address.ts';
import {
  IPV4_HEADER_LENGTH,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  onesComplement,
  sumWords,
  writeIpv4Checksum,
  writeIpv4Header,
} from './ipv4.ts';

/** ICMP (RFC 792): only what a router says about packets that are too big. */
export const ICMP_PROTOCOL = 1;
export const UNREACHABLE = 3;
export const FRAGMENTATION_NEEDED = 4;
const ICMP_HEADER = 8;
/** Types that are errors and never answered: RFC 1122 section 3.2.2. */
const ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);
export const isIcmpError = (type: number): boolean => ERRORS.has(type);
const FRAGMENT_OFFSET = 0x1fff;
/** RFC 1812 section 4.3.2.3: as much of the packet as fits an error message of 576 octets. */
const MOST = 576;

/**
 * May an ICMP error be sent about this packet (RFC 1812 section 4.3.2.7)? Not about errors, later fragments, and packets
 * to or from what is not one host. `checkIpv4` must have said `ok`.
 */
export const mayAnswerIpv4 = (b: Uint8Array, at: number): boolean => {
  if ((readU16(b, at + 6) & FRAGMENT_OFFSET) !== 0) return false;
  if (!isOneHost(readU32(b, at + 12)) || !isOneHost(readU32(b, at + 16))) return false;
  return ipv4Protocol(b, at) !== ICMP_PROTOCOL || !isIcmpError(b[at + ipv4HeaderLength(b, at)] ?? 0);
};

/** Neither "this network", loopback, multicast, reserved nor broadcast. */
const isOneHost = (address: number): boolean => {
  const first = address >>> 24;
  return first !== 0 && first !== 127 && first < 224;
};

/** Destination Unreachable, Fragmentation Needed with the next hop's MTU (RFC 1191 section 4), as a whole IPv4 packet. */
export const fragmentationNeeded = (about: Uint8Array, source: Ipv4, mtu: number): Uint8Array => {
  const whole = about.subarray(0, ipv4TotalLength(about, 0));
  const quoted = whole.subarray(0, MOST - IPV4_HEADER_LENGTH - ICMP_HEADER);
  const packet = new Uint8Array(IPV4_HEADER_LENGTH + ICMP_HEADER + quoted.length);
  const destination = ipv4Source(about, 0);
  writeIpv4Header(packet, 0, { totalLength: packet.length, protocol: ICMP_PROTOCOL, source, destination });
  writeIpv4Checksum(packet, 0);
  const at = IPV4_HEADER_LENGTH;
  packet[at] = UNREACHABLE;
  packet[at + 1] = FRAGMENTATION_NEEDED;
  writeU16(packet, at + 6, mtu);
  packet.set(quoted, at + ICMP_HEADER);
  writeU16(packet, at + 2, onesComplement(sumWords(packet, at, packet.length - at)));
  return packet;
};
