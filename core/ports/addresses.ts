import type { Ipv4 } from '../bytes/ipv4-address.ts';

/** Inner addresses for peers. `wanted` is a user's fixed address. */
export interface AddressPool {
  /** Our own end of every tunnel. */
  readonly gatewayAddress: Ipv4;
  /** Addresses that it has for peers, and how many of them are leased; for metrics. */
  readonly size?: number;
  readonly inUse?: number;
  lease(wanted?: Ipv4): AddressLease;
  release(address: Ipv4): void;
}

export type AddressLease =
  | { readonly ok: true; readonly address: Ipv4 }
  | { readonly ok: false; readonly why: 'exhausted' | 'in-use' | 'outside-pool' };
