import { ipv4, parseIpv4 } from '../../../core/bytes/ipv4-address.ts';
import type { InnerNetwork } from '../../../core/ports/profile.ts';

/** RFC 2865 section 5.22: without a prefix length, that of the address' class. */
const classLength = (network: number): number => {
  const first = network >>> 24;
  if (first < 128) return 8;
  return first < 192 ? 16 : 24;
};

/**
 * "192.168.1.0/24 192.168.1.1 1": the network counts. The gateway is the user in any case, and there is one way to each
 * network, so metrics mean nothing here. Undefined: not of this form, or with bits behind the prefix.
 */
export const parseFramedRoute = (text: string): InnerNetwork | undefined => {
  const [, address = '', length] = /^([\d.]+)(?:\/(\d{1,2}))?(?: .*)?$/.exec(text.trim()) ?? [];
  const network = parseIpv4(address);
  if (network === undefined) return undefined;
  const prefixLength = length === undefined ? classLength(network) : Number(length);
  if (prefixLength > 32) return undefined;
  const kept = prefixLength === 0 ? 0 : (network & (0xffffffff << (32 - prefixLength))) >>> 0;
  return kept === network ? { network: ipv4(network), prefixLength } : undefined;
};
