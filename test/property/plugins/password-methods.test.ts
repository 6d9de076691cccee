import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AuthInput } from '../../../core/ports/auth.ts';
import { instant } from '../../../core/time.ts';
import { parseChap, writeChap } from '../../../core/wire/chap.ts';
import { parsePap, writePap } from '../../../core/wire/pap.ts';
import { chapMd5Method } from '../../../plugins/auth-chap-md5/index.ts';
import { msChapV1Method } from '../../../plugins/auth-ms-chap-v1/index.ts';
import { msChapV2Method } from '../../../plugins/auth-ms-chap-v2/index.ts';
import { papMethod } from '../../../plugins/auth-pap/index.ts';
import { countingRandom } from '../../support/counting-random.ts';

const identifier = fc.integer({ min: 0, max: 3 });
const value = fc.constantFrom(0, 8, 16, 49).chain((n) => fc.uint8Array({ minLength: n, maxLength: n }));
const chap = fc.oneof(
  fc.record({ kind: fc.constant('challenge'), identifier, value, name: fc.string() }),
  fc.record({ kind: fc.constant('response'), identifier, value, name: fc.string() }),
  fc.record({
    kind: fc.constantFrom('success', 'failure'),
    identifier,
    message: fc.oneof(fc.string(), fc.constantFrom('E=648 R=0 V=3', 'E=648 R=1 V=2', 'E=691 R=1 V=2')),
  }),
  fc.record({
    kind: fc.constant('other'),
    code: fc.constantFrom(5, 6, 7, 8),
    identifier,
    data: fc.constantFrom(0, 68, 582, 1114).map((n) => new Uint8Array(n).fill(1)),
  }),
);
const pap = fc.oneof(
  fc.record({
    kind: fc.constant('request'),
    identifier,
    peerId: fc.string(),
    password: fc.uint8Array({ maxLength: 300 }),
  }),
  fc.record({ kind: fc.constantFrom('ack', 'nak'), identifier, message: fc.string() }),
);
const frame = fc.oneof(
  chap.map((packet) => ({ protocol: 0xc223, bytes: writeChap(packet) })),
  pap.map((packet) => ({ protocol: 0xc023, bytes: writePap(packet) })),
  fc.record({ protocol: fc.constantFrom(0xc223, 0xc023), bytes: fc.uint8Array({ maxLength: 70 }) }),
);
const denial = fc.constantFrom('bad-credentials', 'locked', 'expired', 'unavailable', 'change-refused');
const verdict = fc.oneof(
  denial.map((why) => ({ ok: false, denial: why }) as const),
  fc.constant({ ok: true, identity: 'u', profile: {}, grant: {} } as const),
);
const input: fc.Arbitrary<AuthInput> = fc.oneof(
  { weight: 6, arbitrary: frame.map((one) => ({ kind: 'frame', ...one }) as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'start' } as const) },
  { weight: 3, arbitrary: verdict.map((one) => ({ kind: 'verdict', verdict: one }) as const) },
);
const steps = fc.array(fc.record({ input, pass: fc.nat(20_000) }), { maxLength: 60 });

describe.each([papMethod(), chapMd5Method(), msChapV1Method(), msChapV2Method()])('$name', (method) => {
  test('any input in any order: no exception, a bounded number of questions, one end', () => {
    fc.assert(
      fc.property(fc.constantFrom('authenticator', 'peer'), steps, (role, list) => {
        const context = { role, localName: 'n', password: 'p', newPassword: 'q', random: countingRandom(0) };
        const machine = method.begin(context);
        let now = 0;
        const effects = list.flatMap((one) => {
          now += one.pass;
          return [...machine.handleTimeout(instant(now)), ...machine.handle(one.input, instant(now))];
        });
        const count = (kind: string): number => effects.filter((effect) => effect.kind === kind).length;
        expect(count('verify')).toBeLessThanOrEqual(4);
        expect(count('reject')).toBeLessThanOrEqual(1);
        expect(count('accept')).toBeLessThanOrEqual(1);
        if (role === 'authenticator') expect(count('reject') + count('accept')).toBeLessThanOrEqual(1);
        expect(effects.length).toBeLessThanOrEqual(list.length * 4);
      }),
      { numRuns: 300 },
    );
  });
});

test('PAP packets: what is written is read back; any octets are a packet or none', () => {
  const short = pap.filter((one) => !('password' in one) || one.password.length <= 255);
  fc.assert(
    fc.property(short, (packet) => {
      const bytes = writePap(packet);
      const again = parsePap(bytes);
      expect(again === undefined ? undefined : writePap(again)).toEqual(bytes);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      parsePap(bytes);
      parseChap(bytes);
    }),
  );
});
