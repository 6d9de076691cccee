import fc from 'fast-check';
import { expect, it } from 'vitest';
import { deliverAll, LoanLab, RESERVED, settle, USERS, WORKERS } from '../../support/loan-lab.ts';

const worker = fc.nat(WORKERS - 1);
const event = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('log-in' as const), worker, user: fc.nat(USERS.length) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('log-out' as const), worker, which: fc.nat(9) }) },
  { weight: 20, arbitrary: fc.record({ kind: fc.constant('deliver' as const), worker, up: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('command' as const), worker }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), worker }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('start' as const), worker }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('time' as const), worker, ms: fc.constantFrom(1000, 5000, 20_000) }),
  },
);
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

const play = (gateway: LoanLab, event: Event): void => {
  const slot = gateway.workers[event.worker];
  if (slot === undefined) throw new Error('no such worker');
  switch (event.kind) {
    case 'log-in':
      if (slot.alive) slot.process?.logIn(`user ${event.user}`, USERS[event.user]);
      return;
    case 'log-out':
      slot.process?.logOut(event.which);
      return;
    case 'deliver':
      gateway.deliver(slot, event.up);
      return;
    case 'command':
      slot.process?.commands.shift()?.();
      return;
    case 'kill':
      gateway.kill(slot);
      return;
    case 'start':
      if (slot.process === undefined) gateway.start(slot);
      return;
    case 'time':
      gateway.clock.advance(event.ms);
      return;
    default:
      event satisfies never;
  }
};

it('no address is ever with two tunnels, whatever comes late, ends or starts again; and none is lost', async () => {
  let borrowed = 0;
  let recalled = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 400, size: 'max' }), async (events) => {
      const gateway = new LoanLab();
      for (const slot of gateway.workers) gateway.start(slot);
      await settle();
      for (const one of events) {
        const before = gateway.loans.size;
        play(gateway, one);
        await settle();
        gateway.check();
        if (gateway.loans.size > before) borrowed += 1;
        if (gateway.loans.size < before) recalled += 1;
      }
      for (const slot of gateway.workers) if (slot.process === undefined) gateway.start(slot);
      await settle();
      gateway.clock.advance(60_000);
      await settle();
      await deliverAll(gateway);
      // A worker that did not take its loans was killed.
      for (const slot of gateway.workers) if (slot.process === undefined) gateway.start(slot);
      await settle();
      await deliverAll(gateway);
      for (const slot of gateway.workers) while ((slot.process?.tunnels.length ?? 0) > 0) slot.process?.logOut(0);
      await settle();
      await deliverAll(gateway);
      expect(gateway.loans.size).toBe(0);
      for (const { process } of gateway.workers) {
        expect(process?.pool.inUse).toBe(0);
        expect([...(process?.routes ?? [])]).toEqual([]);
      }
      // Every fixed address can be had again, by anybody.
      for (const [user, wanted] of [...new Map(USERS.map((one, i) => [one, i])).entries()].map(
        ([one, i]) => [i, one] as const,
      )) {
        gateway.workers[user % WORKERS]?.process?.logIn(`user ${user}`, wanted);
      }
      await settle();
      await deliverAll(gateway);
      const held = gateway.workers.flatMap(({ process }) => (process?.tunnels ?? []).map(({ address: one }) => one));
      expect(new Set(held)).toEqual(RESERVED);
    }),
    { numRuns: 300 },
  );
  expect(borrowed).toBeGreaterThan(100);
  expect(recalled).toBeGreaterThan(100);
}, 120_000);
