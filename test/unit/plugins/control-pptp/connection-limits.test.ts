import { describe, expect, it } from 'vitest';
import type { CallId } from '../../../../core/ports/ids.ts';
import { callId } from '../../../../core/ports/ids.ts';
import { CallLimits } from '../../../../plugins/control-pptp/call-limits.ts';
import {
  type ConnectionLimitOptions,
  ConnectionLimits,
  ConnectionRules,
} from '../../../../plugins/control-pptp/index.ts';
import { address } from '../../../support/batches.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const LIMITS: ConnectionLimitOptions = { maxConnections: 6, maxConnectionsPerSource: 4, connectRatePerSource: 1000 };
const [A, B, C, D] = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'].map(address) as [
  ReturnType<typeof address>,
  ReturnType<typeof address>,
  ReturnType<typeof address>,
  ReturnType<typeof address>,
];

const bench = (limits: Partial<ConnectionLimitOptions> = {}) => {
  const clock = new ManualClock();
  const rules = new ConnectionRules({ ...LIMITS, ...limits });
  const ended: string[] = [];
  const book = new ConnectionLimits<string>(rules, clock, (name) => void ended.push(name));
  /** What was said to it, and 'in' when it is taken. */
  const come = (name: string, source = A): string => {
    const obstacle = book.obstacle(source);
    if (obstacle === undefined) book.taken(source, name);
    return obstacle ?? 'in';
  };
  return { clock, rules, ended, book, come };
};

describe('limits of connections', () => {
  it('let an address with few in at the cost of the address with the most, its oldest first', () => {
    const { come, ended } = bench();
    for (const name of ['a1', 'a2', 'a3', 'a4']) expect(come(name, A)).toBe('in');
    for (const name of ['b1', 'b2']) expect(come(name, B)).toBe('in');
    expect([come('c1', C), come('c2', C)]).toEqual(['in', 'in']);
    expect(ended).toEqual(['a1', 'a2']);
    // Now each has two: whoever came for another one would only take the place of one like it.
    expect(come('c3', C)).toBe('limit');
    expect(come('d1', D)).toBe('in');
    expect(ended).toHaveLength(3);
  });

  it('never end one whose user has proven itself', () => {
    const { come, ended, book, clock } = bench();
    for (const name of ['a1', 'a2', 'a3', 'a4']) {
      come(name, A);
      book.proven(name);
    }
    for (const name of ['b1', 'b2']) {
      come(name, B);
      book.proven(name);
    }
    clock.advance(3_600_000);
    expect([come('c1', C), come('a5', A)]).toEqual(['limit', 'limit-per-source']);
    expect(ended).toEqual([]);
    book.gone('b1');
    expect(come('c1', C)).toBe('in');
  });

  it('let one that does not go on for long make room, but not one that waits for us', () => {
    const { come, ended, book, clock } = bench({ maxConnections: 2 });
    come('a1', A);
    come('b1', B);
    book.waits('a1');
    clock.advance(4_999);
    expect(come('c1', C)).toBe('limit');
    clock.advance(1);
    expect(come('c1', C)).toBe('in');
    expect(ended).toEqual(['b1']);
    clock.advance(60_000);
    book.goesOn('a1');
    expect(come('d1', D)).toBe('in');
    expect(ended).toEqual(['b1', 'c1']);
    // Its time counts from when it could go on.
    clock.advance(4_999);
    expect(come('c2', C)).toBe('limit');
  });

  it('give an address places of its own that do not go on', () => {
    const { come, ended, clock } = bench({ maxUnprovenPerSource: 2 });
    expect([come('a1'), come('a2'), come('a3')]).toEqual(['in', 'in', 'limit-unauthenticated-per-source']);
    clock.advance(5_000);
    expect([come('a3'), come('a4'), come('a5')]).toEqual(['in', 'in', 'limit-unauthenticated-per-source']);
    expect(ended).toEqual(['a1', 'a2']);
  });

  it('keep those without a user to a number of their own', () => {
    const { come, ended, book } = bench({ maxUnproven: 1 });
    come('a1', A);
    book.proven('a1');
    expect([come('b1', B), come('c1', C)]).toEqual(['in', 'limit-unauthenticated']);
    book.proven('b1');
    expect(come('c1', C)).toBe('in');
    expect([ended, book.unprovenCount]).toEqual([[], 1]);
  });

  it('keep an address to a number of new ones in a minute', () => {
    const { come, book, clock } = bench({ connectRatePerSource: 3 });
    const once = (name: string): string => {
      const answer = come(name);
      book.gone(name);
      return answer;
    };
    expect([once('1'), once('2'), once('3'), once('4')]).toEqual(['in', 'in', 'in', 'rate-per-source']);
    expect(come('b1', B)).toBe('in');
    clock.advance(60_000);
    expect(once('5')).toBe('in');
  });

  it('let in those whose address is known at the cost of strangers, who compete among themselves', () => {
    const { come, ended, book, clock } = bench({ maxConnections: 2 });
    come('a1', A);
    book.proven('a1');
    book.gone('a1');
    expect([come('b1', B), come('c1', C), come('d1', D)]).toEqual(['in', 'in', 'limit']);
    clock.advance(1_000);
    expect([come('a2', A), ended]).toEqual(['in', ['b1']]);
    book.proven('a2');
    book.gone('a2');
    expect([come('a3', A), book.knows(A), book.knows(B)]).toEqual(['in', true, false]);
    // Strangers that wait for us are no reason to keep out who is known; a stranger ends nobody who is known.
    book.waits('c1');
    book.proven('a3');
    expect([come('a4', A), ended]).toEqual(['in', ['b1', 'c1']]);
    expect(come('d1', D)).toBe('limit');
    // Where only known ones are left, they are late as others are.
    clock.advance(5_000);
    expect([come('d1', D), ended.at(-1)]).toEqual(['in', 'a4']);
  });

  it('end a late stranger before a late one that is known', () => {
    const { come, ended, book, clock } = bench({ maxConnections: 2 });
    come('a1', A);
    book.proven('a1');
    book.gone('a1');
    come('a2', A);
    clock.advance(1_000);
    come('b1', B);
    clock.advance(5_000);
    expect([come('c1', C), ended]).toEqual(['in', ['b1']]);
  });

  it('take those of the process before for no new connections of their address', () => {
    const { come, book } = bench({ connectRatePerSource: 1, maxConnectionsPerSource: 3 });
    book.inherited(A, 'a1');
    book.inherited(A, 'a2');
    expect([come('a3'), come('a4')]).toEqual(['in', 'rate-per-source']);
  });

  it('obey new rules at once, and leave those alone that are there', () => {
    const { come, rules, ended, clock } = bench();
    come('a1', A);
    come('b1', B);
    rules.update({
      limits: { ...LIMITS, maxConnections: 1 },
      access: { allow: [], deny: [{ network: A, prefixLength: 32 }] },
    });
    expect([come('a2', A), come('c1', C), ended]).toEqual(['denied', 'limit', []]);
    // What is too many goes as others come.
    clock.advance(5_000);
    expect([come('c1', C), come('c1', C)]).toEqual(['limit', 'in']);
    expect(ended).toEqual(['a1', 'b1']);
  });
});

describe('limits of calls', () => {
  const calls = (limits: Partial<ConnectionLimitOptions>, maxCalls: number) => {
    const clock = new ManualClock();
    const ended: number[] = [];
    // Calls that make room are closed later.
    const rules = new ConnectionRules({ ...LIMITS, ...limits });
    const book = new CallLimits(rules, maxCalls, clock, (call) => void ended.push(call));
    const come = (id: number, source = A, isKnown = false): string => {
      const refusal = book.refusal(source, isKnown);
      if (refusal === undefined) book.opened(callId(id), source, isKnown);
      return refusal?.why?.replace(/.*\((\w+).*/, '$1') ?? 'in';
    };
    return { clock, ended, book, come, id: (id: number): CallId => callId(id) };
  };

  it('let calls without a user give way, those with one never', () => {
    const { come, ended, book, id } = calls({}, 3);
    expect([come(1, A), come(2, A), come(3, A)]).toEqual(['in', 'in', 'in']);
    expect([book.proven(id(1)), book.proven(id(1))]).toEqual([true, false]);
    expect([come(4, B), ended]).toEqual(['in', [2]]);
    expect([book.proven(id(3)), book.proven(id(4))]).toEqual([true, true]);
    expect([come(5, C), ended]).toEqual(['PPTP_MAX_CALLS', [2]]);
    expect([book.closed(id(1)), book.closed(id(1)), come(5, C), book.closed(id(5))]).toEqual([
      true,
      false,
      'in',
      false,
    ]);
  });

  it('let strangers give way to those whose address is known', () => {
    const { come, ended } = calls({}, 2);
    expect([come(1, A), come(2, B), come(3, C)]).toEqual(['in', 'in', 'PPTP_MAX_CALLS']);
    expect([come(3, C, true), come(4, D, true), ended]).toEqual(['in', 'in', [1, 2]]);
    expect(come(5, A)).toBe('PPTP_MAX_CALLS');
  });

  it('say which limit it was', () => {
    const { come } = calls({ maxConnectionsPerSource: 2 }, 10);
    expect([come(1), come(2), come(3)]).toEqual(['in', 'in', 'PPTP_MAX_CONNECTIONS_PER_ADDRESS']);
    const few = calls({ maxUnprovenPerSource: 1, maxUnproven: 2 }, 10);
    expect([few.come(1, A), few.come(2, A)]).toEqual(['in', 'PPTP_MAX_UNAUTHENTICATED_PER_ADDRESS']);
    expect([few.come(3, B), few.come(4, C)]).toEqual(['in', 'PPTP_MAX_UNAUTHENTICATED']);
  });
});
