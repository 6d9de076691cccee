import { expect, it } from 'vitest';
import type { Session } from '../../../core/datapath/session.ts';
import { IpsecHooks } from '../../../gateway/ipsec-hooks.ts';
import { facts } from '../../support/accounting-rig.ts';
import { address, batchOf, livePackets, openSession, run } from '../../support/batches.ts';
import { ipv4Packet } from '../../support/ipv4-packets.ts';

it('a hook that throws when the session has another user gets no packet until it knows of the change', () => {
  let fails = false;
  const say = (): void => {
    if (fails) throw new Error('not today');
  };
  const hooks = new IpsecHooks([{ name: 'test-hook', up: say, changed: say }]);
  const passes = (session: Session): readonly number[] =>
    hooks.stages.flatMap(({ inbound, outbound }) => {
      const step = inbound ?? outbound;
      if (step === undefined) return [];
      const packet = ipv4Packet({ source: address('10.99.0.2'), destination: address('10.0.0.80') });
      const batch = batchOf([packet], { session, protocol: 0x0021 });
      run(step, batch, inbound === undefined ? 'out' : 'in');
      return [livePackets(batch).length];
    });
  const one = openSession([]);
  hooks.up(facts('1'), one);
  expect(passes(one)).toEqual([1, 1]);
  fails = true;
  expect(() => hooks.changed(facts('1'), one)).toThrow('not today');
  expect(passes(one)).toEqual([0, 0]);
  fails = false;
  hooks.changed(facts('1'), one);
  expect(passes(one)).toEqual([1, 1]);

  // Nor does it get any of a session that it never heard of, whatever it is told later.
  const other = openSession([]);
  fails = true;
  expect(() => hooks.up(facts('2'), other)).toThrow('not today');
  fails = false;
  hooks.changed(facts('2'), other);
  expect(passes(other)).toEqual([0, 0]);
});
