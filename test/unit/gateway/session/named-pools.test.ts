import { describe, expect, it } from 'vitest';
import { formatIpv4 } from '../../../../core/bytes/ipv4-address.ts';
import { CidrPool } from '../../../../gateway/session/address-pool.ts';
import { NamedPools } from '../../../../gateway/session/named-pools.ts';
import { address } from '../../../support/batches.ts';

const pool = (network: string, prefix: number) =>
  new CidrPool({ network: address(network), prefix, gatewayAddress: address('10.99.0.1') });
const pools = () => new NamedPools(pool('10.99.0.0', 29), new Map([['staff', pool('10.50.0.0', 30)]]));

const said = (lease: ReturnType<NamedPools['lease']>) => (lease.ok ? formatIpv4(lease.address) : lease.why);

describe('pools by name', () => {
  it('give from the one that is named, and from the default one', () => {
    const all = pools();
    const named = [undefined, 'staff', 'staff', 'staff', 'nobody'].map((name) => said(all.lease(undefined, 'a', name)));
    expect(named).toEqual(['10.99.0.2', '10.50.0.1', '10.50.0.2', 'exhausted', 'no-such-pool']);
    expect([all.size, all.inUse]).toEqual([5 + 2, 3]);
  });

  it('have fixed addresses wherever they lie, and take them back where they came from', () => {
    const all = pools();
    expect(['10.50.0.2', '10.50.0.2', '10.99.0.3', '10.1.1.1'].map((one) => said(all.lease(address(one))))).toEqual([
      '10.50.0.2',
      'in-use',
      '10.99.0.3',
      'outside-pool',
    ]);
    all.release(address('10.50.0.2'));
    expect(all.inUse).toBe(1);
    expect(said(all.lease(address('10.50.0.2')))).toBe('10.50.0.2');
  });
});
