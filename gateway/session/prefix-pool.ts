import { type Bits64, bits64, type Ipv6, type Ipv6Network } from '../../core/bytes/ipv6-address.ts';

/** A /64 for each session. */
export interface PrefixPool {
  /** Prefixes that it has for sessions, and how many of them are leased. */
  readonly size: number;
  readonly inUse: number;
  lease(): Bits64 | undefined;
  /**
   * A prefix of one user, which may lie outside the pool. `elsewhere`: it is of the part of the pool that other processes
   * have.
   */
  leaseFixed(prefix: Bits64): 'pool' | 'outside' | 'in-use' | 'elsewhere';
  release(prefix: Bits64): void;
}

/** Prefixes that the pool hands out: all of the network but the first, which is the gateway's own. */
export const prefixCount = (network: Ipv6Network): number => 2 ** (64 - network.prefixLength) - 1;

/** The gateway's address: the first one of the first /64 ("fd00:1::1"). */
export const gatewayIpv6 = (network: Ipv6Network): Ipv6 => ({ prefix: network.prefix, interfaceId: bits64(0, 1) });

/** A part of the /64s of a network, by their numbers. */
export interface PrefixSlice {
  readonly first: number;
  readonly last: number;
}

/** So many that came back are enough to wait in line; further new ones would have each remembered for ever. */
const LONGEST_LINE = 65_536;

/**
 * The /64 prefixes of one network of 32 to 63 bits, or a part of them. As with addresses, one that came back goes to the end of the line.
 */
export class Ipv6PrefixPool implements PrefixPool {
  private readonly network: Ipv6Network;
  readonly size: number;
  private readonly leased = new Set<number>();
  private readonly returned = new Set<number>();
  private readonly first: number;
  private readonly last: number;
  /** Fixed ones that are not of the pool. */
  private readonly outside = new Set<string>();
  private next: number;

  constructor(network: Ipv6Network, slice: PrefixSlice = { first: 0, last: prefixCount(network) }) {
    this.network = network;
    // Number 0 is the gateway's own.
    this.first = Math.max(1, slice.first);
    this.next = this.first;
    this.last = slice.last;
    this.size = this.last - this.next + 1;
  }

  get inUse(): number {
    return this.leased.size;
  }

  lease(): Bits64 | undefined {
    while (this.next <= this.last && this.returned.size < LONGEST_LINE) {
      this.next += 1;
      // One that was wanted before its turn came.
      if (!this.leased.has(this.next - 1)) return this.take(this.next - 1);
    }
    for (const number of this.returned) return this.take(number);
    return undefined;
  }

  leaseFixed(prefix: Bits64): 'pool' | 'outside' | 'in-use' | 'elsewhere' {
    const number = this.numberOf(prefix);
    if (number === undefined) {
      if (this.outside.has(keyOf(prefix))) return 'in-use';
      this.outside.add(keyOf(prefix));
      return 'outside';
    }
    if (number < this.first || number > this.last) return 'elsewhere';
    if (this.leased.has(number)) return 'in-use';
    this.take(number);
    return 'pool';
  }

  /** What was not leased is ignored. */
  release(prefix: Bits64): void {
    const number = this.numberOf(prefix);
    if (number === undefined) {
      this.outside.delete(keyOf(prefix));
      return;
    }
    // The sweep will find one that it has not reached yet.
    if (this.leased.delete(number) && number < this.next) this.returned.add(number);
  }

  private numberOf({ high, low }: Bits64): number | undefined {
    const { prefix, prefixLength } = this.network;
    const number = (low - prefix.low) >>> 0;
    return high === prefix.high && number < 2 ** (64 - prefixLength) ? number : undefined;
  }

  private take(number: number): Bits64 {
    this.leased.add(number);
    this.returned.delete(number);
    const { high, low } = this.network.prefix;
    return bits64(high, low + number);
  }
}

const keyOf = ({ high, low }: Bits64): string => `${high}:${low}`;
