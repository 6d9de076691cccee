import { concatBytes } from '../../core/bytes/bytes.ts';

/** TCP and UDP packets with right checksums, and a plain segmenter: slow, and written apart from the addon's. */

export interface Flow {
  readonly six: boolean;
  readonly udp: boolean;
  /** Last octet of the source address. */
  readonly host: number;
  readonly port: number;
  readonly dontFragment: boolean;
  /** TOS or traffic class, and TTL or hop limit. */
  readonly tos: number;
  readonly ttl: number;
  /** TCP options, a multiple of four octets. */
  readonly options: Uint8Array;
}

export interface Part {
  readonly identification: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly window: number;
  /** TCP flags. */
  readonly flags: number;
  readonly data: Uint8Array;
}

export const FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ece: 64, cwr: 128 } as const;

export const someFlow: Flow = {
  six: false,
  udp: false,
  host: 2,
  port: 40_000,
  dontFragment: false,
  tos: 0,
  ttl: 64,
  options: Uint8Array.of(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2),
};

export const somePart: Part = {
  identification: 100,
  sequence: 1000,
  acknowledgment: 77,
  window: 500,
  flags: FLAG.ack,
  data: new Uint8Array(100),
};

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** RFC 1071; each part but the last of even length. */
export const onesComplement = (...parts: readonly Uint8Array[]): number => {
  const all = concatBytes(...parts);
  let sum = 0;
  for (let at = 0; at < all.length; at += 2) sum += (all[at] ?? 0) * 256 + (all[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum;
};

export const isSix = (packet: Uint8Array): boolean => (packet[0] ?? 0) >> 4 === 6;
/** Where TCP or UDP starts; no extension headers. */
export const transportOf = (packet: Uint8Array): number => (isSix(packet) ? 40 : ((packet[0] ?? 0) & 15) * 4);
export const isUdp = (packet: Uint8Array): boolean => packet[isSix(packet) ? 6 : 9] === 17;
/** Octets up to the data. */
export const headersOf = (packet: Uint8Array): number => {
  const transport = transportOf(packet);
  return transport + (isUdp(packet) ? 8 : ((packet[transport + 12] ?? 0) >> 4) * 4);
};

const pseudoHeader = (packet: Uint8Array): Uint8Array => {
  const six = isSix(packet);
  const length = packet.length - transportOf(packet);
  const rest = new Uint8Array(8);
  view(rest).setUint32(0, length);
  rest[7] = isUdp(packet) ? 17 : 6;
  return concatBytes(packet.subarray(six ? 8 : 12, six ? 40 : 20), rest);
};

/** Writes lengths and checksums that fit the octets. */
const seal = (packet: Uint8Array): Uint8Array => {
  const transport = transportOf(packet);
  const fields = view(packet);
  if (isSix(packet)) {
    fields.setUint16(4, packet.length - 40);
  } else {
    fields.setUint16(2, packet.length);
    fields.setUint16(10, 0);
    fields.setUint16(10, 0xffff - onesComplement(packet.subarray(0, transport)));
  }
  const field = transport + (isUdp(packet) ? 6 : 16);
  if (isUdp(packet)) fields.setUint16(transport + 4, packet.length - transport);
  fields.setUint16(field, 0);
  const checksum = 0xffff - onesComplement(pseudoHeader(packet), packet.subarray(transport));
  fields.setUint16(field, checksum === 0 && isUdp(packet) ? 0xffff : checksum);
  return packet;
};

/** 10.9.0.host (fd00::host) to 10.9.0.1 (fd00::1). */
export const transportPacket = (flow: Flow, change: Partial<Part> = {}): Uint8Array => {
  const part = { ...somePart, ...change };
  const ip = new Uint8Array(flow.six ? 40 : 20);
  const protocol = flow.udp ? 17 : 6;
  if (flow.six) {
    ip.set([0, 0, protocol, flow.ttl, 0xfd], 4);
    ip[23] = flow.host;
    ip[24] = 0xfd;
    ip[39] = 1;
    view(ip).setUint32(0, 0x60000000 + flow.tos * 0x100000 + 0x12345);
  } else {
    ip.set([0x45, flow.tos, 0, 0, part.identification >> 8, part.identification & 0xff]);
    ip.set([flow.dontFragment ? 0x40 : 0, 0, flow.ttl, protocol, 0, 0, 10, 9, 0, flow.host, 10, 9, 0, 1], 6);
  }
  const transport = new Uint8Array(flow.udp ? 8 : 20 + flow.options.length);
  const fields = view(transport);
  fields.setUint16(0, flow.port);
  fields.setUint16(2, 443);
  if (!flow.udp) {
    fields.setUint32(4, part.sequence);
    fields.setUint32(8, part.acknowledgment);
    fields.setUint8(12, (transport.length / 4) << 4);
    fields.setUint8(13, part.flags);
    fields.setUint16(14, part.window);
    transport.set(flow.options, 20);
  }
  return seal(concatBytes(ip, transport, part.data));
};

/** What a network card with TSO or USO would send of a large packet: data of `size` octets in each but the last. */
export const plainSegments = (packet: Uint8Array, size: number): Uint8Array[] => {
  const [transport, headers] = [transportOf(packet), headersOf(packet)];
  const segments: Uint8Array[] = [];
  for (let at = headers; at < packet.length; at += size) {
    const segment = concatBytes(packet.subarray(0, headers), packet.subarray(at, at + size));
    const fields = view(segment);
    if (!isSix(segment)) fields.setUint16(4, (fields.getUint16(4) + segments.length) & 0xffff);
    if (!isUdp(segment)) {
      fields.setUint32(transport + 4, (fields.getUint32(transport + 4) + at - headers) >>> 0);
      let flags = fields.getUint8(transport + 13);
      if (at + size < packet.length) flags &= ~(FLAG.psh | FLAG.fin);
      if (segments.length > 0) flags &= ~FLAG.cwr;
      fields.setUint8(transport + 13, flags);
    }
    segments.push(seal(segment));
  }
  return segments;
};

/** What is wrong with the lengths or checksums of a TCP or UDP packet without IPv6 extension headers. */
export const transportFault = (packet: Uint8Array): string | undefined => {
  const fields = view(packet);
  const transport = transportOf(packet);
  if (isSix(packet)) {
    if (fields.getUint16(4) + 40 !== packet.length) return 'IPv6 length';
  } else {
    if (fields.getUint16(2) !== packet.length) return 'IPv4 length';
    if (onesComplement(packet.subarray(0, transport)) !== 0xffff) return 'IPv4 checksum';
  }
  if (isUdp(packet) && fields.getUint16(transport + 4) !== packet.length - transport) return 'UDP length';
  return onesComplement(pseudoHeader(packet), packet.subarray(transport)) === 0xffff ? undefined : 'checksum';
};

export const GSO = { none: 0, tcp4: 1, tcp6: 4, udp: 5, ecn: 0x80 } as const;

export interface VnetHeader {
  readonly flags: number;
  readonly gsoType: number;
  readonly headerLength: number;
  readonly gsoSize: number;
  readonly checksumStart: number;
  readonly checksumOffset: number;
}

/** The header that the kernel puts before this packet to have it cut into segments of `size` octets of data. */
export const vnetOf = (packet: Uint8Array, size: number): VnetHeader => ({
  flags: 1,
  gsoType: isUdp(packet) ? GSO.udp : isSix(packet) ? GSO.tcp6 : GSO.tcp4,
  headerLength: headersOf(packet),
  gsoSize: size,
  checksumStart: transportOf(packet),
  checksumOffset: isUdp(packet) ? 6 : 16,
});

/** In the byte order of the machine, as the kernel has it. */
export const vnetBytes = (vnet: VnetHeader): Uint8Array => {
  const words = Uint16Array.of(vnet.headerLength, vnet.gsoSize, vnet.checksumStart, vnet.checksumOffset);
  return concatBytes(Uint8Array.of(vnet.flags, vnet.gsoType), new Uint8Array(words.buffer));
};

export const readVnet = (bytes: Uint8Array): VnetHeader => {
  const [headerLength = 0, gsoSize = 0, checksumStart = 0, checksumOffset = 0] = new Uint16Array(
    bytes.slice(2, 10).buffer,
  );
  return { flags: bytes[0] ?? 0, gsoType: bytes[1] ?? 0, headerLength, gsoSize, checksumStart, checksumOffset };
};

/** The packet as the kernel has it before the card adds the checksum: the sum of the pseudo-header in the field. */
export const withPartialChecksum = (packet: Uint8Array): Uint8Array => {
  const copy = packet.slice();
  view(copy).setUint16(transportOf(copy) + (isUdp(copy) ? 6 : 16), onesComplement(pseudoHeader(copy)));
  return copy;
};
