import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AuthInput } from '../../../core/ports/auth.ts';
import { instant } from '../../../core/time.ts';
import { writeChap } from '../../../core/wire/chap.ts';
import { msChapV2Method } from '../../../plugins/auth-ms-chap-v2/index.ts';
import { countingRandom } from '../../support/counting-random.ts';

const identifier = fc.integer({ min: 0, max: 3 });
const shaped = fc.oneof(
  fc.record({
    kind: fc.constantFrom('challenge', 'response'),
    identifier,
    value: fc.uint8Array({ maxLength: 60 }),
    name: fc.string(),
  }),
  fc.record({
    kind: fc.constant('response'),
    identifier,
    value: fc.uint8Array({ minLength: 49, maxLength: 49 }),
    name: fc.string(),
  }),
  fc.record({ kind: fc.constantFrom('success', 'failure'), identifier, message: fc.string() }),
);
const frame = fc.oneof(
  shaped.map((packet) => writeChap(packet)),
  fc.uint8Array({ maxLength: 70 }),
);
const input: fc.Arbitrary<AuthInput> = fc.oneof(
  { weight: 6, arbitrary: frame.map((bytes) => ({ kind: 'frame', protocol: 0xc223, bytes }) as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'start' } as const) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('bad-credentials', 'locked', 'unavailable')
      .map((denial) => ({ kind: 'verdict', verdict: { ok: false, denial } }) as const),
  },
);

test('any input in any order: no exception, at most three attempts, one end', () => {
  const step = fc.record({ input, pass: fc.nat(20_000) });
  fc.assert(
    fc.property(fc.constantFrom('authenticator', 'peer'), fc.array(step, { maxLength: 60 }), (role, steps) => {
      const machine = msChapV2Method().begin({ role, localName: 'n', password: 'p', random: countingRandom(0) });
      let now = 0;
      const effects = steps.flatMap((one) => {
        now += one.pass;
        return [...machine.handleTimeout(instant(now)), ...machine.handle(one.input, instant(now))];
      });
      const count = (kind: string): number => effects.filter((effect) => effect.kind === kind).length;
      expect(count('verify')).toBeLessThanOrEqual(3);
      expect(count('reject') + count('accept')).toBeLessThanOrEqual(1);
      expect(effects.length).toBeLessThanOrEqual(steps.length * 4);
    }),
    { numRuns: 400 },
  );
});
