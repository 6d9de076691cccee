import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ActiveRule, PacketLimit, type PacketRule } from '../../../../core/datapath/packet-rules.ts';
import { sessionId } from '../../../../core/ports/ids.ts';
import { instant } from '../../../../core/time.ts';
import { openSession } from '../../../support/batches.ts';

/** The same numbers every time. */
const numbers = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state / 2 ** 31;
  };
};
const ruleOf = (rule: PacketRule, uniform = numbers(1)): ActiveRule => new ActiveRule('1', rule, uniform, instant(0));

describe('a rule', () => {
  it('about everything takes packets of any tunnel, and of none', () => {
    const rule = ruleOf({});
    expect(rule.isGeneral).toBe(true);
    expect(rule.matches(undefined)).toBe(true);
    expect(rule.matches(openSession())).toBe(true);
  });

  it('about a user and a tunnel takes packets for which both are right', () => {
    const session = openSession();
    const rule = ruleOf({ user: 'alice', tunnel: session.id });
    expect(rule.isGeneral).toBe(false);
    expect(rule.matches(session)).toBe(false);
    session.identity = 'alice';
    expect(rule.matches(session)).toBe(true);
    expect(rule.matches(undefined)).toBe(false);
    expect(ruleOf({ user: 'alice', tunnel: sessionId('other') }).matches(session)).toBe(false);
  });

  it('without a ratio chooses every packet, whether asked one by one or for many', () => {
    const rule = ruleOf({});
    expect([rule.chooses(), rule.chooses()]).toEqual([true, true]);
    expect([rule.passesOver(3), rule.passesOver(2), rule.passesOver(1), rule.passesOver(0)]).toEqual([0, 0, 0, -1]);
  });

  it('with a ratio chooses its share', () => {
    for (const ratio of [0.5, 0.1, 0.01]) {
      const rule = ruleOf({ ratio });
      let chosen = 0;
      for (let i = 0; i < 100_000; i += 1) if (rule.chooses()) chosen += 1;
      expect(chosen / (100_000 * ratio)).toBeCloseTo(1, 0.8);
    }
  });

  it('chooses the same packets however they come in batches', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(70)), fc.constantFrom(1, 0.5, 0.05), fc.nat(1000), (batches, ratio, seed) => {
        const [single, many] = [ruleOf({ ratio }, numbers(seed)), ruleOf({ ratio }, numbers(seed))];
        for (const count of batches) {
          const one = Array.from({ length: count }, () => single.chooses());
          const all = new Array<boolean>(count).fill(false);
          let at = 0;
          for (let gap = many.passesOver(count); gap >= 0; gap = many.passesOver(count - at)) {
            all[at + gap] = true;
            at += gap + 1;
          }
          expect(all).toEqual(one);
        }
      }),
    );
  });

  it('says what is left of its time', () => {
    const rule = new ActiveRule('7', { forMs: 500, packets: 2 }, numbers(1), instant(1_000));
    expect(rule.until).toBe(1_500);
    expect(rule.view(instant(1_200))).toEqual({
      id: '7',
      forMs: 500,
      packets: 2,
      traced: 0,
      suppressed: 0,
      leftMs: 300,
    });
    expect(rule.view(instant(9_000)).leftMs).toBe(0);
    rule.traced = 2;
    expect(rule.isUsedUp).toBe(true);
  });
});

describe('the limit', () => {
  it('allows so many in each second', () => {
    const limit = new PacketLimit(2);
    const at = [0, 500, 999, 1_000, 1_001, 1_002, 60_000];
    expect(at.map((now) => limit.allows(instant(now)))).toEqual([true, true, false, true, true, false, true]);
  });
});
