import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PppLink } from '../../../core/machine/ppp-link.ts';
import type { EncryptionPolicy, LinkEffect, LinkInput, LinkOptions } from '../../../core/machine/ppp-link-types.ts';
import { after, instant } from '../../../core/time.ts';
import { PPP } from '../../../core/wire/ppp.ts';
import { CODE, encodeConfigPacket } from '../../../core/wire/ppp-config.ts';
import { clientOptions, PROFILE, serverOptions } from '../../support/link-options.ts';
import { LinkPair } from '../../support/link-pair.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const POLICIES: readonly EncryptionPolicy[] = ['required', 'preferred', 'permitted', 'disabled'];
const PROTOCOLS = [PPP.lcp, PPP.ccp, PPP.ipcp, PPP.ipv6cp, PPP.chap, PPP.pap, PPP.compressed, PPP.ipv4, 0x1234];

const option = fc
  .tuple(fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 13, 17, 18, 19, 129, 131), fc.uint8Array({ maxLength: 6 }))
  .map(([type, data]) => Uint8Array.of(type, data.length + 2, ...data));
const packet = fc
  .tuple(fc.integer({ min: 0, max: 16 }), fc.integer({ min: 0, max: 4 }), fc.array(option, { maxLength: 5 }))
  .map(([code, identifier, options]) =>
    encodeConfigPacket(code, identifier, Uint8Array.from(options.flatMap((one) => [...one]))),
  );
const frame = fc.record({
  kind: fc.constant('frame' as const),
  protocol: fc.oneof(fc.constantFrom(...PROTOCOLS), fc.integer({ min: 0, max: 0xffff })),
  bytes: fc.oneof({ weight: 3, arbitrary: packet }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 80 }) }),
});
/** Answers to our own last request, so that the random peer gets somewhere. */
type Move =
  | LinkInput
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'agree'; readonly code: number };
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 6, arbitrary: frame },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('agree' as const),
      code: fc.constantFrom(CODE.configureAck, CODE.configureAck, CODE.configureNak, CODE.configureReject),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 20_000 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'alive' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'open' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'authorize' as const, profile: PROFILE }) },
  {
    weight: 2,
    arbitrary: fc.constant({
      kind: 'verdict' as const,
      verdict: { ok: true as const, identity: 'alice', profile: {}, grant: { granted: true as const } },
    }),
  },
);

const options = (role: 'server' | 'client', encryption: EncryptionPolicy, seed: number): LinkOptions =>
  (role === 'server' ? serverOptions : clientOptions)({ encryption, random: seededRandom(seed) });

/** Sends and consequences of one input: a bounded number, each frame well-formed and within the default MRU. */
const MAX_EFFECTS = 64;

describe('any input at any time', () => {
  it('is progress or a named drop, never an exception, and nothing follows closed', () => {
    const role = fc.constantFrom('server' as const, 'client' as const);
    const run = fc.property(
      role,
      fc.constantFrom(...POLICIES),
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.array(move, { minLength: 1, maxLength: 60 }),
      (side, encryption, seed, moves) => {
        const link = new PppLink(options(side, encryption, seed));
        let now = instant(0);
        let closed = false;
        const lastRequest = new Map<number, Uint8Array>();
        const open = new Map<string, number>();
        const see = (effects: readonly LinkEffect[]): void => {
          expect(effects.length).toBeLessThan(MAX_EFFECTS);
          if (closed) expect(effects).toEqual([]);
          for (const effect of effects) {
            expect(closed).toBe(false);
            if (effect.kind === 'closed') closed = true;
            if (effect.kind === 'phase') {
              const depth = (open.get(effect.phase) ?? 0) + (effect.state === 'begin' ? 1 : -1);
              expect([0, 1]).toContain(depth);
              open.set(effect.phase, depth);
            }
            if (effect.kind !== 'send') continue;
            expect(effect.bytes.length).toBeLessThanOrEqual(1500);
            if (effect.bytes[0] === CODE.configureRequest) lastRequest.set(effect.protocol, effect.bytes);
          }
        };
        see(link.handle({ kind: 'open' }, now));
        for (const one of moves) {
          if (one.kind === 'wait') {
            const end = after(now, one.ms);
            for (let guard = 0; ; guard += 1) {
              expect(guard).toBeLessThan(100);
              const next = link.nextTimeout();
              if (next === undefined || next > end) break;
              if (next > now) now = next;
              see(link.handleTimeout(now));
            }
            now = end;
          } else if (one.kind === 'agree') {
            for (const [protocol, request] of [...lastRequest]) {
              const bytes = request.slice();
              bytes[0] = one.code;
              see(link.handle({ kind: 'frame', protocol, bytes }, now));
            }
          } else see(link.handle(one, now));
        }
        if (closed) expect(link.nextTimeout()).toBeUndefined();
        if (closed) expect([...open.values()].every((depth) => depth === 0)).toBe(true);
      },
    );
    fc.assert(run, { numRuns: 1500 });
  });
});

describe('two links over a bad path', () => {
  it('come up or end with a named reason, on both sides', () => {
    const run = fc.property(
      fc.constantFrom(...POLICIES),
      fc.constantFrom(...POLICIES),
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.double({ min: 0, max: 0.35, noNaN: true }),
      fc.double({ min: 0, max: 0.3, noNaN: true }),
      fc.integer({ min: 0, max: 200 }),
      (server, client, seed, loss, duplication, jitterMs) => {
        const pair = new LinkPair({
          server: { encryption: server, random: seededRandom(seed), echoIntervalMs: 10_000 },
          client: { encryption: client, random: seededRandom(seed + 1), echoIntervalMs: 10_000 },
          path: { loss, duplication, jitterMs },
          seed,
        }).open();
        pair.run(400_000);
        for (const end of [pair.server, pair.client]) {
          expect(end.closed !== undefined || end.network !== undefined).toBe(true);
          expect(end.all('closed').length).toBeLessThanOrEqual(1);
          if (end.closed !== undefined) expect(end.effects.at(-1)).toBe(end.closed);
        }
        const up = pair.server.closed === undefined && pair.client.closed === undefined;
        if (up && loss === 0) expect(pair.server.encryption?.strength).toBe(pair.client.encryption?.strength);
        if (up && [server, client].includes('required')) {
          expect(pair.server.encryption?.strength === 128 || pair.client.encryption?.strength === 128).toBe(true);
        }
      },
    );
    fc.assert(run, { numRuns: 250 });
  }, 60_000);
});
