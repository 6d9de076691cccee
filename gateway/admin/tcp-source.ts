import { isIPv6 } from 'node:net';
import { parseIpv6 } from '../../core/bytes/ipv6-address.ts';

const MAPPED = '::ffff:';

/** An address as people write it: IPv4 also where the socket is one of IPv6. */
export const plainAddress = (address: string | undefined): string => {
  if (address === undefined) return 'unknown';
  return address.startsWith(MAPPED) && address.includes('.') ? address.slice(MAPPED.length) : address;
};

/** What limits are kept for: an IPv4 address, or the /64 that one IPv6 host has for itself. */
export const sourceOf = (address: string): string => {
  if (!isIPv6(address)) return address;
  const prefix = parseIpv6(address.split('%', 1)[0] ?? address)?.prefix;
  return prefix === undefined ? address : `${prefix.high.toString(16)}:${prefix.low.toString(16)}/64`;
};
