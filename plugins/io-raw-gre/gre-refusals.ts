import type { RawSocketModule, Socket } from 'raw-socket';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { ICMP_PROTOCOL, UNREACHABLE } from '../../core/wire/icmpv4.ts';
import {
  checkIpv4,
  IP_PROTOCOL,
  IPV4_HEADER_LENGTH,
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
} from '../../core/wire/ipv4.ts';
import { importModule, loadRawSocket } from './open-socket.ts';

/** An ICMP destination-unreachable about a GRE packet of ours (RFC 792). */
export interface GreRefusal {
  /** Who says so. */
  readonly from: Ipv4;
  readonly code: number;
  /** Where the packet was going. */
  readonly to: Ipv4;
}

const ICMP_HEADER_LENGTH = 8;

/** An IPv4 packet as a raw socket gives it; undefined when it is anything else. */
export const parseGreRefusal = (packet: Uint8Array): GreRefusal | undefined => {
  if (checkIpv4(packet, 0, packet.length) !== 'ok' || ipv4Protocol(packet, 0) !== ICMP_PROTOCOL) return undefined;
  const icmp = ipv4HeaderLength(packet, 0);
  const about = icmp + ICMP_HEADER_LENGTH;
  if (packet.length < about + IPV4_HEADER_LENGTH || packet[icmp] !== UNREACHABLE) return undefined;
  if (ipv4Protocol(packet, about) !== IP_PROTOCOL.gre) return undefined;
  return { from: ipv4Source(packet, 0), code: packet[icmp + 1] ?? 0, to: ipv4Destination(packet, about) };
};

/** raw-socket forgets, and closes, sockets that nobody holds. */
const open = new Set<Socket>();
const BUFFER = 2048;

/**
 * Tells of every ICMP destination-unreachable about GRE until the result is called. Rejects with GatewayError
 * NATIVE_MISSING, or with the system's error where a raw socket is not permitted.
 */
export const hearGreRefusals = async (
  hear: (refusal: GreRefusal) => void,
  load: () => Promise<RawSocketModule> = loadRawSocket,
): Promise<() => void> => {
  const module = await importModule(load);
  const socket = module.createSocket({ protocol: ICMP_PROTOCOL, bufferSize: BUFFER });
  open.add(socket);
  socket.on('error', () => undefined);
  socket.on('message', (packet) => {
    const refusal = parseGreRefusal(packet);
    if (refusal !== undefined) hear(refusal);
  });
  return () => {
    if (open.delete(socket)) socket.close();
  };
};
