import { readFileSync } from 'node:fs';

/** One captured frame from its IPv4 header on, cut to the header's total length. */
export interface CapturedPacket {
  /** Seconds since 1970. */
  readonly time: number;
  readonly bytes: Uint8Array;
}

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const LINK_ETHERNET = 1;
const ETHERTYPE_IPV4 = 0x0800;

/** The IPv4 packets of a classic pcap file on Ethernet, in order; throws on any other kind of file. */
export const readPcap = (path: string): CapturedPacket[] => {
  const file = new Uint8Array(readFileSync(path));
  const view = new DataView(file.buffer);
  const little = view.getUint32(0, true) === MAGIC_MICROSECONDS;
  if (!little && view.getUint32(0) !== MAGIC_MICROSECONDS) throw new Error(`${path} is no pcap file`);
  if (view.getUint32(20, little) !== LINK_ETHERNET) throw new Error(`${path} was not captured on Ethernet`);
  const packets: CapturedPacket[] = [];
  for (let at = 24; at < file.length; ) {
    const seconds = view.getUint32(at, little);
    const micros = view.getUint32(at + 4, little);
    const captured = view.getUint32(at + 8, little);
    const length = view.getUint32(at + 12, little);
    if (captured !== length) throw new Error(`${path} has packets that were cut`);
    const ip = at + 16 + 14;
    if (view.getUint16(ip - 2) === ETHERTYPE_IPV4) {
      packets.push({ time: seconds + micros / 1e6, bytes: file.slice(ip, ip + view.getUint16(ip + 2)) });
    }
    at += 16 + captured;
  }
  return packets;
};
