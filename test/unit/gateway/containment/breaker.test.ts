import { describe, expect, it } from 'vitest';
import { instant } from '../../../../core/time.ts';
import { CircuitBreaker } from '../../../../gateway/containment/breaker.ts';

const OPTIONS = { failures: 3, restMs: 1_000, longestRestMs: 3_000 };
const at = instant;

/** One that has just opened, at 0. */
const opened = (): CircuitBreaker => {
  const breaker = new CircuitBreaker(OPTIONS);
  expect([1, 2, 3].map(() => breaker.broke(at(0), 'call'))).toEqual([
    undefined,
    undefined,
    { kind: 'opened', restMs: 1_000 },
  ]);
  return breaker;
};

describe('a circuit breaker', () => {
  it('opens after so many failures in a row, and only in a row', () => {
    const breaker = new CircuitBreaker(OPTIONS);
    for (let round = 0; round < 5; round += 1) {
      expect([breaker.broke(at(0), 'call'), breaker.broke(at(0), 'call'), breaker.succeeded()]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
    }
    expect(breaker.admits(at(0))).toBe('call');
  });

  it('lets nothing through while it rests, and then one call', () => {
    const breaker = opened();
    expect([0, 999].map((now) => breaker.admits(at(now)))).toEqual([undefined, undefined]);
    expect([breaker.admits(at(1_000)), breaker.admits(at(1_000))]).toEqual(['probe', undefined]);
  });

  it('closes when that call succeeds', () => {
    const breaker = opened();
    breaker.admits(at(1_000));
    expect(breaker.succeeded()).toEqual({ kind: 'closed' });
    expect([breaker.admits(at(1_000)), breaker.admits(at(1_000))]).toEqual(['call', 'call']);
    expect(breaker.broke(at(1_000), 'call')).toBeUndefined();
  });

  it('rests twice as long each time that call fails, up to a limit', () => {
    const breaker = opened();
    const rests = [];
    for (let now = 1_000; rests.length < 3; now += 10_000) {
      expect(breaker.admits(at(now))).toBe('probe');
      rests.push(breaker.broke(at(now), 'probe'));
    }
    expect(rests).toEqual([2_000, 3_000, 3_000].map((restMs) => ({ kind: 'opened', restMs })));
    expect(breaker.rests(at(21_001))).toBe(true);
  });

  it('lets another call through when that one was taken back', () => {
    const breaker = opened();
    breaker.admits(at(1_000));
    breaker.undecided('probe');
    expect(breaker.admits(at(1_000))).toBe('probe');
  });

  it('learns nothing from a failure of a call that began before it opened', () => {
    const breaker = opened();
    expect(breaker.broke(at(500), 'call')).toBeUndefined();
    expect(breaker.admits(at(1_000))).toBe('probe');
    expect(breaker.broke(at(1_100), 'call')).toBeUndefined();
    breaker.undecided('call');
    expect(breaker.admits(at(1_200))).toBeUndefined();
    expect(breaker.broke(at(1_300), 'probe')).toEqual({ kind: 'opened', restMs: 2_000 });
  });

  it('stays closed while all failures are of one source; what has none counts for everybody', () => {
    const breaker = new CircuitBreaker(OPTIONS);
    const fails = (...sources: readonly (string | undefined)[]) =>
      sources.map((source) => breaker.broke(at(0), 'call', source)?.kind);
    expect(fails('a', 'a', 'a', 'a', 'b')).toEqual([undefined, undefined, undefined, undefined, 'opened']);
    breaker.succeeded();
    expect(fails('a', 'a', 'a', undefined)).toEqual([undefined, undefined, undefined, 'opened']);
    breaker.succeeded();
    expect(fails('b', 'b', 'b', 'b')).toEqual(Array(4).fill(undefined));
  });
});
