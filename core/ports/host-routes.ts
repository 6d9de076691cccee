import type { Ipv4 } from '../bytes/ipv4-address.ts';

/** Routes of the host to single inner addresses, besides those to the pool. They end with the tunnel device. */
export interface HostRoutes {
  /** Packets to this address go into our tunnel device from now on. Rejects with GatewayError HOST_NETWORK or HOST_REFUSED. */
  add(address: Ipv4): Promise<void>;
  /** Rejects as `add`; that there is no such route is no error. */
  remove(address: Ipv4): Promise<void>;
}
