import { formatIpv4, type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { AddressLease, AddressPool } from '../../core/ports/addresses.ts';
import { type ContractSuite, suite } from '../suite.ts';
import { Dice } from '../support/dice.ts';
import { given, same, withoutThrowing } from '../support/given.ts';

export interface AddressPoolRig {
  readonly pool: AddressPool;
  /** An address of the pool that a user may have for itself. */
  readonly fixed: Ipv4;
  /** One that is no address of the pool; absent where there is none such. */
  readonly outside?: Ipv4;
  teardown?(): Promise<void>;
}

/** Leases at most; a pool need not be emptied. */
const MOST = 2_000;
const STEPS = 2_000;

/** What a pool of inner addresses must do. `setup` makes one of its own, with all addresses free, for each check. */
export const addressPoolContract = (name: string, setup: () => Promise<AddressPoolRig>): ContractSuite => {
  const using = (work: (rig: AddressPoolRig) => Promise<void>) => async (): Promise<void> => {
    const rig = await setup();
    try {
      await work(rig);
    } finally {
      await rig.teardown?.();
    }
  };

  return suite(`AddressPool: ${name}`, {
    'gives no address twice, and never that of the gateway': using(async ({ pool }) => {
      const leased = await leaseAll(pool);
      given(leased.length > 0, 'it has no address at all');
      same(new Set(leased).size, leased.length, 'an address was leased twice');
      given(!leased.includes(pool.gatewayAddress), 'the address of the gateway was leased');
    }),

    'gives an address again after it came back': using(async ({ pool }) => {
      const all = await leaseAll(pool);
      for (const address of all) pool.release(address);
      const again = await leaseAll(pool);
      same(again.length, all.length, 'fewer addresses could be leased after all had come back');
    }),

    'gives a fixed address to one at a time': using(async ({ pool, fixed }) => {
      const first = await pool.lease(fixed, 'alice');
      given(first.ok && first.address === fixed, `${formatIpv4(fixed)} was not given: ${JSON.stringify(first)}`);
      const second = await pool.lease(fixed, 'bob');
      given(!second.ok && second.why === 'in-use', `it was given twice, or refused as ${JSON.stringify(second)}`);
      pool.release(fixed);
      given((await pool.lease(fixed, 'alice')).ok, 'it could not be had again after it came back');
    }),

    'does not give a leased fixed address to somebody else': using(async ({ pool, fixed }) => {
      await pool.lease(fixed, 'alice');
      given(!(await leaseAll(pool)).includes(fixed), `${formatIpv4(fixed)} was leased twice`);
    }),

    'refuses addresses that are not its own': using(async ({ pool, outside }) => {
      const strangers = [pool.gatewayAddress, ...(outside === undefined ? [] : [outside])];
      for (const address of strangers) {
        const lease = await pool.lease(address, 'alice');
        given(!lease.ok, `${formatIpv4(address)} was given`);
      }
    }),

    'takes back what was never given without harm': using(async ({ pool, fixed, outside }) => {
      for (const address of [fixed, pool.gatewayAddress, outside ?? ipv4(0), ipv4(0xffff_ffff)]) {
        withoutThrowing(`release of ${formatIpv4(address)}`, () => pool.release(address));
      }
      const all = await leaseAll(pool);
      same(new Set(all).size, all.length, 'an address was leased twice after releases of addresses that were free');
      given(!all.includes(pool.gatewayAddress), 'the address of the gateway was leased after it had been released');
    }),

    'counts what it has, where it counts': using(async ({ pool }) => {
      const before = pool.inUse;
      const [one, two] = [await pool.lease(), await pool.lease()];
      const leased = [one, two].filter((lease) => lease.ok).length;
      if (before !== undefined) same(pool.inUse, before + leased, 'inUse does not count leases');
      for (const lease of [one, two]) if (lease.ok) pool.release(lease.address);
      if (before !== undefined) same(pool.inUse, before, 'inUse does not count what came back');
      if (pool.size !== undefined && pool.size <= MOST) {
        const all = await leaseAll(pool);
        given(all.length <= pool.size, `${all.length} addresses were leased of ${pool.size}`);
      }
    }),

    'agrees with a list of who has what, whatever happens': using(async ({ pool, fixed, outside }) => {
      const dice = new Dice(17);
      const owned = new Set<Ipv4>();
      for (let step = 0; step < STEPS; step += 1) {
        if (owned.size > 0 && dice.happens(0.45)) {
          const address = dice.pick([...owned]);
          owned.delete(address);
          pool.release(address);
          continue;
        }
        const wanted = dice.happens(0.1) ? dice.pick([fixed, outside ?? fixed, ...owned]) : undefined;
        const lease = await pool.lease(wanted, `user-${step}`);
        if (!lease.ok) continue;
        given(!owned.has(lease.address), `${formatIpv4(lease.address)} was leased twice (step ${step})`);
        given(wanted === undefined || wanted === lease.address, 'another address was given than the one wanted');
        owned.add(lease.address);
      }
    }),
  });
};

async function leaseAll(pool: AddressPool): Promise<readonly Ipv4[]> {
  const leased: Ipv4[] = [];
  for (let n = 0; n < MOST; n += 1) {
    const lease: AddressLease = await pool.lease();
    if (!lease.ok) break;
    leased.push(lease.address);
  }
  return leased;
}
