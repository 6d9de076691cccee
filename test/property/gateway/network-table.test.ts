import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipv4 } from '../../../core/bytes/ipv4-address.ts';
import type { Session } from '../../../core/datapath/session.ts';
import type { InnerNetwork } from '../../../core/ports/profile.ts';
import { NetworkTable } from '../../../gateway/session/network-table.ts';
import { address, openSession } from '../../support/batches.ts';

/** Few networks, so that they meet. */
const network: fc.Arbitrary<InnerNetwork> = fc
  .record({ low: fc.nat(15), prefixLength: fc.integer({ min: 27, max: 32 }) })
  .map(({ low, prefixLength }) => {
    const size = 2 ** (32 - prefixLength);
    return { network: ipv4(address('192.168.0.0') + Math.floor(low / size) * size), prefixLength };
  });

const holds = ({ network: first, prefixLength }: InnerNetwork, one: number): boolean =>
  one >= first && one < first + 2 ** (32 - prefixLength);

describe('networks behind peers', () => {
  it('are found by the longest that holds the address, as if all were looked through', () => {
    const step = fc.record({ set: fc.boolean(), network, who: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(31), (steps, low) => {
        const sessions = [openSession(), openSession(), openSession()];
        for (const session of sessions) session.address = address('10.99.0.2');
        const table = new NetworkTable();
        const model = new Map<string, { readonly network: InnerNetwork; readonly session: Session }>();
        for (const { set, network: one, who } of steps) {
          const session = sessions[who];
          if (session === undefined) continue;
          const key = `${one.network}/${one.prefixLength}`;
          if (set) {
            table.set(one, session);
            model.set(key, { network: one, session });
          } else {
            table.remove(one, session);
            if (model.get(key)?.session === session) model.delete(key);
          }
        }
        const wanted = ipv4(address('192.168.0.0') + low);
        const fitting = [...model.values()].filter((one) => holds(one.network, wanted));
        const longest = fitting.toSorted((a, b) => b.network.prefixLength - a.network.prefixLength)[0];
        expect(table.find(wanted)).toBe(longest?.session);
        expect(table.isEmpty).toBe(model.size === 0);
      }),
    );
  });

  it('of a session that is not up lead nowhere', () => {
    const table = new NetworkTable();
    const session = openSession();
    session.address = undefined;
    const one = { network: address('192.168.5.0'), prefixLength: 24 };
    table.set(one, session);
    expect(table.find(address('192.168.5.1'))).toBeUndefined();
    expect(table.holder(one)).toBe(session);
  });
});
