import { describe, expect, it } from 'vitest';
import {
  type Bits64,
  bits64,
  formatIpv6,
  formatPrefix64,
  parseIpv6Network,
} from '../../../../core/bytes/ipv6-address.ts';
import { gatewayIpv6, Ipv6PrefixPool, prefixCount } from '../../../../gateway/session/prefix-pool.ts';

const network = (text: string) => {
  const parsed = parseIpv6Network(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};
const text = (prefix: Bits64 | undefined): string => (prefix === undefined ? 'none' : formatPrefix64(prefix));

describe('Ipv6PrefixPool', () => {
  it('gives every /64 but the gateway’s, each once', () => {
    const pool = new Ipv6PrefixPool(network('fd00:99:0:fc00::/54'));
    const given = new Set<string>();
    for (let i = 0; i < 1023; i += 1) given.add(text(pool.lease()));
    expect(given.size).toBe(1023);
    expect(given).not.toContain('fd00:99:0:fc00::/64');
    expect(given).toContain('fd00:99:0:ffff::/64');
    expect(pool.lease()).toBeUndefined();
    expect(pool.inUse).toBe(1023);
  });

  it('keeps what one user has to itself, and knows what is not of it', () => {
    const pool = new Ipv6PrefixPool(network('fd00:99:0:8::/62'), { first: 1, last: 2 });
    const at = (low: number) => bits64(0xfd000099, low);
    expect(pool.leaseFixed(at(9))).toBe('pool');
    expect(pool.leaseFixed(at(9))).toBe('in-use');
    expect(pool.leaseFixed(at(11))).toBe('elsewhere');
    expect(pool.leaseFixed(at(8))).toBe('elsewhere');
    expect([pool.leaseFixed(at(99)), pool.leaseFixed(at(99))]).toEqual(['outside', 'in-use']);
    // The sweep passes over what is wanted by name, and finds what has come back before it got there.
    expect(text(pool.lease())).toBe('fd00:99:0:a::/64');
    expect(text(pool.lease())).toBe('none');
    pool.release(at(9));
    pool.release(at(99));
    expect(pool.inUse).toBe(1);
    expect(text(pool.lease())).toBe('fd00:99:0:9::/64');
    expect(pool.leaseFixed(at(99))).toBe('outside');
  });

  it('one that came back waits until all others were given', () => {
    const pool = new Ipv6PrefixPool(network('fd00:99:0:8::/62'));
    const first = pool.lease();
    if (first === undefined) throw new Error('empty');
    pool.release(first);
    pool.release(first);
    expect([text(pool.lease()), text(pool.lease()), text(pool.lease()), text(pool.lease())]).toEqual([
      'fd00:99:0:a::/64',
      'fd00:99:0:b::/64',
      'fd00:99:0:9::/64',
      'none',
    ]);
  });

  it('remembers a bounded number that came back, however many there are', () => {
    const pool = new Ipv6PrefixPool(network('fd00:99::/32'));
    const given = new Set<string>();
    for (let i = 0; i < 70_000; i += 1) {
      const prefix = pool.lease();
      given.add(text(prefix));
      if (prefix !== undefined) pool.release(prefix);
    }
    expect(given.size).toBe(65_536);
  });

  it('knows its size and the gateway’s address', () => {
    expect(prefixCount(network('fd00:99::/48'))).toBe(65_535);
    expect(formatIpv6(gatewayIpv6(network('fd00:99::/48')))).toBe('fd00:99::1');
  });
});
