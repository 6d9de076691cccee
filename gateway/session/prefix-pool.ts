import { type Bits64, bits64, type Ipv6, type Ipv6Network } from '../../core/bytes/ipv6-address.ts';

/** A /64 for each session. */
export interface PrefixPool {
  /** Prefixes that it has for sessions, and how many of them are leased. */
  readonly size: number;
  readonly inUse: number;
  lease(): Bits64 | undefined;
  release(prefix: Bits64): void;
}

/** Prefixes that the pool hands out: all of the network but the first, which is the gateway's own. */
export const prefixCount = (network: Ipv6Network): number => 2 ** (64 - network.prefixLength) - 1;

/** The gateway's address: the first one of the first /64 ("fd00:1::1"). */
export const gatewayIpv6 = (network: Ipv6Network): Ipv6 => ({ prefix: network.prefix, interfaceId: bits64(0, 1) });

/** So many that came back are enough to wait in line; further new ones would have each remembered for ever. */
const LONGEST_LINE = 65_536;

/**
 * The /64 prefixes of one network of 32 to 63 bits. As with addresses, one that came back goes to the end of the line.
 */
export class Ipv6PrefixPool implements PrefixPool {
  private readonly network: Ipv6Network;
  readonly size: number;
  private readonly leased = new Set<number>();
  private readonly returned = new Set<number>();
  private next = 1;

  constructor(network: Ipv6Network) {
    this.network = network;
    this.size = prefixCount(network);
  }

  get inUse(): number {
    return this.leased.size;
  }

  lease(): Bits64 | undefined {
    if (this.next <= this.size && this.returned.size < LONGEST_LINE) {
      this.next += 1;
      return this.take(this.next - 1);
    }
    for (const number of this.returned) return this.take(number);
    return undefined;
  }

  /** What was not leased is ignored. */
  release(prefix: Bits64): void {
    const number = (prefix.low - this.network.prefix.low) >>> 0;
    if (this.leased.delete(number)) this.returned.add(number);
  }

  private take(number: number): Bits64 {
    this.leased.add(number);
    this.returned.delete(number);
    const { high, low } = this.network.prefix;
    return bits64(high, low + number);
  }
}
