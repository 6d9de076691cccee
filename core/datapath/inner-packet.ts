import { readU16 } from '../bytes/bytes.ts';
import { checkIpv4, ipv4HeaderLength } from '../wire/ipv4.ts';

const IPV4 = 0x0021;
const IPV6 = 0x0057;
const IPV6_HEADER = 40;

/**
 * Whether `octets[offset .. offset + length)` can hardly be anything but a protocol field with an IP packet behind it:
 * the header checksum of IPv4 is right, or the length of IPv6 is. Of wrong keys' output, less than one in 2^24 passes.
 */
export const isSurelyIp = (octets: Uint8Array, offset: number, length: number): boolean => {
  const first = octets[offset] as number;
  const field = (first & 1) === 1 ? 1 : 2;
  const at = offset + field;
  const left = length - field;
  if (left < 20) return false;
  const protocol = field === 1 ? first : readU16(octets, offset);
  if (protocol === IPV4) return checkIpv4(octets, at, left) === 'ok' && hasGoodChecksum(octets, at);
  if (protocol !== IPV6 || left < IPV6_HEADER) return false;
  return (octets[at] as number) >> 4 === 6 && readU16(octets, at + 4) === left - IPV6_HEADER;
};

/** RFC 1071: the sum of a header with its checksum is all ones. */
const hasGoodChecksum = (octets: Uint8Array, at: number): boolean => {
  let sum = 0;
  const end = at + ipv4HeaderLength(octets, at);
  for (let i = at; i < end; i += 2) sum += readU16(octets, i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum === 0xffff;
};
