import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EapRelayAuthenticator } from '../../../core/machine/eap-relay-authenticator.ts';
import type { AuthEffect } from '../../../core/ports/auth.ts';
import { instant } from '../../../core/time.ts';
import { EAP_PROTOCOL, parseEap, writeEap } from '../../../core/wire/eap.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const octet = fc.integer({ min: 0, max: 255 });
const eap = fc.oneof(
  fc.uint8Array({ maxLength: 30 }),
  fc
    .record({
      kind: fc.constantFrom('request' as const, 'response' as const),
      identifier: fc.oneof(octet, fc.constant(0)),
      type: fc.oneof(octet, fc.constantFrom(1, 3, 25)),
      data: fc.uint8Array({ maxLength: 60 }),
    })
    .map((packet) => writeEap(packet)),
  fc.record({ kind: fc.constantFrom('success' as const, 'failure' as const), identifier: octet }).map(writeEap),
);
const message = fc.option(eap, { nil: undefined });
const answer = fc.oneof(
  fc.record({ kind: fc.constant('challenge'), message: eap, state: fc.anything() }),
  fc.record({ kind: fc.constant('accept'), message, identity: fc.string(), profile: fc.constant({}) }),
  fc.record({ kind: fc.constant('reject'), message, denial: fc.constantFrom('bad-credentials', 'locked') }),
  fc.record({ kind: fc.constant('not-mine') }),
  fc.anything(),
);
type Step =
  | { readonly kind: 'frame'; readonly bytes: Uint8Array; readonly fits: boolean }
  | { readonly kind: 'answer'; readonly value: unknown; readonly ok: boolean }
  | { readonly kind: 'wait'; readonly ms: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('frame' as const), bytes: eap, fits: fc.boolean() }),
  fc.record({
    kind: fc.constant('answer' as const),
    value: answer,
    ok: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
  }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(5000) }),
);

it('whatever peer and server say: it ends at most once, with one word to the peer, and asks one question at a time', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const machine = new EapRelayAuthenticator(
        { role: 'authenticator', localName: 'gw', random: seededRandom(2), mru: 200 },
        {
          intervalMs: 1000,
          maxSends: 3,
          maxRequests: 10,
          relays: [{ name: 'never', ask: () => Promise.reject(new Error('not run')) }],
          own: undefined,
        },
      );
      let now = instant(0);
      let asking = 0;
      let ends = 0;
      let identifier = 0;
      const look = (effects: readonly AuthEffect[]): void => {
        for (const effect of effects) {
          if (effect.kind === 'compute') asking += 1;
          if (effect.kind === 'accept' || effect.kind === 'reject') ends += 1;
          if (effect.kind === 'send') {
            expect(effect.bytes.length).toBeLessThanOrEqual(200);
            const packet = parseEap(effect.bytes);
            expect(packet?.kind).toMatch(/^(request|success|failure)$/);
            identifier = packet?.identifier ?? 0;
          }
        }
        expect(asking).toBeLessThanOrEqual(1);
        expect(ends).toBeLessThanOrEqual(1);
        if (ends > 0) expect(machine.nextTimeout()).toBeUndefined();
      };
      look(machine.handle({ kind: 'start' }, now));
      for (const one of steps) {
        if (one.kind === 'frame') {
          const bytes = one.bytes.slice();
          if (one.fits && bytes.length > 1) bytes[1] = identifier;
          look(machine.handle({ kind: 'frame', protocol: EAP_PROTOCOL, bytes }, now));
        } else if (one.kind === 'answer') {
          if (asking === 0) continue;
          asking = 0;
          const result = one.ok ? ({ ok: true, value: one.value } as const) : ({ ok: false } as const);
          look(machine.handle({ kind: 'computed', result }, now));
        } else {
          now = instant(now + one.ms);
          look(machine.handleTimeout(now));
        }
      }
    }),
  );
});
