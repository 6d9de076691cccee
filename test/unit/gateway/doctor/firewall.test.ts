import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../../config/load.ts';
import {
  acceptsRelatedGreOnly,
  checkFirewall,
  type FirewallFacts,
} from '../../../../gateway/doctor/checks/firewall.ts';
import { parseIptables } from '../../../../gateway/doctor/firewall/iptables-rules.ts';
import { accept, chain, drop, field, isControl, isGre, isKnown, match, meta, nft, rule } from './rule-sets.ts';

const { config } = loadConfig({ env: {}, set: [], named: {} });
const facts = (nftRules: FirewallFacts['nft'], over: Partial<FirewallFacts> = {}): FirewallFacts => ({
  nft: nftRules,
  legacy: undefined,
  outer: 'eth0',
  ...over,
});
const check = (one: FirewallFacts, knowsPptp = false) => checkFirewall(one, config, knowsPptp);
const said = (one: FirewallFacts, knowsPptp = false): string[] =>
  check(one, knowsPptp).map(({ severity, message }) => `${severity}: ${message}`);

const letsAllIn = [chain('input', 'input', 'drop'), rule('input', isGre, accept), rule('input', isControl, accept)];

describe('the firewall', () => {
  test('no rules', () => {
    expect(said(facts(nft()))).toEqual([
      'ok: There are no firewall rules: GRE and TCP port 1723 pass, and clients are forwarded.',
    ]);
  });

  test('rules that let everything in that is needed', () => {
    expect(said(facts(nft(...letsAllIn)))).toEqual([
      'ok: 1 base chains were looked at: GRE and TCP port 1723 pass, and clients are forwarded.',
    ]);
  });

  test('a rule that drops GRE is named, and the advice is a command', () => {
    const [finding] = check(facts(nft(chain('input'), rule('input', isGre, drop))));
    expect(finding?.message).toMatch(
      /^GRE \(IP protocol 47\) to the gateway is dropped by nftables table inet filter, chain input, rule 1, handle \d+\.$/,
    );
    expect(finding?.advice).toContain('(nft insert rule inet filter input meta l4proto 47 accept)');
  });

  test('each direction is looked at', () => {
    const rules = nft(chain('output', 'output', 'drop'), rule('output', isControl, accept));
    expect(said(facts(rules))).toEqual([
      'fail: GRE (IP protocol 47) from the gateway is dropped by nftables table inet filter, chain output, its policy.',
      'fail: TCP from port 1723 is dropped by nftables table inet filter, chain output, its policy.',
    ]);
    expect(said(facts(nft(chain('output', 'output', 'drop'), rule('output', isKnown, accept))))[0]).toMatch(/^ok/);
  });

  test('GRE for some only is a warning', () => {
    const some = match(field('ip', 'saddr'), { prefix: { addr: '192.0.2.0', len: 24 } });
    const rules = nft(
      chain('input', 'input', 'drop'),
      rule('input', isControl, accept),
      rule('input', isGre, some, accept),
    );
    expect(said(facts(rules))[0]).toMatch(
      /^warn: GRE \(IP protocol 47\) to the gateway passes only where nftables .* rule 2, handle \d+ lets it; the rest is dropped by .* its policy\.$/,
    );
  });

  test('a rate limit that may hit it is a warning', () => {
    const limit = { limit: { rate: 5, per: 'minute', inv: true } };
    expect(said(facts(nft(chain('input'), rule('input', isControl, limit, drop))))[0]).toMatch(
      /^warn: TCP to port 1723 may be dropped by /,
    );
  });

  test('a host that forwards nothing, as one with Docker', () => {
    const docker = (name: string) => rule('forward', match(meta('iifname'), name), accept);
    expect(said(facts(nft(chain('forward', 'forward', 'drop'), docker('docker0'))))).toEqual([
      "fail: what clients send into the intranet (the host's forwarding) is dropped by nftables table inet filter, chain forward, its policy.",
    ]);
    expect(said(facts(nft(chain('forward', 'forward', 'drop'), docker('pptp*'))))[0]).toMatch(/^ok/);
  });

  test('a port that is sent to another machine', () => {
    const rules = nft(chain('prerouting'), rule('prerouting', isControl, { dnat: { addr: '10.0.0.2' } }));
    expect(said(facts(rules))[0]).toMatch(/^fail: TCP to port 1723 is sent elsewhere by nftables /);
  });

  test('old iptables rules count too', () => {
    const legacy = parseIptables('*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 1723 -j ACCEPT\n');
    const [finding] = check(facts('missing', { legacy }));
    expect(finding?.message).toBe(
      'GRE (IP protocol 47) to the gateway is dropped by iptables table filter, chain INPUT, its policy.',
    );
    expect(finding?.advice).toContain('(iptables -t filter -I INPUT -p 47 -j ACCEPT)');
  });

  test('rules of iptables that nft cannot show', () => {
    const table = { family: 'ip', table: 'filter', chain: 'INPUT', expr: [{ xt: null }, accept] };
    expect(said(facts(nft({ rule: table })))).toEqual([
      'warn: Rules of iptables in the table filter cannot be read: the program iptables-save is not installed here.',
    ]);
  });

  test('rules that cannot be read', () => {
    expect(said(facts('missing'))[0]).toMatch(
      /^warn: The firewall rules cannot be read: the program nft is not installed/,
    );
    expect(said(facts({ refused: 'Operation not permitted' }))).toEqual([
      'warn: The firewall rules cannot be read (Operation not permitted).',
    ]);
  });

  test('GRE as part of known connections depends on the helper', () => {
    const rules = facts(
      nft(chain('input', 'input', 'drop'), rule('input', isKnown, accept), rule('input', isControl, accept)),
    );
    expect(acceptsRelatedGreOnly(rules)).toBe(true);
    expect(acceptsRelatedGreOnly(facts(nft(...letsAllIn)))).toBe(false);
    expect(acceptsRelatedGreOnly(facts(nft(chain('input', 'input', 'drop'))))).toBe(false);
    expect(acceptsRelatedGreOnly(facts('missing'))).toBeUndefined();
    expect(said(rules)[0]).toMatch(/^fail: GRE/);
    expect(said(rules, true)[0]).toMatch(/^ok/);
  });
});
