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
}

/** "10.99.0.0/24" */
export const cidr = (network: Network): string => `${formatIpv4(network.network)}/${network.prefixLength}`;
