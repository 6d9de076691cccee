import { writeU16 } from '../../core/bytes/bytes.ts';
import { ICMP_PROTOCOL, isIcmpError } from '../../core/wire/icmpv4.ts';
import {
  IPV4_HEADER_LENGTH,
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  isIpv4Fragment,
  onesComplement,
  sumWords,
  writeIpv4Checksum,
} from '../../core/wire/ipv4.ts';
import { isProtected, type SessionAssociations } from './association-table.ts';

const ICMP_HEADER = 8;
/** RFC 792: what every error quotes behind the header. */
const LEAST_QUOTE = 8;
/** Types whose sixth octet is the length of what they quote. */
const EXTENDED: ReadonlySet<number> = new Set([3, 11, 12]);

/**
 * An ICMP error that some router between us and the host sends to the peer quotes what we have decrypted. Of a packet that
 * an association is for only the header and 8 octets are left, in place: path MTU discovery needs no more. The new length
 * of the packet; undefined when it stays as it is.
 */
export const shortenQuote = (b: Uint8Array, at: number, own: SessionAssociations): number | undefined => {
  const total = ipv4TotalLength(b, at);
  if (ipv4Protocol(b, at) !== ICMP_PROTOCOL || isIpv4Fragment(b, at)) return undefined;
  const icmp = at + ipv4HeaderLength(b, at);
  const type = b[icmp] ?? 0;
  const quote = icmp + ICMP_HEADER;
  const left = at + total - quote;
  if (left < IPV4_HEADER_LENGTH || !isIcmpError(type) || (b[quote] ?? 0) >> 4 !== 4) return undefined;
  if (!isProtected(own, ipv4Destination(b, quote), ipv4Source(b, quote))) return undefined;
  const kept = Math.max(IPV4_HEADER_LENGTH, ipv4HeaderLength(b, quote)) + LEAST_QUOTE;
  if (left <= kept) return undefined;
  const end = quote + kept;
  // RFC 4884 section 4.1: the extension that this length points to is gone.
  if (EXTENDED.has(type)) b[icmp + 5] = 0;
  writeU16(b, at + 2, end - at);
  writeIpv4Checksum(b, at);
  writeU16(b, icmp + 2, 0);
  writeU16(b, icmp + 2, onesComplement(sumWords(b, icmp, end - icmp)));
  return end - at;
};
