import { readU16, writeU16, writeU32 } from '../bytes/bytes.ts';
import { type Ipv6, readIpv6 } from '../bytes/ipv6-address.ts';
import { onesComplement, sumWords } from './ipv4.ts';
import {
  checkIpv6,
  IPV6_DESTINATION,
  IPV6_HEADER_LENGTH,
  IPV6_LEAST_MTU,
  IPV6_SOURCE,
  ipv6NextHeader,
  ipv6PayloadLength,
  isMulticast,
  isUnspecified,
  NEXT_HEADER,
  writeIpv6Header,
} from './ipv6.ts';

/** ICMPv6 types (RFC 4443, RFC 4861). Types below 128 are errors. */
export const ICMPV6 = {
  packetTooBig: 2,
  echoRequest: 128,
  echoReply: 129,
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighborSolicitation: 135,
  neighborAdvertisement: 136,
} as const;

/** Of the receiver: Neighbor Discovery packets with any other hop limit crossed a router (RFC 4861 section 6.1). */
export const ND_HOP_LIMIT = 255;
const CHECKSUM = 2;
const ICMPV6_HEADER = 4;

/** One ICMPv6 message; `body` is what follows type, code and checksum, a window on the packet. */
export interface Icmpv6Message {
  readonly source: Ipv6;
  readonly destination: Ipv6;
  readonly hopLimit: number;
  readonly type: number;
  readonly code: number;
  readonly body: Uint8Array;
}

/** Sum over the pseudo-header of RFC 8200 section 8.1 and the message at `at`. */
const icmpv6Sum = (b: Uint8Array, packet: number, at: number, length: number): number =>
  sumWords(b, at, length, sumWords(b, packet + IPV6_SOURCE, 32) + length + NEXT_HEADER.icmpv6);

/**
 * The message of a whole IPv6 packet that begins with its ICMPv6 header: undefined when it is another protocol, has
 * extension headers, is cut or has a wrong checksum.
 */
export const parseIcmpv6 = (packet: Uint8Array): Icmpv6Message | undefined => {
  if (checkIpv6(packet, 0, packet.length) !== 'ok' || ipv6NextHeader(packet, 0) !== NEXT_HEADER.icmpv6)
    return undefined;
  const length = ipv6PayloadLength(packet, 0);
  if (length < ICMPV6_HEADER) return undefined;
  if (onesComplement(icmpv6Sum(packet, 0, IPV6_HEADER_LENGTH, length)) !== 0) return undefined;
  return {
    source: readIpv6(packet, IPV6_SOURCE),
    destination: readIpv6(packet, IPV6_DESTINATION),
    hopLimit: packet[7] ?? 0,
    type: packet[IPV6_HEADER_LENGTH] ?? 0,
    code: packet[IPV6_HEADER_LENGTH + 1] ?? 0,
    body: packet.subarray(IPV6_HEADER_LENGTH + ICMPV6_HEADER, IPV6_HEADER_LENGTH + length),
  };
};

/** A whole IPv6 packet with this message. */
export const icmpv6Packet = (message: Icmpv6Message): Uint8Array => {
  const length = ICMPV6_HEADER + message.body.length;
  const packet = new Uint8Array(IPV6_HEADER_LENGTH + length);
  const { source, destination, hopLimit } = message;
  const nextHeader = NEXT_HEADER.icmpv6;
  writeIpv6Header(packet, 0, { payloadLength: length, nextHeader, hopLimit, source, destination });
  packet[IPV6_HEADER_LENGTH] = message.type;
  packet[IPV6_HEADER_LENGTH + 1] = message.code;
  packet.set(message.body, IPV6_HEADER_LENGTH + ICMPV6_HEADER);
  const sum = icmpv6Sum(packet, 0, IPV6_HEADER_LENGTH, length);
  writeU16(packet, IPV6_HEADER_LENGTH + CHECKSUM, onesComplement(sum));
  return packet;
};

/** May an ICMPv6 error be sent about this packet (RFC 4443 section 2.4 e)? `checkIpv6` must have said `ok`. */
export const mayAnswerIpv6 = (b: Uint8Array, at: number): boolean => {
  if (isMulticast(b, at + IPV6_SOURCE) || isUnspecified(b, at + IPV6_SOURCE)) return false;
  const first = b[at + IPV6_HEADER_LENGTH] ?? 0;
  // RFC 4443 section 2.4 e.3 lets Packet Too Big answer multicasts; errors themselves are never answered.
  return ipv6NextHeader(b, at) !== NEXT_HEADER.icmpv6 || first >= ICMPV6.echoRequest;
};

/** Packet Too Big (RFC 4443 section 3.2) about `about`, as much of it as 1280 octets hold. */
export const packetTooBig = (about: Uint8Array, source: Ipv6, mtu: number): Uint8Array => {
  const quoted = about.subarray(0, IPV6_LEAST_MTU - IPV6_HEADER_LENGTH - 8);
  const body = new Uint8Array(4 + quoted.length);
  writeU32(body, 0, mtu);
  body.set(quoted, 4);
  const destination = readIpv6(about, IPV6_SOURCE);
  return icmpv6Packet({ source, destination, hopLimit: 64, type: ICMPV6.packetTooBig, code: 0, body });
};

/** Of a Packet Too Big: the MTU; for tests and for clients. */
export const packetTooBigMtu = (message: Icmpv6Message): number | undefined =>
  message.type === ICMPV6.packetTooBig && message.body.length >= 4
    ? readU16(message.body, 0) * 0x10000 + readU16(message.body, 2)
    : undefined;
