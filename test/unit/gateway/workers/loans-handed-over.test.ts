import { expect, it } from 'vitest';
import { ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import { address } from '../../../support/batches.ts';
import { deliverAll, LoanLab, settle } from '../../../support/loan-lab.ts';

/** In the slice of worker 1; those of worker 0 are up to .4, those of worker 2 from .10. */
const FIXED = address('10.99.0.7');
const LOAN = { address: FIXED, identity: 'anna', loan: 3, borrower: 0 };

/** Processes that take over from others, where anna has an address of worker 1 at worker 0. */
const handedOver = async () => {
  const lab = new LoanLab();
  for (const slot of lab.workers) lab.start(slot);
  await settle();
  const [borrower, owner, third] = lab.workers.map(({ process }) => process);
  if (borrower === undefined || owner === undefined || third === undefined) throw new Error('there are three');
  lab.loans.restore([LOAN]);
  owner.pool.restore({ borrowed: [], lent: [FIXED] });
  borrower.pool.restore({ borrowed: [{ address: FIXED, loan: 3 }], lent: [] });
  // As the worker before has left it.
  borrower.routes.add(FIXED);
  return { lab, borrower, owner, third };
};

it('a tunnel goes on with an address of another worker, at once and without a question', async () => {
  const { lab, borrower, owner } = await handedOver();
  const tunnel = { user: 'anna', wanted: FIXED, address: FIXED, lease: undefined, over: false };
  expect(borrower.pool.lease(FIXED, 'anna')).toEqual({ ok: true, address: FIXED });
  borrower.tunnels.push(tunnel);
  borrower.pool.restored();
  await deliverAll(lab);
  expect(borrower.pool.snapshot()).toEqual([{ address: FIXED, loan: 3 }]);
  expect(lab.loans.snapshot()).toEqual([LOAN]);
  expect(owner.pool.lease(FIXED, 'bela')).toBeInstanceOf(Promise);
  await deliverAll(lab);
  // It goes home as ever, and the next one has it.
  borrower.logOut(0);
  await deliverAll(lab);
  expect([lab.loans.size, borrower.routes.size, borrower.pool.inUse]).toEqual([0, 0, 0]);
  expect(owner.pool.lease(FIXED, 'cleo')).toEqual({ ok: true, address: FIXED });
});

it('the same user who calls a third worker gets it from there', async () => {
  const { lab, borrower, third } = await handedOver();
  borrower.pool.lease(FIXED, 'anna');
  borrower.tunnels.push({ user: 'anna', wanted: FIXED, address: FIXED, lease: undefined, over: false });
  borrower.pool.restored();
  const newer = third.logIn('anna', FIXED);
  await settle();
  await deliverAll(lab);
  expect(newer.lease).toEqual({ ok: true, address: FIXED });
  expect(borrower.pool.inUse).toBe(0);
  expect(lab.loans.snapshot()).toEqual([expect.objectContaining({ address: FIXED, borrower: 2 })]);
});

it('an address whose tunnel was not handed over goes home', async () => {
  const { lab, borrower, owner } = await handedOver();
  borrower.pool.restored();
  await deliverAll(lab);
  expect([lab.loans.size, borrower.routes.size]).toEqual([0, 0]);
  expect(owner.pool.lease(ipv4(FIXED), 'bela')).toEqual({ ok: true, address: FIXED });
});
