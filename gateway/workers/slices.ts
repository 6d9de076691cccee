import type { GatewayConfig, Ipv4Network } from '../../config/types.ts';
import { type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import { bits64, formatIpv6, type Ipv6Network, ZERO_BITS64 } from '../../core/bytes/ipv6-address.ts';
import type { Shard } from './shard.ts';

/** From first to last; both belong to it. */
export interface Slice<T extends number = number> {
  readonly first: T;
  readonly last: T;
}

/** A block of 2^n numbers that begins at a multiple of its size. */
interface Block {
  readonly first: number;
  readonly size: number;
}

const startOf = (size: number, { index, count }: Shard): number => Math.floor((index * size) / count);

/** One of `count` parts of `size` numbers, which differ by one at most. */
const cut = (size: number, { index, count }: Shard): Slice => ({
  first: startOf(size, { index, count }),
  last: startOf(size, { index: index + 1, count }) - 1,
});

/** Whose part a number is in. */
const holderOf = (size: number, count: number, number: number): number => Math.floor(((number + 1) * count - 1) / size);

/** The fewest blocks that make up a slice, in order. */
const blocks = ({ first, last }: Slice): readonly Block[] => {
  const found: Block[] = [];
  for (let at = first; at <= last; ) {
    let size = 1;
    while (at % (2 * size) === 0 && at + 2 * size - 1 <= last) size *= 2;
    found.push({ first: at, size });
    at += size;
  }
  return found;
};

const sizeOf = ({ prefixLength }: Ipv4Network): number => 2 ** (32 - prefixLength);

/** A worker's part of PPTP_POOL, with whatever of it is no client's: network, broadcast and gateway addresses. */
export const addressSlice = (range: Ipv4Network, shard: Shard): Slice<Ipv4> => {
  const { first, last } = cut(sizeOf(range), shard);
  return { first: ipv4(range.network + first), last: ipv4(range.network + last) };
};

/** The index of the worker whose part has this address; undefined outside PPTP_POOL. */
export const workerOfAddress = (range: Ipv4Network, count: number, address: Ipv4): number | undefined => {
  const at = address - range.network;
  return at < 0 || at >= sizeOf(range) ? undefined : holderOf(sizeOf(range), count, at);
};

/** The index of the worker whose clients get this address; undefined for what is no client's. */
export const ownerOfAddress = (pool: GatewayConfig['pool'], count: number, address: Ipv4): number | undefined => {
  const { range, named, gatewayAddress } = pool;
  if (address === gatewayAddress) return undefined;
  const ranges = [range, ...named.map(({ network }) => network)];
  const one = ranges.find((holder) => workerOfAddress(holder, count, address) !== undefined);
  if (one === undefined || address === one.network || address === one.network + sizeOf(one) - 1) return undefined;
  return workerOfAddress(one, count, address);
};

/** Networks that make up a slice. */
export const addressBlocks = (
  slice: Slice<Ipv4>,
): readonly { readonly network: Ipv4; readonly prefixLength: number }[] =>
  blocks(slice).map(({ first, size }) => ({ network: ipv4(first), prefixLength: 32 - Math.log2(size) }));

/** A worker's part of PPTP_IPV6_POOL, as numbers of /64s; number 0 is the gateway's own. */
export const prefixSlice = ({ prefixLength }: Ipv6Network, shard: Shard): Slice => cut(2 ** (64 - prefixLength), shard);

/** Networks that make up a slice. */
export const prefixBlocks = ({ prefix }: Ipv6Network, slice: Slice): readonly Ipv6Network[] =>
  blocks(slice).map(({ first, size }) => {
    const network = bits64(prefix.high, prefix.low + first);
    const prefixLength = 64 - Math.log2(size);
    const text = `${formatIpv6({ prefix: network, interfaceId: ZERO_BITS64 })}/${prefixLength}`;
    return { prefix: network, prefixLength, text };
  });
