import { ipv4, parseIpv4 } from '../../../core/bytes/ipv4-address.ts';
import type { Value } from './model.ts';

/** "10.0.0.0" and 8 as the addresses from the first to the last; undefined when it is no IPv4 network. */
export const addressRange = (address: string, prefixLength: number): { from: number; to: number } | undefined => {
  const first = parseIpv4(address);
  if (first === undefined || !Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > 32) return undefined;
  const size = 2 ** (32 - prefixLength);
  const from = Math.floor(first / size) * size;
  return { from: ipv4(from), to: ipv4(from + size - 1) };
};

/** "10.0.0.0/8", "10.0.0.0/255.0.0.0" or an address; otherwise a text that matches nothing known. */
export const addressValue = (text: string): Value => {
  const [address = '', length = '32'] = text.split('/');
  const mask = parseIpv4(length);
  const prefixLength = /^\d{1,2}$/.test(length) ? Number(length) : mask === undefined ? Number.NaN : bits(mask);
  return addressRange(address, prefixLength) ?? { text };
};

const bits = (mask: number): number => {
  const length = Math.clz32(~mask >>> 0);
  return (length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0) === mask >>> 0 ? length : Number.NaN;
};
