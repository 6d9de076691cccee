import type { Ipv4 } from '../bytes/ipv4-address.ts';
import type { Bits64 } from '../bytes/ipv6-address.ts';
import type { InnerNetwork } from './profile.ts';

/** Routes of the host into our tunnel device, besides those to the pools. They end with the device. */
export interface HostRoutes {
  /** Packets to this address go into our tunnel device from now on. Rejects with GatewayError HOST_NETWORK or HOST_REFUSED. */
  add(address: Ipv4): Promise<void>;
  /** Rejects as `add`; that there is no such route is no error. */
  remove(address: Ipv4): Promise<void>;
  /** The same for a network behind a peer. Rejects with HOST_NETWORK, too, when the host has another route to just this network. */
  addNetwork(network: InnerNetwork): Promise<void>;
  removeNetwork(network: InnerNetwork): Promise<void>;
  /** The same for a /64 that is of no pool. */
  addPrefix(prefix: Bits64): Promise<void>;
  removePrefix(prefix: Bits64): Promise<void>;
}
