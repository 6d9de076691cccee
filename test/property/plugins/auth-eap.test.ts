import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { AuthEffect, AuthInput, AuthRole, AuthVerdict } from '../../../core/ports/auth.ts';
import type { TlsEngine, TlsProgress } from '../../../core/ports/tls-engine.ts';
import { instant } from '../../../core/time.ts';
import { EAP_PROTOCOL, EAP_TYPE, writeEap } from '../../../core/wire/eap.ts';
import { writeEapTls } from '../../../core/wire/eap-tls.ts';
import { eapMd5, eapMethod, eapMsChapV2 } from '../../../plugins/auth-eap/index.ts';
import { eapTls } from '../../../plugins/auth-eap-tls/index.ts';
import { TlsStep } from '../../../plugins/auth-eap-tls/step.ts';
import { countingRandom } from '../../support/counting-random.ts';
import { tlsEngine } from '../../support/eap-tls-files.ts';

const NO_TLS: TlsEngine = {
  open: () => ({
    exchange: () => Promise.reject(new Error('never asked: the test answers')),
    write: () => Promise.reject(new Error('never asked: the test answers')),
  }),
};

const identifier = fc.integer({ min: 0, max: 8 });
const tlsData = fc
  .record({ start: fc.boolean(), more: fc.boolean(), data: fc.uint8Array({ maxLength: 20 }) })
  .map((packet) => writeEapTls(packet));
const chapLike = fc
  .tuple(fc.integer({ min: 0, max: 7 }), fc.uint8Array({ maxLength: 80 }))
  .map(([code, rest]) => Uint8Array.of(code, 1, 0, 4 + rest.length, ...rest));
const challenge = fc.constant(Uint8Array.of(1, 1, 0, 21, 16, ...new Uint8Array(16)));
const response = fc.constant(Uint8Array.of(2, 1, 0, 54, 49, ...new Uint8Array(49)));
const md5 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((value) => Uint8Array.of(16, ...value));
const frame = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc
    .record({
      kind: fc.constantFrom('request' as const, 'response' as const),
      identifier,
      type: fc.constantFrom(...Object.values(EAP_TYPE)),
      data: fc.oneof(tlsData, chapLike, challenge, response, md5, fc.uint8Array({ maxLength: 8 })),
    })
    .map((packet) => writeEap(packet)),
  fc
    .record({ kind: fc.constantFrom('success' as const, 'failure' as const), identifier })
    .map((packet) => writeEap(packet)),
);
const output = fc.uint8Array({ maxLength: 3000 });
const progress: fc.Arbitrary<TlsProgress> = fc.oneof(
  output.map((bytes) => ({ state: 'handshaking', output: bytes }) as const),
  output.map((bytes) => ({ state: 'failed', output: bytes, denial: 'expired', reason: 'x' }) as const),
  fc.tuple(output, fc.uint8Array({ maxLength: 2 }), fc.constantFrom('TLSv1.2' as const, 'TLSv1.3' as const)).map(
    ([bytes, received, version]): TlsProgress => ({
      state: 'established',
      output: bytes,
      received,
      version,
      certificate: { subject: 'CN=a', fingerprint: '00', names: ['a'] },
      exportKeyingMaterial: (length) => new Uint8Array(length),
    }),
  ),
);
const verdict: fc.Arbitrary<AuthVerdict> = fc.constantFrom<AuthVerdict>(
  { ok: false, denial: 'bad-credentials' },
  { ok: true, identity: 'a', profile: {}, grant: {} },
  {
    ok: true,
    identity: 'a',
    profile: {},
    grant: {
      authenticatorResponse: `S=${'0'.repeat(40)}`,
      keys: { send: new Uint8Array(16), receive: new Uint8Array(16) },
    },
  },
);
const input = (role: AuthRole): fc.Arbitrary<AuthInput | 'time'> =>
  fc.oneof(
    { weight: 8, arbitrary: frame.map((bytes) => ({ kind: 'frame', protocol: EAP_PROTOCOL, bytes }) as const) },
    { weight: 1, arbitrary: fc.constantFrom({ kind: 'start' } as const, { kind: 'network-started' } as const) },
    { weight: 2, arbitrary: verdict.map((one) => ({ kind: 'verdict', verdict: one }) as const) },
    {
      weight: 3,
      arbitrary: progress.map(
        (one) => ({ kind: 'computed', result: { ok: true, value: new TlsStep(one, role) } }) as const,
      ),
    },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom({ ok: false } as const, { ok: true, value: 'no step' } as const)
        .map((result) => ({ kind: 'computed', result }) as const),
    },
    { weight: 2, arbitrary: fc.constant('time' as const) },
  );

it.each(['authenticator', 'peer'] as const)('%s: any input in any order is progress or nothing', (role) => {
  const order = fc.shuffledSubarray([eapMd5(), eapMsChapV2(), eapTls(NO_TLS)], { minLength: 1 });
  fc.assert(
    fc.property(order, fc.array(input(role), { maxLength: 60 }), (methods, inputs) => {
      const machine = eapMethod(methods).begin({ role, localName: 'a', random: countingRandom(0), mru: 1000 });
      const effects: AuthEffect[] = [...machine.handle({ kind: 'start' }, instant(0))];
      let now = 0;
      for (const one of inputs) {
        if (one === 'time') {
          now += 3000;
          effects.push(...machine.handleTimeout(instant(now)));
        } else {
          const said = machine.handle(one, instant(now));
          // One packet in, at most one out: nobody can use us to multiply traffic.
          expect(said.filter(({ kind }) => kind === 'send').length).toBeLessThanOrEqual(1);
          effects.push(...said);
        }
        const next = machine.nextTimeout();
        if (next !== undefined) expect(next).toBeGreaterThan(now - 1);
      }
      const outcomes = effects.filter(({ kind }) => kind === 'accept' || kind === 'reject');
      if (role === 'authenticator') expect(outcomes.length).toBeLessThanOrEqual(1);
      expect(effects.filter(({ kind }) => kind === 'reject').length).toBeLessThanOrEqual(1);
      for (const effect of effects) {
        if (effect.kind === 'send') expect(effect.bytes.length).toBeLessThanOrEqual(1000);
        if (effect.kind === 'accept' && methods.every(({ yieldsKeys }) => yieldsKeys)) {
          expect(effect.keys).toBeDefined();
        }
      }
    }),
    { numRuns: 500 },
  );
});

it('an authenticator accepts nobody whom no verdict let in', () => {
  const denials = input('authenticator').filter((one) => one === 'time' || one.kind !== 'verdict' || !one.verdict.ok);
  fc.assert(
    fc.property(fc.array(denials, { maxLength: 60 }), (inputs) => {
      const methods = [eapTls(NO_TLS), eapMsChapV2(), eapMd5()];
      const machine = eapMethod(methods).begin({ role: 'authenticator', localName: 'a', random: countingRandom(0) });
      machine.handle({ kind: 'start' }, instant(0));
      for (const one of inputs) {
        const said = one === 'time' ? machine.handleTimeout(instant(0)) : machine.handle(one, instant(0));
        expect(said.some(({ kind }) => kind === 'accept')).toBe(false);
      }
    }),
  );
});

it('the TLS engine answers any octets, and nothing is established by them', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('server' as const, 'client' as const),
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 400 }), { minLength: 1, maxLength: 3 }),
      async (role, flights) => {
        const { signal } = new AbortController();
        const session = tlsEngine('server').open(role);
        for (const flight of flights) {
          const { state } = await session.exchange(flight, signal);
          expect(['handshaking', 'failed']).toContain(state);
        }
      },
    ),
    { numRuns: 40 },
  );
});
