import { describe, expect, it } from 'vitest';
import { ipsecPolicyPlugin } from '../../../../plugins/ipsec-policy/index.ts';
import { settings } from '../../../../plugins/ipsec-policy/options.ts';

describe('the settings of ipsec-policy', () => {
  it('take networks of both families, from text and from lists', () => {
    const { kind } = settings.destinations;
    expect(kind.parse('10.9.0.0/16, fd00:9::/48')?.map(({ text }) => text)).toEqual(['10.9.0.0/16', 'fd00:9::/48']);
    expect(kind.parse(['10.9.0.5'])?.map(({ text }) => text)).toEqual(['10.9.0.5']);
    expect(kind.parse('10.9.0.1/16')).toBeUndefined();
    expect(kind.parse('everything')).toBeUndefined();
  });

  it('take rules as JSON text and as objects, whole or not at all', () => {
    const { kind } = settings.rules;
    const rule = { users: ['alice'], destinations: ['10.9.0.0/16'] };
    for (const value of [[rule], JSON.stringify([rule])]) {
      expect(kind.parse(value)?.map(({ users, destinations }) => [users, destinations.length])).toEqual([
        [['alice'], 1],
      ]);
    }
    expect(kind.parse([{ destinations: ['10.9.0.5'] }])?.[0]?.users).toEqual([]);
    for (const wrong of [
      '{',
      '{}',
      [{ ...rule, more: 1 }],
      [{ users: ['alice'] }],
      [rule, 1],
      [{ destinations: [] }],
    ]) {
      expect(kind.parse(wrong)).toBeUndefined();
    }
  });

  it('without a destination are refused', () => {
    const nothing = { destinations: [], users: [], rules: [], icmp: true, dns: false };
    expect(ipsecPolicyPlugin.check?.(nothing)).toEqual([expect.stringContaining('set `destinations` or `rules`')]);
    const destinations = settings.destinations.kind.parse('10.9.0.5') ?? [];
    expect(ipsecPolicyPlugin.check?.({ ...nothing, destinations })).toEqual([]);
  });
});
