import { concatBytes, writeU16 } from '../../core/bytes/bytes.ts';
import { address } from './batches.ts';
import { ipv4Packet } from './ipv4-packets.ts';

export interface TcpFields {
  readonly flags?: number;
  /** Padded with zeros to a multiple of four. */
  readonly options?: readonly number[];
  readonly data?: Uint8Array;
}

/** RFC 1071 over the parts, each of even length except the last; written apart from the product's. */
const internetChecksum = (...parts: readonly Uint8Array[]): number => {
  const all = concatBytes(...parts);
  let sum = 0;
  for (let i = 0; i < all.length; i += 2) {
    sum += ((all[i] ?? 0) << 8) + (all[i + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return ~sum & 0xffff;
};

const segment = (fields: TcpFields): Uint8Array => {
  const options = fields.options ?? [];
  const header = new Uint8Array(20 + Math.ceil(options.length / 4) * 4);
  header.set([0x9c, 0x40, 0x01, 0xbb, 1, 2, 3, 4, 5, 6, 7, 8, (header.length / 4) << 4, fields.flags ?? 2, 0xfa, 0xf0]);
  header.set(options, 20);
  return concatBytes(header, fields.data ?? new Uint8Array(0));
};

const seal = (tcp: Uint8Array, pseudoHeader: Uint8Array): Uint8Array => {
  writeU16(tcp, 16, internetChecksum(pseudoHeader, tcp));
  return tcp;
};

/** 10.99.0.2 to 198.51.100.80, checksums right. */
export const tcp4 = (fields: TcpFields): Uint8Array => {
  const tcp = segment(fields);
  const pseudo = new Uint8Array([10, 99, 0, 2, 198, 51, 100, 80, 0, 6, tcp.length >> 8, tcp.length & 0xff]);
  return ipv4Packet({
    source: address('10.99.0.2'),
    destination: address('198.51.100.80'),
    protocol: 6,
    payload: seal(tcp, pseudo),
  });
};

/** 2001:db8::1 to 2001:db8::2, checksum right. */
export const tcp6 = (fields: TcpFields): Uint8Array => {
  const tcp = segment(fields);
  const addresses = new Uint8Array(32);
  addresses.set([0x20, 0x01, 0x0d, 0xb8]);
  addresses.set([0x20, 0x01, 0x0d, 0xb8], 16);
  addresses[15] = 1;
  addresses[31] = 2;
  const pseudo = concatBytes(addresses, new Uint8Array([0, 0, tcp.length >> 8, tcp.length & 0xff, 0, 0, 0, 6]));
  const header = new Uint8Array([0x60, 0, 0, 0, tcp.length >> 8, tcp.length & 0xff, 6, 64]);
  return concatBytes(header, addresses, seal(tcp, pseudo));
};

/** Whether the TCP checksum of an IPv4 (20-octet header) or IPv6 packet is right. */
export const tcpChecksumHolds = (packet: Uint8Array): boolean => {
  const six = (packet[0] ?? 0) >> 4 === 6;
  const tcp = packet.subarray(six ? 40 : 20);
  const addresses = six ? packet.subarray(8, 40) : packet.subarray(12, 20);
  const pseudo = concatBytes(addresses, new Uint8Array([0, 6, tcp.length >> 8, tcp.length & 0xff]));
  return internetChecksum(pseudo, tcp) === 0;
};
