import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { Ipv6, Ipv6Network } from '../../core/bytes/ipv6-address.ts';

export interface Network {
  /** Host bits zero. */
  readonly network: Ipv4;
  readonly prefixLength: number;
}

/** Masquerade clients on no interface, on every one but the tunnel device, or on those named. */
export type Nat =
  | { readonly mode: 'off' }
  | { readonly mode: 'all' }
  | { readonly mode: 'on'; readonly interfaces: readonly string[] };

export interface HostNetworkConfig {
  readonly interfaceName: string;
  /** Our end of every tunnel. */
  readonly gatewayAddress: Ipv4;
  /** Inner addresses that clients get. */
  readonly pool: Network;
  /** The part of the pool that is routed to this device, when others have the rest; absent: all of it. */
  readonly slice?: readonly Network[];
  /** Further pools, and the parts of them that are routed to this device; absent: all of it. */
  readonly further?: readonly { readonly pool: Network; readonly slice?: readonly Network[] }[];
  /** Devices of this gateway that have the rest: what passes between them is neither masqueraded nor refused. */
  readonly siblings?: readonly string[];
  /** Networks behind clients. */
  readonly routes: readonly Network[];
  readonly mtu: number;
  /** Packets that may wait in the tunnel device. */
  readonly queueLength: number;
  readonly nat: Nat;
  /** Interfaces on which we answer ARP for inner addresses. */
  readonly proxyArp: readonly string[];
  /** Absent: the tunnel device carries no IPv6. */
  readonly ipv6?: HostIpv6;
}

export interface HostIpv6 {
  /** Our own address, in the first /64 of the pool. */
  readonly gatewayAddress: Ipv6;
  /** Prefixes that clients get. */
  readonly pool: Ipv6Network;
  /** The part that is routed to this device; absent: all of it. */
  readonly slice?: readonly Ipv6Network[];
}

/** The device of this process, and those of the others. */
export const ownDevices = ({ interfaceName, siblings = [] }: HostNetworkConfig): readonly string[] => [
  ...new Set([interfaceName, ...siblings]),
];

/** "10.99.0.0/24" */
export const cidr = (network: Network): string => `${formatIpv4(network.network)}/${network.prefixLength}`;
