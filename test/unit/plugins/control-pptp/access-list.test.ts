import { describe, expect, it } from 'vitest';
import { ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import { AccessList, type AccessNetwork } from '../../../../plugins/control-pptp/index.ts';
import { address } from '../../../support/batches.ts';

const networks = (...texts: string[]): AccessNetwork[] =>
  texts.map((text) => {
    const [network = '', length] = text.split('/');
    return { network: address(network), prefixLength: Number(length ?? 32) };
  });
const list = (allow: string[], deny: string[]) =>
  new AccessList({ allow: networks(...allow), deny: networks(...deny) });
const verdicts = (rules: AccessList, ...peers: string[]): boolean[] => peers.map((peer) => rules.admits(address(peer)));

describe('who may connect', () => {
  it('is everybody without lists', () => {
    expect(verdicts(AccessList.EVERYBODY, '0.0.0.0', '192.0.2.1', '255.255.255.255')).toEqual([true, true, true]);
  });

  it('is nobody but who is allowed, where somebody is', () => {
    const rules = list(['192.0.2.0/24', '198.51.100.7'], []);
    expect(verdicts(rules, '192.0.1.255', '192.0.2.0', '192.0.2.255', '192.0.3.0')).toEqual([false, true, true, false]);
    expect(verdicts(rules, '198.51.100.6', '198.51.100.7', '198.51.100.8')).toEqual([false, true, false]);
  });

  it('is who the longest prefix says, and with the same prefix who is not denied', () => {
    const rules = list(['10.1.0.0/16', '10.2.3.0/24'], ['10.0.0.0/8', '10.1.5.0/24', '10.2.3.0/24']);
    expect(verdicts(rules, '10.0.0.1', '10.1.0.1', '10.1.5.9', '10.1.6.0', '10.2.3.4')).toEqual([
      false,
      true,
      false,
      true,
      false,
    ]);
  });

  it('knows the ends of the space', () => {
    const rules = list([], ['0.0.0.0/8', '255.255.255.255']);
    expect(verdicts(rules, '0.0.0.0', '0.255.255.255', '1.0.0.0')).toEqual([false, false, true]);
    expect(verdicts(rules, '255.255.255.254', '255.255.255.255')).toEqual([true, false]);
    expect(verdicts(list(['0.0.0.0/0'], ['128.0.0.0/1']), '127.255.255.255', '128.0.0.0')).toEqual([true, false]);
  });

  it('keeps no more ranges than it needs', () => {
    expect(list([], ['10.0.0.0/8', '10.1.0.0/16', '10.2.3.4']).size).toBe(3);
    const deny = Array.from({ length: 5_000 }, (_, n) => ({ network: ipv4(n * 65_536), prefixLength: 24 }));
    expect(new AccessList({ allow: [], deny }).size).toBe(10_000);
  });
});
