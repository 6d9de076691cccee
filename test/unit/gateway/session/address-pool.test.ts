import { describe, expect, it } from 'vitest';
import { formatIpv4 } from '../../../../core/bytes/ipv4-address.ts';
import { CidrPool } from '../../../../gateway/session/address-pool.ts';
import { address } from '../../../support/batches.ts';

const pool = (prefix: number, reserved: string[] = []) =>
  new CidrPool(
    { network: address('10.78.0.0'), prefix, gatewayAddress: address('10.78.0.1') },
    () => new Set(reserved.map(address)),
  );
const lease = (from: CidrPool, wanted?: string): string => {
  const got = from.lease(wanted === undefined ? undefined : address(wanted));
  return got.ok ? formatIpv4(got.address) : got.why;
};

describe('address pool', () => {
  it('uses the whole range: a /24 holds 253 clients, each address once', () => {
    const p = pool(24);
    const all = Array.from({ length: 253 }, () => lease(p));
    expect(new Set(all).size).toBe(253);
    expect([all[0], all.at(-1), lease(p)]).toEqual(['10.78.0.2', '10.78.0.254', 'exhausted']);
  });

  it('puts a returned address at the end of the line', () => {
    const p = pool(29);
    expect([lease(p), lease(p)]).toEqual(['10.78.0.2', '10.78.0.3']);
    p.release(address('10.78.0.2'));
    expect([lease(p), lease(p), lease(p), lease(p), lease(p)]).toEqual([
      '10.78.0.4',
      '10.78.0.5',
      '10.78.0.6',
      '10.78.0.2',
      'exhausted',
    ]);
  });

  it("keeps users' fixed addresses for them", () => {
    const p = pool(29, ['10.78.0.2']);
    expect([lease(p), lease(p, '10.78.0.2'), lease(p, '10.78.0.2')]).toEqual(['10.78.0.3', '10.78.0.2', 'in-use']);
    expect([lease(p, '10.78.0.1'), lease(p, '10.78.0.7'), lease(p, '10.79.0.2')]).toEqual([
      'outside-pool',
      'outside-pool',
      'outside-pool',
    ]);
  });

  it('leases an address that was fixed ahead of the sweep exactly once', () => {
    const p = pool(29);
    expect(lease(p, '10.78.0.4')).toBe('10.78.0.4');
    p.release(address('10.78.0.4'));
    expect([lease(p), lease(p), lease(p), lease(p), lease(p), lease(p)]).toEqual([
      '10.78.0.2',
      '10.78.0.3',
      '10.78.0.4',
      '10.78.0.5',
      '10.78.0.6',
      'exhausted',
    ]);
  });

  it('ignores the release of what was not leased', () => {
    const p = pool(30);
    p.release(address('10.78.0.2'));
    p.release(address('10.78.0.2'));
    expect([lease(p), lease(p)]).toEqual(['10.78.0.2', 'exhausted']);
  });

  it('has each address once in the line, however often it was leased as a fixed one', () => {
    const p = pool(29);
    for (let n = 0; n < 5; n += 1) lease(p);
    for (let n = 2; n <= 6; n += 1) p.release(address(`10.78.0.${n}`));
    for (let n = 0; n < 1_000; n += 1) {
      lease(p, '10.78.0.3');
      p.release(address('10.78.0.3'));
    }
    expect(p.waiting).toBe(5);
    expect([lease(p), lease(p), lease(p), lease(p), lease(p), lease(p)]).toEqual([
      '10.78.0.2',
      '10.78.0.4',
      '10.78.0.5',
      '10.78.0.6',
      '10.78.0.3',
      'exhausted',
    ]);
  });

  it('uses an address that is no longer fixed for a user', () => {
    const reserved = new Set([address('10.78.0.2')]);
    const p = new CidrPool(
      { network: address('10.78.0.0'), prefix: 29, gatewayAddress: address('10.78.0.1') },
      () => reserved,
    );
    for (let n = 3; n <= 6; n += 1) lease(p);
    expect(lease(p)).toBe('exhausted');
    reserved.clear();
    expect([lease(p), lease(p)]).toEqual(['10.78.0.2', 'exhausted']);
  });

  it('does not give an address that just came back to the next client, not even the last of the sweep', () => {
    const p = pool(24);
    expect(lease(p)).toBe('10.78.0.2');
    p.release(address('10.78.0.2'));
    expect(lease(p)).toBe('10.78.0.3');
  });
});
