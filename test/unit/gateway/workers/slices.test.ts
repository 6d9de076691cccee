import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIpv4, ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import { parseIpv6Network } from '../../../../core/bytes/ipv6-address.ts';
import { CidrPool } from '../../../../gateway/session/address-pool.ts';
import { Ipv6PrefixPool, prefixCount } from '../../../../gateway/session/prefix-pool.ts';
import { shards } from '../../../../gateway/workers/shard.ts';
import {
  addressBlocks,
  addressSlice,
  prefixBlocks,
  prefixSlice,
  workerOfAddress,
} from '../../../../gateway/workers/slices.ts';
import { address } from '../../../support/batches.ts';

const range = (network: string, prefixLength: number) => ({
  network: address(network),
  prefixLength,
  text: `${network}/${prefixLength}`,
});
const network6 = (text: string) => {
  const parsed = parseIpv6Network(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};
const spell = ({ network, prefixLength }: { network: number; prefixLength: number }): string =>
  `${formatIpv4(ipv4(network))}/${prefixLength}`;

describe('slices of PPTP_POOL', () => {
  it('are contiguous, and make few routes', () => {
    const pool = range('10.99.0.0', 24);
    const routes = (count: number) => shards(count).map((shard) => addressBlocks(addressSlice(pool, shard)).map(spell));
    expect(routes(1)).toEqual([['10.99.0.0/24']]);
    expect(routes(2)).toEqual([['10.99.0.0/25'], ['10.99.0.128/25']]);
    expect(routes(3)).toEqual([
      ['10.99.0.0/26', '10.99.0.64/28', '10.99.0.80/30', '10.99.0.84/32'],
      [
        '10.99.0.85/32',
        '10.99.0.86/31',
        '10.99.0.88/29',
        '10.99.0.96/27',
        '10.99.0.128/27',
        '10.99.0.160/29',
        '10.99.0.168/31',
      ],
      ['10.99.0.170/31', '10.99.0.172/30', '10.99.0.176/28', '10.99.0.192/26'],
    ]);
  });

  it('leave out what is no client address, wherever the gateway is', () => {
    const pool = range('10.99.0.0', 28);
    const leased = (gateway: string) =>
      shards(3).map((shard) => {
        const slice = addressSlice(pool, shard);
        const part = new CidrPool({ network: pool.network, prefix: 28, gatewayAddress: address(gateway), slice });
        const found: string[] = [];
        for (let one = part.lease(); one.ok; one = part.lease()) found.push(formatIpv4(one.address).slice(8));
        expect(found).toHaveLength(part.size);
        return found.join(' ');
      });
    expect(leased('10.99.0.1')).toEqual(['2 3 4', '5 6 7 8 9', '10 11 12 13 14']);
    expect(leased('10.99.0.7')).toEqual(['1 2 3 4', '5 6 8 9', '10 11 12 13 14']);
    expect(leased('10.99.0.14')).toEqual(['1 2 3 4', '5 6 7 8 9', '10 11 12 13']);
  });

  it('are of nearly the same size, cover the pool, and say whose an address is', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 8, max: 26 }),
        fc.integer({ min: 1, max: 16 }),
        fc.nat(),
        (prefixLength, count, seed) => {
          const size = 2 ** (32 - prefixLength);
          const pool = range('10.0.0.0', prefixLength);
          const parts = shards(count).map((shard) => addressSlice(pool, shard));
          let next = pool.network as number;
          for (const [index, part] of parts.entries()) {
            expect(part.first).toBe(next);
            const blocks = addressBlocks(part);
            for (const block of blocks) {
              expect(block.network % 2 ** (32 - block.prefixLength)).toBe(0);
              expect(block.network).toBe(next);
              next += 2 ** (32 - block.prefixLength);
            }
            expect(part.last).toBe(next - 1);
            expect(Math.abs(next - part.first - size / count)).toBeLessThan(1);
            const at = part.first + (seed % (next - part.first));
            for (const one of [part.first, at, part.last]) expect(workerOfAddress(pool, count, ipv4(one))).toBe(index);
          }
          expect(next).toBe(pool.network + size);
          expect(workerOfAddress(pool, count, ipv4(next))).toBeUndefined();
          expect(workerOfAddress(pool, count, ipv4(pool.network - 1))).toBeUndefined();
        },
      ),
    );
  });
});

describe('slices of PPTP_IPV6_POOL', () => {
  it('are contiguous; the first has the gateway', () => {
    const pool = network6('fd00:99::/48');
    const routes = (count: number) =>
      shards(count).map((shard) => prefixBlocks(pool, prefixSlice(pool, shard)).map(({ text }) => text));
    expect(routes(1)).toEqual([['fd00:99::/48']]);
    expect(routes(4)).toEqual([
      ['fd00:99::/50'],
      ['fd00:99:0:4000::/50'],
      ['fd00:99:0:8000::/50'],
      ['fd00:99:0:c000::/50'],
    ]);
    expect(routes(3)[0]?.[0]).toBe('fd00:99::/50');
  });

  it.each([1, 2, 3, 7, 16])('of %d workers hold each prefix but the first once', (count) => {
    const pool = network6('fd00:99:0:ff00::/57');
    const all = shards(count).flatMap((shard) => {
      const part = new Ipv6PrefixPool(pool, prefixSlice(pool, shard));
      const found: number[] = [];
      for (let one = part.lease(); one !== undefined; one = part.lease()) found.push(one.low);
      expect(found).toHaveLength(part.size);
      return found;
    });
    expect(all).toEqual(Array.from({ length: prefixCount(pool) }, (_, i) => pool.prefix.low + i + 1));
  });

  it('of the largest network are numbers still', () => {
    const pool = network6('2001:db8::/32');
    const last = prefixBlocks(pool, prefixSlice(pool, { index: 15, count: 16 }));
    expect(last.map(({ text }) => text)).toEqual(['2001:db8:f000::/36']);
  });
});
