import { type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { AddressLease, AddressPool } from '../../core/ports/addresses.ts';

export interface PoolRange {
  /** First address of the block (the network address). */
  readonly network: Ipv4;
  /** Prefix length, 1..30. */
  readonly prefix: number;
  readonly gatewayAddress: Ipv4;
  /** The part of the block that is this pool's, from first to last; all of it when it is not said. */
  readonly slice?: { readonly first: Ipv4; readonly last: Ipv4 };
}

/** A pool of this process: it answers at once. */
export interface LocalPool extends AddressPool {
  readonly size: number;
  readonly inUse: number;
  lease(wanted?: Ipv4, identity?: string, pool?: string): AddressLease;
}

/**
 * Inner addresses from one CIDR block, or a part: all of it but the network, broadcast and gateway addresses. An address that came
 * back goes to the end of the line, so that late packets of its last user do not meet a new one. Users' fixed addresses
 * are not given to others.
 */
export class CidrPool implements LocalPool {
  readonly gatewayAddress: Ipv4;
  readonly size: number;
  private readonly first: number;
  private readonly last: number;
  private readonly leased = new Set<number>();
  /** Free and swept over: in the order in which they came back, each once. */
  private readonly returned = new Set<number>();
  private readonly reserved: () => ReadonlySet<number>;
  private next: number;

  constructor(range: PoolRange, reserved: () => ReadonlySet<number> = () => new Set()) {
    const size = 2 ** (32 - range.prefix);
    const { gatewayAddress, network, slice } = range;
    this.gatewayAddress = gatewayAddress;
    // Not for clients: the network's own address, the broadcast address, and the gateway's.
    this.first = Math.max(network + 1, slice?.first ?? 0);
    this.last = Math.min(network + size - 2, slice?.last ?? 0xffffffff);
    this.next = this.first;
    const withGateway = gatewayAddress >= this.first && gatewayAddress <= this.last;
    this.size = this.last - this.first + (withGateway ? 0 : 1);
    this.reserved = reserved;
  }

  get inUse(): number {
    return this.leased.size;
  }

  /** Free addresses that the first sweep has passed. */
  get waiting(): number {
    return this.returned.size;
  }

  lease(wanted?: Ipv4, _identity?: string, pool?: string): AddressLease {
    if (wanted === undefined && pool !== undefined) return { ok: false, why: 'no-such-pool' };
    if (wanted !== undefined) {
      if (wanted < this.first || wanted > this.last || wanted === this.gatewayAddress) {
        return { ok: false, why: 'outside-pool' };
      }
      return this.leased.has(wanted) ? { ok: false, why: 'in-use' } : this.take(wanted);
    }
    const reserved = this.reserved();
    while (this.next <= this.last) {
      const address = this.next;
      this.next += 1;
      if (this.isFree(address, reserved)) return this.take(address);
      if (reserved.has(address) && !this.leased.has(address)) this.returned.add(address);
    }
    // One that is fixed for a user by now keeps its place for a day when it is not.
    for (const address of this.returned) if (this.isFree(address, reserved)) return this.take(address);
    return { ok: false, why: 'exhausted' };
  }

  release(address: Ipv4): void {
    // Addresses the first sweep has not reached yet need no place in the line: it will find them.
    if (this.leased.delete(address) && address < this.next) this.returned.add(address);
  }

  private isFree(address: number, reserved: ReadonlySet<number>): boolean {
    return address !== this.gatewayAddress && !this.leased.has(address) && !reserved.has(address);
  }

  private take(address: number): AddressLease {
    this.leased.add(address);
    this.returned.delete(address);
    return { ok: true, address: ipv4(address) };
  }
}
