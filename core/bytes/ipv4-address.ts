import type { Brand } from '../time.ts';

/** An IPv4 address as an unsigned 32-bit number in host order: 10.0.0.1 is 0x0A000001. */
export type Ipv4 = Brand<number, 'Ipv4'>;

export const ipv4 = (value: number): Ipv4 => (value >>> 0) as Ipv4;

/** Dotted-quad text to address; undefined when it is not exactly four decimal octets. */
export const parseIpv4 = (text: string): Ipv4 | undefined => {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let value = 0;
  for (const part of match.slice(1)) {
    const octet = Number(part);
    if (octet > 255) return undefined;
    value = value * 256 + octet;
  }
  return ipv4(value);
};

export const formatIpv4 = (address: Ipv4): string =>
  `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
