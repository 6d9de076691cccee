import { describe, expect, it } from 'vitest';
import { ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import { optionsInForce } from '../../../../core/ports/live-options.ts';
import { silentLog } from '../../../../core/ports/log.ts';
import { LiveValue } from '../../../../gateway/life/live-value.ts';
import { LockoutPolicy } from '../../../../plugins/policy-lockout/index.ts';
import { type PolicyLockoutOptions, settings } from '../../../../plugins/policy-lockout/options.ts';
import { testFleet } from '../../../../testing/index.ts';
import { silentTelemetry } from '../../../support/batches.ts';

const START: PolicyLockoutOptions = {
  failures: 2,
  sourceFailures: 0,
  userFailures: 0,
  lockSeconds: 30,
  mostLockSeconds: 100,
  decaySeconds: 900,
  remembered: 100,
};

const bench = () => {
  const live = new LiveValue(START);
  const time = { now: 1_700_000_000_000 };
  const policy = new LockoutPolicy(optionsInForce(live), {
    fleet: testFleet(),
    log: silentLog,
    telemetry: silentTelemetry,
    wallClock: { now: () => time.now },
  });
  let last = 0;
  const fresh = (): number => {
    last += 1;
    return last;
  };
  const guess = (user: string, source: number): void =>
    policy.tried({ userName: user, source: ipv4(source), at: time.now }, 'bad-credentials');
  const pass = (seconds: number): void => {
    time.now += seconds * 1000;
  };
  /** Seconds that locks of these kinds last yet. */
  const locks = (what: string): readonly number[] =>
    policy.list().flatMap((lock) => (lock.what === what ? [(lock.until - time.now) / 1000] : []));
  const clear = (): void => void policy.clear({});

  const looks: { readonly [Name in keyof PolicyLockoutOptions]: () => unknown } = {
    failures: () => {
      const [user, source] = [`user${fresh()}`, fresh()];
      for (let n = 0; n < 2; n += 1) guess(user, source);
      return locks('user-and-source').length;
    },
    sourceFailures: () => {
      const source = fresh();
      for (let n = 0; n < 3; n += 1) guess(`user${fresh()}`, source);
      return locks('source').length;
    },
    userFailures: () => {
      const user = `user${fresh()}`;
      for (let n = 0; n < 3; n += 1) guess(user, fresh());
      return locks('user').length;
    },
    lockSeconds: () => {
      const [user, source] = [`user${fresh()}`, fresh()];
      for (let n = 0; n < 2; n += 1) guess(user, source);
      return locks('user-and-source');
    },
    mostLockSeconds: () => {
      const [user, source] = [`user${fresh()}`, fresh()];
      for (let n = 0; n < 2; n += 1) guess(user, source);
      pass(31);
      guess(user, source);
      return locks('user-and-source');
    },
    decaySeconds: () => {
      const [user, source] = [`user${fresh()}`, fresh()];
      guess(user, source);
      pass(60);
      guess(user, source);
      return locks('user-and-source').length;
    },
    remembered: () => {
      const [user, source] = [`user${fresh()}`, fresh()];
      guess(user, source);
      for (let n = 0; n < 150; n += 1) guess(`user${fresh()}`, fresh());
      guess(user, source);
      return locks('user-and-source').length;
    },
  };
  return { live, policy, time, guess, pass, locks, clear, looks };
};

const OTHERS: PolicyLockoutOptions = {
  failures: 3,
  sourceFailures: 3,
  userFailures: 3,
  lockSeconds: 60,
  mostLockSeconds: 40,
  decaySeconds: 1,
  remembered: 200,
};

describe('settings of policy-lockout that a reload changes', () => {
  const names: readonly (keyof PolicyLockoutOptions)[] = [
    'failures',
    'sourceFailures',
    'userFailures',
    'lockSeconds',
    'mostLockSeconds',
    'decaySeconds',
    'remembered',
  ];

  it('are all', () => {
    const live = Object.entries(settings).flatMap(([name, setting]) => (setting.live === true ? [name] : []));
    expect(live.toSorted()).toEqual([...names].toSorted());
  });

  it.each(names)('%s holds for guesses from then on', (name) => {
    const { live, clear, looks } = bench();
    const look = (): unknown => {
      clear();
      return looks[name]();
    };
    const before = look();
    live.set({ ...START, [name]: OTHERS[name] });
    expect(look()).not.toEqual(before);
    live.set(START);
    expect(look()).toEqual(before);
  });

  it('leave locks that are there as long as they were made', () => {
    const { live, guess, pass, locks, time, policy } = bench();
    for (let n = 0; n < 2; n += 1) guess('mallory', 7);
    live.set({ ...START, lockSeconds: 1, mostLockSeconds: 1 });
    expect(locks('user-and-source')).toEqual([30]);
    expect(policy.mayTry({ userName: 'mallory', source: ipv4(7), at: time.now })).toBe(false);
    pass(31);
    expect(policy.mayTry({ userName: 'mallory', source: ipv4(7), at: time.now })).toBe(true);
  });

  it('forget at once who is too many', () => {
    const { live, guess, pass, locks } = bench();
    live.set({ ...START, remembered: 300 });
    for (let n = 0; n < 250; n += 1) guess(`user${n}`, n);
    live.set(START);
    pass(1);
    guess('one-more', 1000);
    for (const n of [248, 249, 100]) guess(`user${n}`, n);
    // The newest hundred are known, so this was the second wrong password of two.
    expect(locks('user-and-source')).toHaveLength(2);
  });
});
