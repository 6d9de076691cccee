import fc from 'fast-check';
import { expect, it } from 'vitest';
import { instant } from '../../../core/time.ts';
import { type GroupEffect, type RadiusRequest, ServerGroup } from '../../../plugins/radius/client/index.ts';
import { CODE, sealReply } from '../../../plugins/radius/wire/index.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const secret = Uint8Array.of(1, 2, 3);
const request: RadiusRequest = { code: CODE.accessRequest, attributes: () => [] };

type Move =
  | { readonly kind: 'ask' | 'answer' | 'copy' | 'wait'; readonly which: number }
  | { readonly kind: 'cancel'; readonly which: number }
  | { readonly kind: 'noise'; readonly which: number; readonly bytes: Uint8Array }
  | { readonly kind: 'unreachable' | 'pass'; readonly which: number };

const move: fc.Arbitrary<Move> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('ask' as const, 'ask' as const, 'answer' as const, 'copy' as const, 'wait' as const),
    which: fc.nat(1000),
  }),
  fc.record({ kind: fc.constant('cancel' as const), which: fc.nat(1000) }),
  fc.record({ kind: fc.constant('noise' as const), which: fc.nat(3), bytes: fc.uint8Array({ maxLength: 60 }) }),
  fc.record({ kind: fc.constantFrom('unreachable' as const, 'pass' as const), which: fc.nat(5000) }),
);

it('whatever comes and goes: each request ends once, nothing is lost, and the limits hold', () => {
  fc.assert(
    fc.property(
      fc.array(move, { maxLength: 120 }),
      fc.array(fc.nat(3), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 5 }),
      (moves, weights, maxOutstanding) => {
        const maxWaiting = 3;
        const group = new ServerGroup(
          {
            servers: weights.map((weight) => ({ weight })),
            secret,
            timeoutMs: 100,
            tries: 2,
            deadTimeMs: 500,
            maxOutstanding,
            maxWaiting,
            requireMessageAuthenticator: true,
          },
          seededRandom(7),
        );
        let now = instant(0);
        let last = 0;
        const open = new Set<number>();
        const sent: Extract<GroupEffect, { kind: 'send' }>[] = [];
        const apply = (effects: readonly GroupEffect[]): void => {
          for (const effect of effects) {
            if (effect.kind === 'send') sent.push(effect);
            if (effect.kind === 'answered' || effect.kind === 'failed') expect(open.delete(effect.id)).toBe(true);
          }
          const { outstanding, waiting } = group.load;
          expect(outstanding + waiting).toBe(open.size);
          expect(outstanding).toBeLessThanOrEqual(maxOutstanding);
          expect(waiting).toBeLessThanOrEqual(maxWaiting);
          if (waiting > 0) expect(outstanding).toBe(maxOutstanding);
        };
        for (const { which, ...one } of moves) {
          if (one.kind === 'ask') {
            last += 1;
            open.add(last);
            apply(group.handle({ kind: 'ask', id: last, request }, now));
          } else if (one.kind === 'answer' || one.kind === 'copy') {
            const to = sent[which % Math.max(1, sent.length)];
            if (to === undefined) continue;
            const { server, socket, bytes } = to;
            const reply = sealReply(
              { code: which % 7 === 0 ? 5 : 2, identifier: bytes[1] ?? 0, attributes: [] },
              bytes.slice(4, 20),
              secret,
              which % 5 !== 0,
            );
            apply(group.handle({ kind: 'datagram', server, socket, bytes: reply ?? expect.fail() }, now));
          } else if (one.kind === 'cancel') {
            const id = which % (last + 1);
            open.delete(id);
            apply(group.handle({ kind: 'cancel', id }, now));
          } else if (one.kind === 'noise') {
            const effects = group.handle({ kind: 'datagram', server: which, socket: 0, bytes: one.bytes }, now);
            expect(effects.map(({ kind }) => kind)).toEqual(['dropped']);
          } else if (one.kind === 'unreachable') {
            apply(group.handle({ kind: 'unreachable', server: which % 4 }, now));
          } else {
            now = one.kind === 'wait' ? (group.nextTimeout() ?? now) : instant(now + which);
            apply(group.handleTimeout(now));
          }
        }
        // With nobody to answer, all of them end.
        for (let round = 0; open.size > 0; round += 1) {
          expect(round).toBeLessThan(500);
          now = group.nextTimeout() ?? expect.fail('requests without a deadline');
          apply(group.handleTimeout(now));
        }
        // What was cancelled may be with its server yet, to see whether it lives.
        for (let round = 0; group.nextTimeout() !== undefined; round += 1) {
          expect(round).toBeLessThan(500);
          now = group.nextTimeout() ?? now;
          apply(group.handleTimeout(now));
        }
      },
    ),
  );
});
