import { concatBytes, readU16, writeU16 } from '../../core/bytes/bytes.ts';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { onesComplement, sumWords, writeIpv4Checksum, writeIpv4Header } from '../../core/wire/ipv4.ts';
import type { Dice } from './dice.ts';

export interface Ipv4Packet {
  readonly source: Ipv4;
  readonly destination: Ipv4;
  /** Default 253, which is for experiments (RFC 3692). */
  readonly protocol?: number;
  readonly payload?: Uint8Array;
  /** The Identification field; default 1. */
  readonly identification?: number;
}

/** A whole packet with a right header checksum. */
export const ipv4Packet = (packet: Ipv4Packet): Uint8Array => {
  const { source, destination, protocol = 253, payload = new Uint8Array(0), identification = 1 } = packet;
  const header = new Uint8Array(20);
  writeIpv4Header(header, 0, { totalLength: 20 + payload.length, protocol, source, destination });
  writeU16(header, 4, identification);
  writeIpv4Checksum(header, 0);
  return concatBytes(header, payload);
};

/** TCP or UDP with these ports, without a payload unless there is one; the checksum is left out. */
export const portsPacket = (
  kind: 'tcp' | 'udp',
  ends: Pick<Ipv4Packet, 'source' | 'destination'> & { readonly sourcePort: number; readonly destinationPort: number },
  payload: Uint8Array = new Uint8Array(0),
): Uint8Array => {
  const header = new Uint8Array(kind === 'tcp' ? 20 : 8);
  writeU16(header, 0, ends.sourcePort);
  writeU16(header, 2, ends.destinationPort);
  if (kind === 'tcp') header[12] = 5 << 4;
  else writeU16(header, 4, 8 + payload.length);
  return ipv4Packet({ ...ends, protocol: kind === 'tcp' ? 6 : 17, payload: concatBytes(header, payload) });
};

const ICMP = 1;
/** ICMP types (RFC 792). */
export const ECHO = { reply: 0, request: 8 } as const;

/** An ICMP Echo message (RFC 792) in a packet. */
export const echoPacket = (
  kind: keyof typeof ECHO,
  { source, destination }: Pick<Ipv4Packet, 'source' | 'destination'>,
  sequence: number,
  data: Uint8Array = new Uint8Array(32),
): Uint8Array => {
  const message = new Uint8Array(8 + data.length);
  message[0] = ECHO[kind];
  writeU16(message, 4, 0x7070);
  writeU16(message, 6, sequence);
  message.set(data, 8);
  writeU16(message, 2, onesComplement(sumWords(message, 0, message.length)));
  return ipv4Packet({ source, destination, protocol: ICMP, payload: message });
};

export const isEcho = (packet: Uint8Array, type: number, sequence: number): boolean =>
  packet.length >= 28 && packet[9] === ICMP && packet[20] === type && readU16(packet, 26) === sequence;

/** Something that a pipeline may carry: a sound packet, a damaged one, or octets without sense. */
export const anyPacket = (dice: Dice, source: Ipv4, destination: Ipv4): Uint8Array => {
  const chance = dice.number(0, 9);
  if (chance === 0) return dice.bytes(dice.number(0, 40));
  if (chance === 1) return dice.bytes(dice.number(0, 1900));
  const packet = ipv4Packet({
    source,
    destination,
    protocol: dice.pick([1, 6, 17, 47, 50, 51, 253]),
    payload: dice.bytes(dice.number(0, dice.happens(0.9) ? 100 : 1400)),
    identification: dice.number(0, 0xffff),
  });
  if (chance === 2) return packet.slice(0, dice.number(0, packet.length));
  if (chance === 3) packet[dice.number(0, packet.length - 1)] = dice.number(0, 255);
  return packet;
};
