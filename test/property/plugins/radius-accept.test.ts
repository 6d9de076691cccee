import fc from 'fast-check';
import { expect, it } from 'vitest';
import { silentLog } from '../../../core/ports/log.ts';
import { ACCEPT_RULES, Judgement, parseRates, readAccept, sessionKeys } from '../../../plugins/radius/auth/index.ts';
import { ATTRIBUTE, type Attribute, octets } from '../../../plugins/radius/wire/index.ts';

const types = Object.values(ATTRIBUTE);
const anyAttribute: fc.Arbitrary<Attribute> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(...types),
      fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 4, maxLength: 4 })),
    )
    .map(([type, value]) => octets(type, value)),
  fc
    .tuple(
      fc.constantFrom(ATTRIBUTE.framedRoute, ATTRIBUTE.filterId, ATTRIBUTE.mikrotikRateLimit, ATTRIBUTE.replyMessage),
      fc.oneof(fc.string(), fc.constantFrom('10.0.0.0/8 0.0.0.0 1', 'rate=1M/2M', '1M/2M 3M', 'rate=0', '300.1.1.1/8')),
    )
    .map(([type, value]) => octets(type, new TextEncoder().encode(value))),
  fc.record({
    vendor: fc.nat(20_000),
    type: fc.integer({ min: 0, max: 255 }),
    value: fc.uint8Array({ maxLength: 20 }),
  }),
);

it('any Access-Accept is a profile within its bounds, or a refusal that names why', () => {
  fc.assert(
    fc.property(fc.array(anyAttribute, { maxLength: 30 }), (attributes) => {
      const { profile, refusals, notes } = readAccept(attributes);
      for (const sentence of refusals) expect(sentence).not.toBe('');
      for (const { name } of notes) expect(name).not.toBe('');
      expect(profile.routes?.length ?? 0).toBeLessThanOrEqual(16);
      expect(profile.classes?.length ?? 0).toBeLessThanOrEqual(8);
      expect(profile.dns?.length ?? 0).toBeLessThanOrEqual(2);
      expect(profile.wins?.length ?? 0).toBeLessThanOrEqual(2);
      for (const one of [profile.rate?.up, profile.rate?.down]) {
        if (one !== undefined) expect(one.bitsPerSecond).toBeGreaterThan(0);
      }
      for (const { network, prefixLength } of profile.routes ?? []) {
        expect(prefixLength === 32 || (network & (0xffffffff >>> prefixLength)) === 0).toBe(true);
      }
      if (profile.message !== undefined) expect(profile.message).toMatch(/^[\x20-\x7e]{1,253}$/);
      const judgement = new Judgement(silentLog);
      const admitted = judgement.admitted(attributes, 'alice');
      expect(admitted === undefined).toBe(refusals.length > 0);
      if (admitted !== undefined) expect(admitted.identity).toMatch(/^[^\p{Cc}]+$/u);
      judgement.rejection(attributes, 'alice');
      judgement.authenticatorResponse(attributes);
      judgement.keys(sessionKeys(attributes, { secret: Uint8Array.of(1), authenticator: new Uint8Array(16) }));
    }),
  );
});

it('each attribute of the table is refused, noted or honoured, and never passed over', () => {
  for (const { type } of ACCEPT_RULES) {
    const { profile, refusals, notes } = readAccept([octets(type, new Uint8Array(0))]);
    const fields = Object.keys(profile).length;
    // The empty text is a text.
    if (type.kind.name !== 'text' && type.kind.name !== 'string') expect(refusals).toHaveLength(1);
    else
      expect(refusals.length + notes.length + fields, type.name).toBeGreaterThanOrEqual(
        type === ATTRIBUTE.replyMessage ? 0 : 1,
      );
  }
});

it('any text is a pair of rates or none', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9.kMG/]{0,12}$/)), (text) => {
      const rates = parseRates(text);
      for (const one of [rates?.up, rates?.down]) {
        if (one !== undefined) expect(Number.isSafeInteger(one.bitsPerSecond) && one.bitsPerSecond > 0).toBe(true);
      }
    }),
  );
});
