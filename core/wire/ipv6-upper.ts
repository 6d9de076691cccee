import { readU16, readU32 } from '../bytes/bytes.ts';
import { IPV6_HEADER_LENGTH, ipv6NextHeader, ipv6PayloadLength, NEXT_HEADER } from './ipv6.ts';

const ROUTING = 43;
const DESTINATION_OPTIONS = 60;
/** More than any honest packet has (RFC 8200 section 4.1 names seven places). */
const MOST_HEADERS = 8;
const FRAGMENT_LENGTH = 8;

/** What stands behind the extension headers of an IPv6 packet. Filled in by `findUpper`, to be used again. */
export interface Ipv6Upper {
  /** -1: the headers are cut off, or too many. */
  protocol: number;
  /** Where it begins. */
  at: number;
  /** Of a fragment that is not the first: `protocol` is what the Fragment header says, and its header is elsewhere. */
  later: boolean;
  /** First or later fragment. */
  fragment: boolean;
  /** Of a fragment: which datagram it is of (RFC 8200 section 4.5). */
  identification: number;
  /** There is a Routing header: the destination of the packet may be another one. */
  routed: boolean;
}

export const newUpper = (): Ipv6Upper => ({
  protocol: -1,
  at: 0,
  later: false,
  fragment: false,
  identification: 0,
  routed: false,
});

/** Walks the extension headers (RFC 8200 section 4), a bounded number of them. `checkIpv6` must have said `ok`. */
export const findUpper = (b: Uint8Array, packet: number, upper: Ipv6Upper): void => {
  const end = packet + IPV6_HEADER_LENGTH + ipv6PayloadLength(b, packet);
  let at = packet + IPV6_HEADER_LENGTH;
  let next = ipv6NextHeader(b, packet);
  upper.later = false;
  upper.fragment = false;
  upper.routed = false;
  upper.protocol = -1;
  upper.at = at;
  for (let count = 0; count <= MOST_HEADERS; count += 1) {
    const isFragment = next === NEXT_HEADER.fragment;
    if (!isFragment && next !== NEXT_HEADER.hopByHop && next !== ROUTING && next !== DESTINATION_OPTIONS) {
      upper.protocol = next;
      upper.at = at;
      return;
    }
    if (count === MOST_HEADERS || at + FRAGMENT_LENGTH > end) return;
    if (next === ROUTING) upper.routed = true;
    next = b[at] ?? 0;
    if (isFragment) {
      upper.fragment = true;
      upper.identification = readU32(b, at + 4);
      upper.later = readU16(b, at + 2) >>> 3 !== 0;
      if (upper.later) {
        upper.protocol = next;
        upper.at = at + FRAGMENT_LENGTH;
        return;
      }
    }
    at += isFragment ? FRAGMENT_LENGTH : ((b[at + 1] ?? 0) + 1) * 8;
    if (at > end) return;
  }
};
