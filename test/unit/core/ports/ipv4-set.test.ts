import { describe, expect, it } from 'vitest';
import { formatIpv4 } from '../../../../core/bytes/ipv4-address.ts';
import { ipv4Set } from '../../../../core/ports/setting-kinds.ts';

const parse = (value: unknown, most?: number): readonly string[] | undefined => {
  const set = ipv4Set(most).parse(value);
  return set === undefined ? undefined : [...set].map(formatIpv4);
};

describe('a set of addresses', () => {
  it('is made of addresses and networks, in text or as a list', () => {
    const expected = ['10.0.0.1', '10.0.1.252', '10.0.1.253', '10.0.1.254', '10.0.1.255'];
    expect(parse('10.0.0.1, 10.0.1.252/30')).toEqual(expected);
    expect(parse(['10.0.0.1', '10.0.1.252/30'])).toEqual(expected);
    expect(parse('255.255.255.254/31')).toEqual(['255.255.255.254', '255.255.255.255']);
    expect(parse('')).toEqual([]);
  });

  it('has a bound', () => {
    expect(parse('10.0.0.0/29', 8)).toHaveLength(8);
    for (const wide of ['10.0.0.0/28', '10.0.0.0/29,10.0.1.1', '0.0.0.0/0']) expect(parse(wide, 8)).toBeUndefined();
  });

  it.each(['10.0.0.1/30', '10.0.0', 'fd00::/64', 'here', 7, [7], { a: 1 }])('is not %j', (value) => {
    expect(parse(value)).toBeUndefined();
  });
});
