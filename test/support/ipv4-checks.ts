import { checkIpv4, ipv4HeaderLength, ipv4Protocol, ipv4TotalLength, isIpv4Fragment } from '../../core/wire/ipv4.ts';

/** The 16-bit ones' complement sum (RFC 1071), written apart from the product's. */
const foldedSum = (bytes: Uint8Array, start: number): number => {
  let sum = start;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] ?? 0) * 256 + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
};

/** What is wrong with an IPv4 packet and its TCP, UDP or ICMP checksum; undefined when nothing is. */
export const ipv4Fault = (packet: Uint8Array): string | undefined => {
  if (checkIpv4(packet, 0, packet.length) !== 'ok') return 'not an IPv4 packet';
  const headerLength = ipv4HeaderLength(packet, 0);
  if (foldedSum(packet.subarray(0, headerLength), 0) !== 0xffff) return 'header checksum';
  if (isIpv4Fragment(packet, 0)) return undefined;
  const payload = packet.subarray(headerLength, ipv4TotalLength(packet, 0));
  const protocol = ipv4Protocol(packet, 0);
  if (protocol === 1) return foldedSum(payload, 0) === 0xffff ? undefined : 'ICMP checksum';
  if (protocol !== 6 && protocol !== 17) return `protocol ${protocol}`;
  if (protocol === 17 && payload[6] === 0 && payload[7] === 0) return undefined;
  const pseudoHeader = foldedSum(packet.subarray(12, 20), protocol + payload.length);
  return foldedSum(payload, pseudoHeader) === 0xffff ? undefined : 'TCP or UDP checksum';
};
