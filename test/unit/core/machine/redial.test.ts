import { describe, expect, it } from 'vitest';
import { writeU32 } from '../../../../core/bytes/bytes.ts';
import { Redial, type RedialInput, type RedialOptions } from '../../../../core/machine/redial.ts';
import { instant } from '../../../../core/time.ts';

/** Octets that make the jitter this share of the half bound. */
const share = (part: number) => ({
  bytes: (length: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    writeU32(bytes, 0, Math.floor(part * 0xffff_ffff));
    return bytes;
  },
});

const FAILED: RedialInput = { kind: 'ended', authentication: false };
const DENIED: RedialInput = { kind: 'ended', authentication: true };
const UP: RedialInput = { kind: 'up' };

/** A machine and its clock, which only `fail` moves on by what it is told to wait. */
class Bench {
  now = 0;
  readonly machine: Redial;

  constructor(options: Partial<RedialOptions> = {}, jitter = 1) {
    this.machine = new Redial(options, share(jitter));
    expect(this.tell({ kind: 'start' })).toEqual([{ kind: 'dial', attempt: 1 }]);
  }

  tell(input: RedialInput) {
    return this.machine.handle(input, instant(this.now));
  }

  /** Fails and lets the wait pass; returns the wait in ms. */
  fail(): number {
    const [effect] = this.tell(FAILED);
    if (effect?.kind !== 'wait') throw new Error(`no wait but ${effect?.kind}`);
    const due = this.machine.nextTimeout();
    expect(due).toBe(this.now + effect.delayMs);
    expect(this.machine.handleTimeout(instant(this.now + effect.delayMs - 1))).toEqual([]);
    this.now += effect.delayMs;
    expect(this.machine.handleTimeout(instant(this.now))).toMatchObject([{ kind: 'dial' }]);
    return effect.delayMs;
  }
}

describe('Redial', () => {
  it('waits 1 s, then twice as long each time, up to a minute', () => {
    const bench = new Bench();
    expect(Array.from({ length: 9 }, () => bench.fail())).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000,
    ]);
  });

  it('waits as little as half of that, but never less than the first delay', () => {
    const bench = new Bench({}, 0);
    expect(Array.from({ length: 8 }, () => bench.fail())).toEqual([
      1_000, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
    ]);
  });

  it('begins anew after a tunnel that lived for a minute, and not after a shorter one', () => {
    const bench = new Bench();
    for (let i = 0; i < 4; i += 1) bench.fail();
    bench.tell(UP);
    bench.now += 59_999;
    expect(bench.fail()).toBe(16_000);
    bench.tell(UP);
    bench.now += 60_000;
    expect(bench.fail()).toBe(1_000);
  });

  it('counts the life of a tunnel from when it first came up', () => {
    const bench = new Bench();
    for (let i = 0; i < 3; i += 1) bench.fail();
    bench.tell(UP);
    bench.now += 50_000;
    bench.tell(UP);
    bench.now += 10_000;
    expect(bench.fail()).toBe(1_000);
  });

  it('does not go on after a refused user unless it is told to', () => {
    expect(new Bench().tell(DENIED)).toEqual([{ kind: 'over' }]);
    expect(new Bench({ retryAuthentication: true }).tell(DENIED)).toEqual([{ kind: 'wait', delayMs: 1_000 }]);
  });

  it('makes one attempt under the policy "once"', () => {
    expect(new Bench({ policy: 'once' }).tell(FAILED)).toEqual([{ kind: 'over' }]);
  });

  it('tries until the tunnel was up under the policy "until-up"', () => {
    const bench = new Bench({ policy: 'until-up' });
    bench.fail();
    bench.tell(UP);
    expect(bench.tell(FAILED)).toEqual([{ kind: 'over' }]);
  });

  it('stops in every state, once, and does nothing afterwards', () => {
    const stages: readonly (readonly RedialInput[])[] = [[], [UP], [FAILED]];
    for (const inputs of stages) {
      const bench = new Bench();
      for (const input of inputs) bench.tell(input);
      expect(bench.tell({ kind: 'stop' })).toEqual([{ kind: 'over' }]);
      expect(bench.machine.nextTimeout()).toBeUndefined();
      for (const input of [{ kind: 'start' }, UP, FAILED, { kind: 'stop' }] as const) {
        expect(bench.tell(input)).toEqual([]);
      }
      expect(bench.machine.handleTimeout(instant(1e9))).toEqual([]);
    }
  });
});
