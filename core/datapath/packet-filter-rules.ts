import type { Ipv4 } from '../bytes/ipv4-address.ts';
import type { Ipv6 } from '../bytes/ipv6-address.ts';
import type { Direction } from '../outcome.ts';

export interface FilterNetworkV4 {
  readonly version: 4;
  readonly address: Ipv4;
  readonly prefixLength: number;
}

export interface FilterNetworkV6 {
  readonly version: 6;
  readonly address: Ipv6;
  readonly prefixLength: number;
}

export type FilterNetwork = FilterNetworkV4 | FilterNetworkV6;

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export type FilterAction = 'allow' | 'deny';

/** Everything that is given must agree; what is absent agrees with every packet. */
export interface FilterRule {
  readonly action: FilterAction;
  /** `in` is from the peer to the intranet. */
  readonly direction?: Direction;
  /** Number of an IP protocol (the Next Header behind the extension headers of IPv6). */
  readonly protocol?: number;
  readonly source?: FilterNetwork;
  readonly destination?: FilterNetwork;
  /** Ports of TCP, UDP, SCTP or DCCP; one of the ranges must agree. */
  readonly sourcePorts?: readonly PortRange[];
  readonly destinationPorts?: readonly PortRange[];
}

/** A list of rules: the first that agrees decides, else `otherwise`. */
export interface FilterList {
  readonly otherwise: FilterAction;
  readonly rules: readonly FilterRule[];
}

/** Protocols that have ports in their first four octets. */
export const PORT_PROTOCOLS: ReadonlySet<number> = new Set([6, 17, 33, 132]);
