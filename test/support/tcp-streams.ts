import { readU16, readU32 } from '../../core/bytes/bytes.ts';
import type { CapturedPacket } from './pcap.ts';

/** The octets one side of a TCP connection sent, segment by segment as they first arrived in order. */
export interface TcpStream {
  readonly sourcePort: number;
  readonly segments: readonly Uint8Array[];
}

const TCP = 6;
const SYN = 0x02;

/** Both directions of every connection of `port`. Repeated octets are left out; a hole is an error of the capture. */
export const tcpStreams = (packets: readonly CapturedPacket[], port: number): TcpStream[] => {
  const flows = new Map<string, { sourcePort: number; next: number; segments: Uint8Array[] }>();
  for (const { bytes } of packets) {
    if (bytes[9] !== TCP) continue;
    const tcp = bytes.subarray(((bytes[0] ?? 0) & 15) * 4);
    const sourcePort = readU16(tcp, 0);
    const targetPort = readU16(tcp, 2);
    if (sourcePort !== port && targetPort !== port) continue;
    const key = `${bytes.subarray(12, 16)}:${sourcePort}-${bytes.subarray(16, 20)}:${targetPort}`;
    const sequence = readU32(tcp, 4);
    if (((tcp[13] ?? 0) & SYN) !== 0) {
      flows.set(key, { sourcePort, next: (sequence + 1) >>> 0, segments: [] });
      continue;
    }
    const flow = flows.get(key);
    const data = tcp.subarray(((tcp[12] ?? 0) >> 4) * 4);
    if (flow === undefined || data.length === 0) continue;
    const known = (flow.next - sequence) | 0;
    if (known < 0) throw new Error('the capture misses a TCP segment');
    if (known >= data.length) continue;
    flow.segments.push(data.slice(known));
    flow.next = (flow.next + data.length - known) >>> 0;
  }
  return [...flows.values()];
};
