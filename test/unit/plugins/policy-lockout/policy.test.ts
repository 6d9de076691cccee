import { describe, expect, it } from 'vitest';
import type { AuthDenial } from '../../../../core/ports/auth.ts';
import type { Fleet } from '../../../../core/ports/fleet.ts';
import { LockoutPolicy, type PolicyLockoutOptions } from '../../../../plugins/policy-lockout/index.ts';
import { address } from '../../../support/batches.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

const OPTIONS: PolicyLockoutOptions = {
  failures: 3,
  sourceFailures: 6,
  userFailures: 0,
  lockSeconds: 10,
  mostLockSeconds: 60,
  decaySeconds: 100,
  remembered: 100,
};
const HERE = address('192.0.2.1');
const THERE = address('198.51.100.7');
const S = 1000;

/** Workers of one gateway: what one publishes the others get. */
const workers = (count: number, options: Partial<PolicyLockoutOptions> = {}) => {
  const listeners: ((topic: string, message: unknown) => void)[] = [];
  const log = new MemoryLog();
  const events: string[] = [];
  const time = { now: 0 };
  const policies = Array.from({ length: count }, (_, index) => {
    const fleet: Fleet = {
      index,
      count,
      restarted: false,
      publish: (topic, message) => {
        for (const [at, listener] of listeners.entries()) if (at !== index) listener(topic, structuredClone(message));
      },
      subscribe: (topic, listener) => {
        listeners[index] = (named, message) => (named === topic ? listener(message) : undefined);
      },
    };
    const telemetry = { event: (name: string) => void events.push(name) };
    return new LockoutPolicy({ ...OPTIONS, ...options }, { fleet, log, telemetry, wallClock: { now: () => time.now } });
  });
  return { policies, log, events, time, send: (message: unknown) => listeners[0]?.('policy-lockout', message) };
};

const one = (options: Partial<PolicyLockoutOptions> = {}) => {
  const { policies, ...rest } = workers(1, options);
  const [policy] = policies;
  if (policy === undefined) throw new Error('no policy');
  return {
    ...rest,
    may: (userName: string, source = HERE, at = 0) => policy.mayTry({ userName, source, at }),
    passes: (userName: string, source = HERE, at = 0) => policy.mayPass({ userName, source, at }),
    tried: (denial: AuthDenial | undefined, userName = 'alice', source = HERE, at = 0) =>
      policy.tried({ userName, source, at }, denial),
    wrong: (times: number, userName = 'alice', source = HERE, at = 0) => {
      for (let i = 0; i < times; i += 1) policy.tried({ userName, source, at }, 'bad-credentials');
    },
  };
};

describe('the lock against guessing', () => {
  it('locks a user for the address of the guesses, and for no other; says so once', () => {
    const { may, wrong, log } = one();
    wrong(2);
    expect(may('alice')).toBe(true);
    wrong(1);
    expect(may('alice')).toBe(false);
    expect(may('CORP\\ALICE')).toBe(false);
    expect(may('bob')).toBe(true);
    expect(may('alice', THERE)).toBe(true);
    expect(log.lines.filter(({ event }) => event === 'auth.locked-out')).toMatchObject([
      { level: 'warn', fields: { what: 'user-and-source', user: 'alice', source: '192.0.2.1', seconds: 10 } },
    ]);
  });

  it('holds for what was asked before it and is judged after it, right or wrong', () => {
    const { may, passes, wrong, tried, events } = one();
    expect([may('alice'), may('alice'), may('alice'), may('alice')]).toEqual(Array(4).fill(true));
    wrong(2);
    expect(passes('alice')).toBe(true);
    wrong(1);
    expect([passes('alice'), passes('alice', THERE), passes('alice', HERE, 10 * S)]).toEqual([false, true, true]);
    expect(events).toContain('auth.refused-locked');
    // A right proof that was kept from its sender ends no lock.
    tried('locked');
    expect(may('alice')).toBe(false);
  });

  it('doubles with each lock, up to a bound, and forgets in time', () => {
    const { may, wrong } = one();
    wrong(3);
    expect(may('alice', HERE, 10 * S - 1)).toBe(false);
    expect(may('alice', HERE, 10 * S)).toBe(true);
    // One more is enough now.
    wrong(1, 'alice', HERE, 10 * S);
    expect(may('alice', HERE, 30 * S - 1)).toBe(false);
    expect(may('alice', HERE, 30 * S)).toBe(true);
    wrong(1, 'alice', HERE, 30 * S);
    wrong(1, 'alice', HERE, 70 * S);
    expect(may('alice', HERE, 130 * S - 1)).toBe(false);
    expect(may('alice', HERE, 130 * S)).toBe(true);
    // Long after: as if nothing had been.
    wrong(2, 'alice', HERE, 5_000 * S);
    expect(may('alice', HERE, 5_000 * S)).toBe(true);
    wrong(1, 'alice', HERE, 5_000 * S);
    expect(may('alice', HERE, 5_010 * S)).toBe(true);
  });

  it('never locks for failures that come slower than they are forgotten', () => {
    const { may, wrong } = one();
    for (let at = 0; at < 5_000; at += 101) {
      wrong(1, 'alice', HERE, at * S);
      expect(may('alice', HERE, at * S)).toBe(true);
    }
  });

  it('locks an address that guesses at many users, but knows that a right password is no licence to guess', () => {
    const { may, tried, wrong } = one();
    for (const user of ['a', 'b', 'c', 'd', 'e']) wrong(1, user);
    tried(undefined, 'mallory');
    expect(may('mallory')).toBe(true);
    wrong(1, 'f');
    expect(may('mallory')).toBe(false);
    expect(may('mallory', THERE)).toBe(true);
  });

  it('forgets the failures of a user who gets in', () => {
    const { may, tried, wrong } = one();
    wrong(2);
    tried(undefined);
    wrong(2);
    expect(may('alice')).toBe(true);
  });

  it.each<AuthDenial>(['expired', 'locked', 'unavailable', 'proof-refused', 'change-refused'])(
    'does not take `%s` for a guess',
    (denial) => {
      const { may, tried } = one();
      for (let i = 0; i < 20; i += 1) tried(denial);
      expect(may('alice')).toBe(true);
    },
  );

  it('locks a user everywhere only when it is told to, and not where the user has been', () => {
    const { may, tried, wrong } = one({ userFailures: 4 });
    tried(undefined, 'alice', HERE);
    for (let host = 1; host <= 4; host += 1) wrong(1, 'alice', address(`203.0.113.${host}`));
    expect(may('alice', THERE)).toBe(false);
    expect(may('alice', HERE)).toBe(true);
    const usual = one();
    for (let host = 1; host <= 200; host += 1) usual.wrong(1, 'alice', address(`203.0.113.${host}`));
    expect(usual.may('alice', THERE)).toBe(true);
  });

  it('remembers no more than it may, and forgets what was quiet longest', () => {
    const { may, wrong } = one({ remembered: 100, sourceFailures: 0 });
    wrong(3, 'alice');
    wrong(3, 'bob');
    for (let i = 0; i < 98; i += 1) wrong(1, `nobody${i}`);
    wrong(1, 'bob');
    wrong(1, 'one-more');
    expect(may('alice')).toBe(true);
    expect(may('bob')).toBe(false);
  });

  it('lives with a clock that is set back', () => {
    const { may, wrong } = one();
    wrong(2, 'alice', HERE, 1_000 * S);
    wrong(1, 'alice', HERE, 0);
    expect(may('alice', HERE, 0)).toBe(false);
  });

  it('locks nobody for longer than it may when the clock is set back', () => {
    const { may, wrong } = one();
    wrong(3, 'alice', HERE, 1_000_000 * S);
    expect(may('alice', HERE, 5 * S)).toBe(true);
    wrong(3, 'alice', HERE, 5 * S);
    expect(may('alice', HERE, 6 * S)).toBe(false);
    expect(may('alice', HERE, 70 * S)).toBe(true);
  });

  it('works in all workers: guesses spread over them add up, and a right password counts everywhere', () => {
    const { policies, log } = workers(3);
    for (const [at, policy] of policies.entries()) {
      policy.tried({ userName: 'alice', source: HERE, at }, 'bad-credentials');
    }
    expect(policies.map((policy) => policy.mayTry({ userName: 'alice', source: HERE, at: 3 }))).toEqual([
      false,
      false,
      false,
    ]);
    expect(log.lines.filter(({ event }) => event === 'auth.locked-out')).toHaveLength(1);
    policies[0]?.tried({ userName: 'alice', source: HERE, at: 11 * S }, undefined);
    policies[1]?.tried({ userName: 'alice', source: HERE, at: 12 * S }, 'bad-credentials');
    expect(policies[2]?.mayTry({ userName: 'alice', source: HERE, at: 12 * S })).toBe(true);
  });

  it.each([undefined, 7, {}, { user: 'alice', source: 'x', at: 0, right: false }])(
    'passes over %j of another worker',
    (message) => {
      const { send, may } = one();
      for (let i = 0; i < 10; i += 1) send(message);
      expect(may('alice')).toBe(true);
    },
  );

  it('lists who is locked, until the lock is over', () => {
    const { policies, time } = workers(1, { userFailures: 4 });
    const [policy] = policies;
    for (let n = 0; n < 6; n += 1) policy?.tried({ userName: 'CORP\\Alice', source: HERE, at: 0 }, 'bad-credentials');
    expect(policy?.list()).toEqual([
      { what: 'user-and-source', user: 'alice', source: HERE, until: 10 * S },
      { what: 'source', source: HERE, until: 10 * S },
      { what: 'user', user: 'alice', until: 10 * S },
    ]);
    time.now = 10 * S;
    expect(policy?.list()).toEqual([]);
  });

  it('ends locks in all workers when the operator says so, and forgets what led to them', () => {
    const { policies, log } = workers(3);
    const [first, second, third] = policies;
    for (const userName of ['alice', 'bob']) {
      for (let n = 0; n < 3; n += 1) first?.tried({ userName, source: HERE, at: 0 }, 'bad-credentials');
    }
    expect(third?.mayTry({ userName: 'alice', source: HERE, at: 1 })).toBe(false);
    // Bob and the address, which failed six times, stay locked.
    expect(second?.clear({ user: 'DOMAIN\\alice' })).toBe(1);
    expect(policies.map((policy) => policy.list().length)).toEqual([2, 2, 2]);
    expect(second?.clear({ source: HERE })).toBe(2);
    expect(policies.map((policy) => policy.list().length)).toEqual([0, 0, 0]);
    for (let n = 0; n < 2; n += 1) first?.tried({ userName: 'alice', source: HERE, at: 2 }, 'bad-credentials');
    expect(third?.mayTry({ userName: 'alice', source: HERE, at: 3 })).toBe(true);
    expect(log.lines.filter(({ event }) => event === 'auth.locks-cleared')).toHaveLength(2);
  });

  it.each([
    { clear: 7 },
    { clear: null },
    { clear: { what: 'all' } },
    { clear: { source: 'x' } },
    { clear: { user: 1 } },
  ])('passes over %j of another worker', (message) => {
    const { policies, send } = workers(1);
    for (let n = 0; n < 3; n += 1) policies[0]?.tried({ userName: 'alice', source: HERE, at: 0 }, 'bad-credentials');
    send(message);
    expect(policies[0]?.list()).toHaveLength(1);
  });
});
