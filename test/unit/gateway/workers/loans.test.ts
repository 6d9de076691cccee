import { describe, expect, it } from 'vitest';
import { address } from '../../../support/batches.ts';
import { deliverAll, LoanLab, type Process, settle } from '../../../support/loan-lab.ts';

/** In the slice of worker 1; those of worker 0 are up to .4, those of worker 2 from .10. */
const FIXED = address('10.99.0.7');

const start = async () => {
  const lab = new LoanLab();
  for (const slot of lab.workers) lab.start(slot);
  await settle();
  const process = (index: number): Process => {
    const found = lab.workers[index]?.process;
    if (found === undefined) throw new Error(`worker ${index} is not there`);
    return found;
  };
  const slot = (index: number) => {
    const found = lab.workers[index];
    if (found === undefined) throw new Error(`no worker ${index}`);
    return found;
  };
  const logIn = async (index: number, user: string, wanted = FIXED) => {
    const tunnel = process(index).logIn(user, wanted);
    await settle();
    await deliverAll(lab);
    return tunnel;
  };
  return { lab, process, slot, logIn };
};

describe('fixed addresses of users whose call is with another worker', () => {
  it('are lent: routed to the borrower, counted there, and home again when the tunnel ends', async () => {
    const { lab, process, logIn } = await start();
    const tunnel = await logIn(0, 'anna');
    expect(tunnel.lease).toEqual({ ok: true, address: FIXED });
    expect([...process(0).routes]).toEqual([FIXED]);
    expect([0, 1, 2].map((index) => process(index).pool.inUse)).toEqual([1, 0, 0]);
    process(0).logOut(0);
    await deliverAll(lab);
    expect([...process(0).routes]).toEqual([]);
    expect([lab.loans.size, process(0).pool.inUse]).toEqual([0, 0]);
    expect((await logIn(1, 'somebody else')).lease).toEqual({ ok: true, address: FIXED });
  });

  it.each([
    ['its owner', 1],
    ['a third worker', 2],
    ['the same worker', 0],
  ])('go to the newest log-in of the user, which is with %s', async (_where, index) => {
    const { process, logIn } = await start();
    const older = await logIn(0, 'anna');
    const newer = await logIn(index, 'anna');
    expect([older.over, newer.lease]).toEqual([true, { ok: true, address: FIXED }]);
    expect([0, 1, 2].map((one) => process(one).routes.size)).toEqual(
      [0, 1, 2].map((one) => (one === index && one !== 1 ? 1 : 0)),
    );
  });

  it('go to it however the user writes its name', async () => {
    const { logIn } = await start();
    const older = await logIn(0, 'anna');
    const newer = await logIn(2, 'Anna');
    expect([older.over, newer.lease]).toEqual([true, { ok: true, address: FIXED }]);
  });

  it('are taken from an older tunnel that is with their owner', async () => {
    const { logIn } = await start();
    const older = await logIn(1, 'anna');
    const newer = await logIn(2, 'anna');
    expect([older.over, newer.lease]).toEqual([true, { ok: true, address: FIXED }]);
  });

  it.each([0, 1, 2])('are not taken from another user, by worker %d', async (index) => {
    for (const holder of [0, 1]) {
      const { logIn } = await start();
      const first = await logIn(holder, 'anna');
      expect((await logIn(index, 'bela')).lease).toEqual({ ok: false, why: 'in-use' });
      expect([first.over, first.address]).toEqual([false, FIXED]);
    }
  });

  it('come home with the death of the borrower, also for one who asks at once', async () => {
    const { lab, process, slot, logIn } = await start();
    await logIn(0, 'anna');
    // The question is with the supervisor before it knows of the death, and the answer of the dead will not come.
    process(2).logIn('anna', FIXED);
    await settle();
    lab.deliver(slot(2), true);
    await settle();
    lab.kill(slot(0));
    await settle();
    await deliverAll(lab);
    expect(process(2).tunnels.map((tunnel) => tunnel.lease)).toEqual([{ ok: true, address: FIXED }]);
    expect((await logIn(1, 'bela')).lease).toEqual({ ok: false, why: 'in-use' });
    lab.kill(slot(2));
    await settle();
    expect((await logIn(1, 'bela')).lease).toEqual({ ok: true, address: FIXED });
  });

  it('stay lent when their owner dies; its successor knows before it has calls', async () => {
    const { lab, process, slot, logIn } = await start();
    const before = await logIn(0, 'anna');
    lab.kill(slot(1));
    // Lent while there is no owner.
    const meanwhile = await logIn(2, 'bela', address('10.99.0.8'));
    expect(meanwhile.lease?.ok).toBe(true);
    lab.start(slot(1));
    expect(slot(1).alive).toBe(false);
    await settle();
    await deliverAll(lab);
    expect(slot(1).alive).toBe(true);
    expect([before.address, meanwhile.address]).toEqual([FIXED, address('10.99.0.8')]);
    expect(process(1).pool.lease(FIXED, 'cleo')).toBeInstanceOf(Promise);
    await deliverAll(lab);
    process(0).logOut(0);
    await deliverAll(lab);
    expect(process(1).pool.lease(FIXED, 'cleo')).toEqual({ ok: true, address: FIXED });
  });

  it('pass from a dead borrower to the next while their owner starts again, and it knows', async () => {
    const { lab, process, slot, logIn } = await start();
    process(0).logIn('anna', FIXED);
    const tunnel = process(2).logIn('anna', FIXED);
    await settle();
    lab.kill(slot(1));
    for (const index of [0, 2]) {
      lab.deliver(slot(index), true);
      await settle();
    }
    lab.start(slot(1));
    lab.kill(slot(0));
    await settle();
    await deliverAll(lab);
    expect(tunnel.address).toBe(FIXED);
    expect((await logIn(1, 'bela')).lease).toEqual({ ok: false, why: 'in-use' });
  });

  it('cannot be had while nobody answers, and are not lost by it', async () => {
    const { lab, process, slot, logIn } = await start();
    const tunnel = process(0).logIn('anna', FIXED);
    await settle();
    lab.deliver(slot(0), true);
    await settle();
    // The owner hangs.
    lab.clock.advance(5000);
    await settle();
    lab.deliver(slot(0), false);
    await settle();
    process(0).commands.shift()?.();
    await settle();
    expect(tunnel.lease).toEqual({ ok: false, why: 'unavailable' });
    await deliverAll(lab);
    expect((await logIn(2, 'bela')).lease).toEqual({ ok: true, address: FIXED });
  });

  it('are given back when the supervisor does not answer', async () => {
    const { lab, process, logIn } = await start();
    const tunnel = process(0).logIn('anna', FIXED);
    await settle();
    lab.clock.advance(15_000);
    await settle();
    process(0).commands.shift()?.();
    await settle();
    expect(tunnel.lease).toEqual({ ok: false, why: 'unavailable' });
    expect(process(0).log.events('warn')).toEqual(['loan.unanswered']);
    await deliverAll(lab);
    expect(lab.loans.size).toBe(0);
    expect((await logIn(2, 'bela')).lease?.ok).toBe(true);
  });

  it('are given back when they cannot be routed', async () => {
    const { lab, process, logIn } = await start();
    process(0).refusal = new Error('Operation not permitted');
    expect((await logIn(0, 'anna')).lease).toEqual({ ok: false, why: 'unavailable' });
    expect(process(0).log.events('error')).toEqual(['loan.route-failed']);
    expect(lab.loans.size).toBe(0);
  });

  it('come without a route, and with a line in the log, where the operator sets up the host', async () => {
    const { lab, process, slot } = await start();
    process(0).pool.attach({ routes: undefined, endOlder: () => false });
    const tunnel = process(0).logIn('anna', FIXED);
    await settle();
    for (const [index, up] of [
      [0, true],
      [1, false],
      [1, true],
      [0, false],
    ] as const) {
      lab.deliver(slot(index), up);
      await settle();
    }
    expect(tunnel.lease).toEqual({ ok: true, address: FIXED });
    expect(process(0).log.events('warn')).toEqual(['loan.no-route']);
  });

  it('are client addresses of the pool', async () => {
    const { logIn } = await start();
    for (const wanted of ['10.99.0.0', '10.99.0.1', '10.99.0.15', '10.98.255.255', '192.0.2.1']) {
      expect((await logIn(2, 'anna', address(wanted))).lease).toEqual({ ok: false, why: 'outside-pool' });
    }
  });
});
