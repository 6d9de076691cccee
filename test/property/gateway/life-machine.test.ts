import fc from 'fast-check';
import { expect, it } from 'vitest';
import { after, instant } from '../../../core/time.ts';
import type { LifePhase } from '../../../gateway/admin/api/life.ts';
import { LIFE_DEFAULTS, type LifeEffect, type LifeInput, LifeMachine } from '../../../gateway/life/life-machine.ts';

const by = fc.constantFrom('SIGTERM', 'ann', 'bob');
const ms = fc.constantFrom(0, 1, 500, 10_000, 86_400_000);
const input: fc.Arbitrary<LifeInput> = fc.oneof(
  fc.record({ kind: fc.constant('started' as const) }),
  fc.record({ kind: fc.constant('drain' as const), ms, stop: fc.boolean(), final: fc.boolean(), by }),
  fc.record({ kind: fc.constant('resume' as const), by }),
  fc.record({ kind: fc.constant('empty' as const) }),
  fc.record({ kind: fc.constant('told' as const) }),
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('end' as const), by }) },
);
const step = fc.record({ wait: fc.nat(20_000), input });

/** From which phases a phase may follow. */
const FROM: Readonly<Record<LifePhase, readonly LifePhase[]>> = {
  starting: ['starting', 'draining'],
  ready: ['starting', 'ready', 'draining'],
  draining: ['starting', 'ready', 'draining'],
  stopping: ['starting', 'ready', 'draining', 'stopping'],
};

it('phases follow each other as they may, calls are refused exactly while draining or stopping, and the end is one', () => {
  const seen = new Set<LifePhase>();
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const life = new LifeMachine();
      let now = instant(0);
      let refusing = false;
      let stops = 0;
      let farewells = 0;
      const look = (before: LifePhase, effects: readonly LifeEffect[]): void => {
        for (const { kind } of effects) {
          if (kind === 'refuse') refusing = true;
          if (kind === 'accept') refusing = false;
          if (kind === 'stop') stops += 1;
          if (kind === 'farewell') farewells += 1;
          if (kind === 'farewell') expect(life.phase).toBe('draining');
        }
        seen.add(life.phase);
        expect(FROM[life.phase]).toContain(before);
        expect(refusing).toBe(life.phase === 'draining' || life.phase === 'stopping');
        expect(stops).toBe(life.phase === 'stopping' ? 1 : 0);
        if (life.phase !== before) expect(effects.map(({ kind }) => kind)).toContain('changed');
      };
      for (const { wait, input: one } of steps) {
        now = after(now, wait);
        const due = life.phase;
        look(due, life.handleTimeout(now));
        const before = life.phase;
        look(before, life.handle(one, now));
      }
      expect(farewells).toBeLessThanOrEqual(steps.length);
    }),
  );
  expect([...seen].toSorted()).toEqual(['draining', 'ready', 'starting', 'stopping']);
});

it('a drain that is to end the process ends it, whatever else happens and whoever never answers', () => {
  fc.assert(
    fc.property(ms, fc.array(step, { maxLength: 10 }), (timeout, steps) => {
      const life = new LifeMachine();
      let now = instant(0);
      life.handle({ kind: 'started' }, now);
      life.handle({ kind: 'drain', ms: timeout, stop: true, final: true, by: 'SIGTERM' }, now);
      for (const { input: one } of steps) if (one.kind !== 'drain') life.handle(one, now);
      now = after(now, timeout);
      life.handleTimeout(now);
      now = after(now, LIFE_DEFAULTS.farewellMs + LIFE_DEFAULTS.graceMs);
      life.handleTimeout(now);
      expect(life.phase).toBe('stopping');
    }),
  );
});
