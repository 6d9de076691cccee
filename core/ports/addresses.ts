import type { Ipv4 } from '../bytes/ipv4-address.ts';

export interface PoolPart {
  /** `default`, or the name of the pool. */
  readonly pool: string;
  readonly used: number;
  readonly size: number;
}

/** Inner addresses for peers. */
export interface AddressPool {
  /** Our own end of every tunnel. */
  readonly gatewayAddress: Ipv4;
  /** Addresses that it has for peers, and how many of them are leased; for metrics. */
  readonly size?: number;
  readonly inUse?: number;
  /** The same by pool, the default one first, for administration; absent: there is one. */
  readonly parts?: readonly PoolPart[];
  /**
   * `wanted` is a user's fixed address, and `identity` who has proven to be that user; `pool` names the pool that an address
   * comes from where none is wanted, absent: the default one. An answer that takes its time comes as a promise, also for a
   * tunnel that has ended meanwhile: it is released then.
   */
  lease(wanted?: Ipv4, identity?: string, pool?: string): AddressLease | Promise<AddressLease>;
  release(address: Ipv4): void;
}

export type AddressLease =
  | { readonly ok: true; readonly address: Ipv4 }
  | { readonly ok: false; readonly why: 'exhausted' | 'in-use' | 'outside-pool' | 'no-such-pool' | 'unavailable' };
