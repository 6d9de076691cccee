import { type Ipv4, parseIpv4 } from '../../core/bytes/ipv4-address.ts';

/** A socket's address as IPv4, also in the form an IPv6 socket shows it ("::ffff:192.0.2.1"); undefined for IPv6. */
export const socketIpv4 = (address: string | undefined): Ipv4 | undefined => {
  if (address === undefined) return undefined;
  return parseIpv4(/^::ffff:/i.test(address) ? address.slice(7) : address);
};
