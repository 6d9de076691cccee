import type { Ipv4 } from '../bytes/ipv4-address.ts';

/** Inner addresses for peers. */
export interface AddressPool {
  /** Our own end of every tunnel. */
  readonly gatewayAddress: Ipv4;
  /** Addresses that it has for peers, and how many of them are leased; for metrics. */
  readonly size?: number;
  readonly inUse?: number;
  /**
   * `wanted` is a user's fixed address, and `identity` who has proven to be that user. An answer that takes its time comes
   * as a promise, also for a tunnel that has ended meanwhile: it is released then.
   */
  lease(wanted?: Ipv4, identity?: string): AddressLease | Promise<AddressLease>;
  release(address: Ipv4): void;
}

export type AddressLease =
  | { readonly ok: true; readonly address: Ipv4 }
  | { readonly ok: false; readonly why: 'exhausted' | 'in-use' | 'outside-pool' | 'unavailable' };
