import { asciiBytes } from '../../core/bytes/ascii.ts';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { ipv4Packet } from './ipv4-packets.ts';

/** What the host has got from the device since it was last looked at. */
export const arrived = (tun: { hostReceives(): Uint8Array | undefined }): Uint8Array[] => {
  const packets: Uint8Array[] = [];
  for (let packet = tun.hostReceives(); packet !== undefined; packet = tun.hostReceives()) packets.push(packet);
  return packets;
};

/** A packet that says which one it is, in its header and in what it carries. */
export const numbered = (source: Ipv4, destination: Ipv4, number: number): Uint8Array =>
  ipv4Packet({ source, destination, identification: number, payload: asciiBytes(`packet ${number}`) });
export const numberOf = (packet: Uint8Array): number => ((packet[4] ?? 0) << 8) | (packet[5] ?? 0);
