import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../config/load.ts';
import { ownerOfAddress } from '../../../gateway/workers/slices.ts';
import { address } from '../../support/batches.ts';

const load = (pools: string, env: Readonly<Record<string, string>> = {}) =>
  loadConfig({ env: { PPTP_POOLS: pools, ...env } });

describe('PPTP_POOLS', () => {
  it('names networks, whose addresses calls may have', () => {
    const { config } = load('staff=10.50.0.0/24,guests=10.60.0.0/30');
    expect(config.pool.named.map(({ name, network }) => [name, network.text])).toEqual([
      ['staff', '10.50.0.0/24'],
      ['guests', '10.60.0.0/30'],
    ]);
    expect(config.calls.max).toBe(253 + 254 + 2);
  });

  it.each([
    ['staff=10.50.0.1/24', {}],
    ['10.50.0.0/24', {}],
    ['st aff=10.50.0.0/24', {}],
    ['staff=10.50.0.0/31', {}],
    ['staff=10.99.0.0/25', {}],
    ['staff=10.0.0.0/8', {}],
    ['staff=10.50.0.0/24,guests=10.50.0.128/25', {}],
    ['staff=10.50.0.0/24,staff=10.60.0.0/24', {}],
    ['staff=10.50.0.0/30', { PPTP_WORKERS: '2' }],
  ])('does not take %s (%j)', (pools, env) => {
    expect(() => load(pools, env)).toThrow(/PPTP_POOLS|pool\.named/);
  });

  it('is cut among workers, each part with one of them', () => {
    const { config } = load('staff=10.50.0.0/24', { PPTP_WORKERS: '2' });
    const owner = (one: string) => ownerOfAddress(config.pool, 2, address(one));
    expect([owner('10.50.0.5'), owner('10.50.0.200'), owner('10.99.0.200')]).toEqual([0, 1, 1]);
    expect([owner('10.50.0.0'), owner('10.50.0.255'), owner('10.99.0.1'), owner('10.1.1.1')]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('PPTP_ACCOUNTING_INTERIM', () => {
  it.each(['0', '60', '86400'])('may be %s', (text) => {
    expect(loadConfig({ env: { PPTP_ACCOUNTING_INTERIM: text } }).config.accounting.interim).toBe(Number(text));
  });

  it.each(['1', '59', '-5', 'often'])('may not be %s', (text) => {
    expect(() => loadConfig({ env: { PPTP_ACCOUNTING_INTERIM: text } })).toThrow(/PPTP_ACCOUNTING_INTERIM/);
  });
});
