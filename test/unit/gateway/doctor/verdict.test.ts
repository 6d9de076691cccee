import { describe, expect, test } from 'vitest';
import { parseIpv4 } from '../../../../core/bytes/ipv4-address.ts';
import { parseIptables } from '../../../../gateway/doctor/firewall/iptables-rules.ts';
import type { Packet, RuleSet } from '../../../../gateway/doctor/firewall/model.ts';
import { parseNftRuleSet, withIptables } from '../../../../gateway/doctor/firewall/nft-rules.ts';
import { judge } from '../../../../gateway/doctor/firewall/verdict.ts';
import {
  accept,
  chain,
  drop,
  field,
  isControl,
  isGre,
  isKnown,
  type Json,
  jump,
  match,
  meta,
  nft,
  rule,
} from './rule-sets.ts';

const gre: Packet = { protocol: 47, state: 'new', in: 'eth0', destinationType: 'local' };
const control: Packet = { protocol: 6, destinationPort: 1723, state: 'new', in: 'eth0', destinationType: 'local' };

/** "drop by rule 2", with what may accept or drop before it. */
const verdict = (rules: RuleSet, packet: Packet): string => {
  const [first] = judge(rules, ['input'], packet);
  if (first === undefined) return 'no chain';
  const by = first.by.rule?.text.replace(/, handle \d+/, '') ?? 'policy';
  const notes = [
    ...(first.mayAccept.length === 0 ? [] : [`${first.mayAccept.length} may accept`]),
    ...(first.mayDrop.length === 0 ? [] : [`${first.mayDrop.length} may drop`]),
  ];
  return [`${first.verdict} by ${by}`, ...notes].join(', ');
};

describe('what nftables does to a packet', () => {
  const input = (...rules: readonly Json[]) => nft(chain('input'), ...rules);
  const strict = (...rules: readonly Json[]) => nft(chain('input', 'input', 'drop'), ...rules);

  test('without rules the policy decides', () => {
    expect(verdict(input(), gre)).toBe('accept by policy');
    expect(verdict(strict(), gre)).toBe('drop by policy');
    expect(verdict(nft(), gre)).toBe('no chain');
  });

  test('the first rule that fits decides', () => {
    const rules = input(rule('input', isControl, accept), rule('input', isGre, drop), rule('input', drop));
    expect(verdict(rules, gre)).toBe('drop by rule 2');
    expect(verdict(rules, control)).toBe('accept by rule 1');
    expect(verdict(rules, { ...control, destinationPort: 22 })).toBe('drop by rule 3');
  });

  test.each([
    ['a number', match(meta('l4proto'), 47)],
    ['a name', match(field('ip', 'protocol'), 'gre')],
    ['a set', match(field('ip', 'protocol'), { set: ['esp', 'gre'] })],
    ['a negation', match(meta('l4proto'), 'tcp', '!=')],
    ['a range', match(meta('l4proto'), { range: [40, 50] })],
  ])('the protocol may be given as %s', (_, condition) => {
    expect(verdict(input(rule('input', condition, drop)), gre)).toBe('drop by rule 1');
    expect(verdict(input(rule('input', condition, drop)), control)).toBe('accept by policy');
  });

  test.each([
    ['a port', 1723],
    ['a set', { set: [22, 1723] }],
    ['a range in a set', { set: [22, { range: [1700, 1800] }] }],
  ])('a port may be given as %s, and is TCP only', (_, right) => {
    const rules = input(rule('input', match(field('tcp', 'dport'), right), { reject: { type: 'tcp reset' } }));
    expect(verdict(rules, control)).toBe('drop by rule 1');
    expect(verdict(rules, { ...control, protocol: 17 })).toBe('accept by policy');
    expect(verdict(rules, gre)).toBe('accept by policy');
  });

  test('named sets are looked up', () => {
    const set = { set: { family: 'inet', table: 'filter', name: 'open', type: 'inet_service', elem: [22, 1723] } };
    const rules = strict(set, rule('input', match(field('tcp', 'dport'), '@open'), accept));
    expect(verdict(rules, control)).toBe('accept by rule 1');
    expect(verdict(rules, { ...control, destinationPort: 80 })).toBe('drop by policy');
  });

  test('the loopback device is never the outer one', () => {
    const { in: _, ...unknown } = gre;
    const rules = strict(rule('input', match(meta('iifname'), 'lo'), accept));
    expect(verdict(rules, gre)).toBe('drop by policy');
    expect(verdict(rules, unknown)).toBe('drop by policy');
  });

  test('interface names may end in a star', () => {
    const rules = strict(rule('input', match(meta('iifname'), 'eth*'), accept));
    expect(verdict(rules, gre)).toBe('accept by rule 1');
    expect(verdict(rules, { ...gre, in: 'wan0' })).toBe('drop by policy');
  });

  test('what the doctor cannot know may accept', () => {
    const partner = match(field('ip', 'saddr'), { prefix: { addr: '192.0.2.0', len: 24 } });
    expect(verdict(strict(rule('input', isGre, partner, accept)), gre)).toBe('drop by policy, 1 may accept');
  });

  test('a source is known where the packet has one', () => {
    const inside = match(field('ip', 'saddr'), { prefix: { addr: '10.99.0.0', len: 16 } });
    const from = parseIpv4('10.99.4.0');
    const to = parseIpv4('10.99.4.255');
    if (from === undefined || to === undefined) throw new Error('addresses');
    expect(verdict(strict(rule('input', inside, accept)), { ...gre, source: { from, to } })).toBe('accept by rule 1');
  });

  test('a rate limit on this kind of packet may drop it', () => {
    const limit = { limit: { rate: 10, per: 'second', inv: true } };
    expect(verdict(input(rule('input', isControl, limit, drop)), control)).toBe('accept by policy, 1 may drop');
    expect(verdict(input(rule('input', limit, drop)), control)).toBe('accept by policy');
  });

  test('a list of addresses that are kept out is not about this kind of packet', () => {
    const banned = match(field('ip', 'saddr'), '@banned');
    expect(verdict(input(rule('input', isControl, banned, drop)), control)).toBe('accept by policy');
  });

  test('only known connections', () => {
    const rules = strict(rule('input', isKnown, accept));
    expect(verdict(rules, gre)).toBe('drop by policy');
    expect(verdict(rules, { ...gre, state: 'related' })).toBe('accept by rule 1');
  });

  test('verdict maps', () => {
    const states = [
      ['established', accept],
      ['invalid', drop],
    ];
    const byState = { vmap: { key: { ct: { key: 'state' } }, data: { set: states } } };
    const byProtocol = {
      vmap: {
        key: meta('l4proto'),
        data: {
          set: [
            ['tcp', jump('tcp')],
            ['gre', drop],
          ],
        },
      },
    };
    const rules = nft(
      chain('input'),
      chain('tcp', undefined),
      rule('input', byState),
      rule('input', byProtocol),
      rule('tcp', isControl, drop),
    );
    expect(verdict(rules, gre)).toBe('drop by rule 2');
    expect(verdict(rules, control)).toBe('drop by rule 1');
    expect(verdict(rules, { ...gre, state: 'established' })).toBe('accept by rule 1');
  });

  test('jumps come back, goto does not, return ends a chain', () => {
    const inner = (kind: 'jump' | 'goto') =>
      nft(
        chain('input'),
        chain('inner', undefined),
        rule('input', { [kind]: { target: 'inner' } }),
        rule('input', isGre, drop),
        rule('inner', isControl, { return: null }),
        rule('inner', match(meta('l4proto'), 'tcp'), drop),
      );
    expect(verdict(inner('jump'), gre)).toBe('drop by rule 2');
    expect(verdict(inner('goto'), gre)).toBe('accept by policy');
    expect(verdict(inner('jump'), control)).toBe('accept by policy');
  });

  test('chains that jump in circles end', () => {
    const rules = nft(chain('input'), chain('a', undefined), rule('input', jump('a')), rule('a', jump('a')));
    expect(verdict(rules, gre)).toBe('accept by policy');
  });

  test('packets that are sent elsewhere', () => {
    expect(verdict(input(rule('input', isControl, { redirect: { port: 8080 } })), control)).toBe('elsewhere by rule 1');
  });

  test('chains of IPv6 and of bridges are not asked', () => {
    const other = nft({
      chain: { family: 'ip6', table: 't', name: 'c', hook: 'input', policy: 'drop', type: 'filter' },
    });
    expect(verdict(other, gre)).toBe('no chain');
  });

  test('what is no rule set is none', () => {
    expect(parseNftRuleSet('')).toBeUndefined();
    expect(parseNftRuleSet('{"nftables": 3}')).toBeUndefined();
  });

  test('a rule that gives the helper to control connections', () => {
    const helper = { 'ct helper': { family: 'inet', table: 'filter', name: 'call', type: 'pptp', protocol: 'tcp' } };
    expect(nft(helper, chain('input'), rule('input', isControl, { 'ct helper': 'call' })).assignsPptpHelper).toBe(true);
    expect(nft(helper, chain('input')).assignsPptpHelper).toBe(false);
  });
});

const SAVED = `# Generated by iptables-save v1.8.9
*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*filter
:INPUT DROP [10:840]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:user - [0:0]
:not-local - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -j LOG --log-prefix "in: "
-A INPUT -j not-local
-A INPUT -p tcp -m multiport --dports 22,1700:1800 -m comment --comment "control of \\"PPTP\\"" -j ACCEPT
-A INPUT -j user
-A not-local -m addrtype --dst-type LOCAL -j RETURN
-A not-local -j DROP
-A user -s 192.0.2.0/24 -p gre -j ACCEPT
COMMIT
`;

describe('what iptables does to a packet', () => {
  const rules = parseIptables(SAVED);

  test('chains, jumps, comments and port lists are understood', () => {
    expect(verdict(rules, control)).toBe('accept by rule 5 "control of "PPTP""');
    expect(verdict(rules, { ...control, destinationPort: 80 })).toBe('drop by policy');
    expect(verdict(rules, gre)).toBe('drop by policy, 1 may accept');
  });

  test('every chain of a hook is asked', () => {
    const chains = judge(rules, ['prerouting', 'forward'], { ...control, destinationPort: 8080 });
    expect(chains.map(({ chain: { id }, verdict: what }) => `${id}: ${what}`)).toEqual([
      'nat PREROUTING: elsewhere',
      'filter FORWARD: drop',
    ]);
  });

  test.each([
    ['-p 47 -j DROP', 'drop by rule 1'],
    ['! -p tcp -j REJECT --reject-with icmp-proto-unreachable', 'drop by rule 1'],
    ['-p all -i eth+ -j DROP', 'drop by rule 1'],
    ['-p gre -m limit --limit 3/min -j DROP', 'accept by policy, 1 may drop'],
    ['-p gre -m set --match-set banned src -j DROP', 'accept by policy'],
    ['-p gre -s 10.0.0.0/255.0.0.0 -j DROP', 'accept by policy'],
    ['-p tcp --dport :1023 -j DROP', 'accept by policy'],
    ['-p gre -j CT --helper pptp', 'accept by policy'],
  ])('%s', (words, expected) => {
    expect(verdict(parseIptables(`*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ${words}\n`), gre)).toBe(expected);
  });

  test('the helper of the raw table', () => {
    const raw = '*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 1723 -j CT --helper pptp\n';
    expect(parseIptables(raw).assignsPptpHelper).toBe(true);
    expect(rules.assignsPptpHelper).toBe(false);
  });
});

describe('rules of iptables within nftables', () => {
  const table = { family: 'ip', table: 'filter' };
  const mixed = nft(
    { chain: { ...table, name: 'INPUT', type: 'filter', hook: 'input', policy: 'accept' } },
    { rule: { ...table, chain: 'INPUT', handle: 4, expr: [isGre, { xt: null }, { counter: {} }, accept] } },
    chain('input'),
    rule('input', isControl, drop),
  );

  test('are known for what nft cannot show', () => {
    expect(mixed.opaqueTables).toEqual(['filter']);
    expect(nft(chain('input'), rule('input', { xt: null })).opaqueTables).toEqual([]);
  });

  test('are taken from iptables-save, the others from nft', () => {
    const whole = withIptables(mixed, rules('-p gre -m comment --comment "no tunnels" -j DROP'));
    expect(whole.chains.map(({ id }) => id)).toEqual(['inet filter input', 'filter INPUT']);
    expect(whole.opaqueTables).toEqual([]);
    const judged = judge(whole, ['input'], gre).map(
      ({ verdict: what, by }) => `${what} by ${by.rule?.text ?? 'policy'}`,
    );
    expect(judged).toEqual(['accept by policy', 'drop by rule 1 "no tunnels"']);
  });

  test('stay unknown where iptables-save does not show them', () => {
    expect(withIptables(mixed, parseIptables('')).opaqueTables).toEqual(['filter']);
  });

  const rules = (words: string): RuleSet => parseIptables(`*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ${words}\n`);
});
