import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REDIAL_DEFAULTS, Redial, type RedialInput } from '../../../core/machine/redial.ts';
import { instant } from '../../../core/time.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const input = fc.constantFrom<RedialInput>(
  { kind: 'start' },
  { kind: 'up' },
  { kind: 'ended', authentication: false },
  { kind: 'ended', authentication: true },
  { kind: 'stop' },
);
const step = fc.record({ input: fc.option(input, { nil: undefined }), after: fc.integer({ min: 0, max: 90_000 }) });

describe('Redial, whatever happens in whatever order', () => {
  it('never has two attempts at once, waits within its bounds, and is silent after its end', () => {
    const options = fc.record({
      policy: fc.constantFrom('always' as const, 'until-up' as const, 'once' as const),
      retryAuthentication: fc.boolean(),
    });
    fc.assert(
      fc.property(options, fc.integer(), fc.array(step, { maxLength: 60 }), (given, seed, steps) => {
        const machine = new Redial(given, seededRandom(seed));
        let now = 0;
        let dialling = false;
        let over = false;
        for (const { input: one, after } of steps) {
          now += after;
          const effects = one === undefined ? machine.handleTimeout(instant(now)) : machine.handle(one, instant(now));
          if (one?.kind === 'ended') dialling = false;
          if (over) expect(effects).toEqual([]);
          for (const effect of effects) {
            if (effect.kind === 'dial') {
              expect(dialling).toBe(false);
              dialling = true;
            } else if (effect.kind === 'wait') {
              expect(effect.delayMs).toBeGreaterThanOrEqual(REDIAL_DEFAULTS.firstDelayMs);
              expect(effect.delayMs).toBeLessThanOrEqual(REDIAL_DEFAULTS.longestDelayMs);
            } else over = true;
          }
          expect(machine.nextTimeout() === undefined || !dialling).toBe(true);
        }
      }),
    );
  });
});
