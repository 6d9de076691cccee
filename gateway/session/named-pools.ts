import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { AddressLease, PoolPart } from '../../core/ports/addresses.ts';
import type { CidrPool, LocalPool } from './address-pool.ts';

/** The default pool and those with names; a fixed address may be of any of them. */
export class NamedPools implements LocalPool {
  readonly gatewayAddress: Ipv4;
  readonly size: number;
  private readonly main: CidrPool;
  private readonly named: ReadonlyMap<string, CidrPool>;
  private readonly all: readonly CidrPool[];

  constructor(main: CidrPool, named: ReadonlyMap<string, CidrPool>) {
    this.gatewayAddress = main.gatewayAddress;
    this.main = main;
    this.named = named;
    this.all = [main, ...named.values()];
    this.size = this.all.reduce((sum, { size }) => sum + size, 0);
  }

  get inUse(): number {
    return this.all.reduce((sum, { inUse }) => sum + inUse, 0);
  }

  get parts(): readonly PoolPart[] {
    return [['default', this.main] as const, ...this.named].map(([pool, { inUse, size }]) => ({
      pool,
      used: inUse,
      size,
    }));
  }

  lease(wanted?: Ipv4, _identity?: string, pool?: string): AddressLease {
    if (wanted === undefined) {
      const from = pool === undefined ? this.main : this.named.get(pool);
      return from?.lease() ?? { ok: false, why: 'no-such-pool' };
    }
    for (const one of this.all) {
      const lease = one.lease(wanted);
      if (lease.ok || lease.why !== 'outside-pool') return lease;
    }
    return { ok: false, why: 'outside-pool' };
  }

  release(address: Ipv4): void {
    // One that never leased it does nothing.
    for (const one of this.all) one.release(address);
  }
}
