import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipv4 } from '../../../core/bytes/ipv4-address.ts';
import { after, type Instant, instant } from '../../../core/time.ts';
import { AccessList, type AccessNetwork } from '../../../plugins/control-pptp/index.ts';
import { PATIENCE_MS, Unproven } from '../../../plugins/control-pptp/unproven.ts';

const network = fc
  .tuple(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xffff_0000, max: 0xffff_ffff })), fc.integer({ min: 0, max: 32 }))
  .map(([at, prefixLength]): AccessNetwork => {
    const size = 2 ** (32 - prefixLength);
    return { network: ipv4(Math.floor(at / size) * size), prefixLength };
  });

/** What the words of the documentation say, one network after the other. */
const plainVerdict = (allow: readonly AccessNetwork[], deny: readonly AccessNetwork[], peer: number): boolean => {
  const longest = (list: readonly AccessNetwork[]): number =>
    Math.max(
      -1,
      ...list
        .filter(({ network: first, prefixLength }) => peer >= first && peer < first + 2 ** (32 - prefixLength))
        .map(({ prefixLength }) => prefixLength),
    );
  const [allowed, denied] = [longest(allow), longest(deny)];
  if (allowed === -1 && denied === -1) return allow.length === 0;
  return allowed > denied;
};

describe('lists of addresses', () => {
  it('say what looking through them says', () => {
    fc.assert(
      fc.property(
        fc.array(network, { maxLength: 12 }),
        fc.array(network, { maxLength: 12 }),
        fc.array(fc.oneof(fc.nat(0x1ffff), fc.integer({ min: 0xffff_0000, max: 0xffff_ffff })), { minLength: 1 }),
        (allow, deny, peers) => {
          const list = new AccessList({ allow, deny });
          const edges = [...allow, ...deny].flatMap(({ network: first, prefixLength }) => {
            const last = first + 2 ** (32 - prefixLength) - 1;
            return [first - 1, first, last, last + 1].filter((at) => at >= 0 && at <= 0xffff_ffff);
          });
          for (const peer of [...peers, ...edges]) {
            expect(list.admits(ipv4(peer))).toBe(plainVerdict(allow, deny, peer));
          }
        },
      ),
    );
  });
});

type Step = readonly ['add' | 'waits' | 'goes-on' | 'remove' | 'time', number, number];

const step = fc.tuple(
  fc.constantFrom('add', 'add', 'add', 'waits', 'goes-on', 'remove', 'time'),
  fc.nat(30),
  fc.nat(5),
) as fc.Arbitrary<Step>;

describe('those who have not proven themselves', () => {
  it('are counted, and make room fairly, as a plain list says', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const book = new Unproven<number>();
        const model = new Map<number, { source: number; since: Instant | undefined }>();
        // Of some addresses one is known and another one is not, as when a log-in comes between them.
        const isKnown = (one: number, source: number): boolean => source >= 4 || (source === 3 && one % 2 === 0);
        const stranger = (one: number): boolean => !isKnown(one, model.get(one)?.source ?? 0);
        let now = instant(0);
        for (const [what, one, source] of steps) {
          const entry = model.get(one);
          if (what === 'time') now = after(now, one * 400);
          else if (what === 'add') {
            book.add(one, ipv4(source), now, isKnown(one, source));
            if (entry === undefined) model.set(one, { source, since: now });
          } else if (what === 'remove') {
            expect(book.remove(one)).toBe(model.delete(one));
          } else {
            if (what === 'waits') book.waits(one);
            else book.goesOn(one, now);
            if (entry !== undefined) entry.since = what === 'waits' ? undefined : now;
          }
          expect(book.size).toBe(model.size);
          const count = (from: number): number => [...model.values()].filter((other) => other.source === from).length;
          const isLate = (victim: number): boolean => {
            const since = model.get(victim)?.since;
            return since !== undefined && now - since >= PATIENCE_MS;
          };
          const most = Math.max(0, ...[...model.values()].map((other) => count(other.source)));
          for (let from = 0; from <= 5; from += 1) {
            expect(book.countOf(ipv4(from))).toBe(count(from));
            const victim = book.victimFor(ipv4(from), now);
            if (most > count(from) + 1) expect(count(model.get(victim ?? -1)?.source ?? -1)).toBe(most);
            else if (victim === undefined) expect([...model.keys()].filter(isLate)).toEqual([]);
            else {
              expect(isLate(victim)).toBe(true);
              expect(stranger(victim)).toBe([...model.keys()].some((other) => stranger(other) && isLate(other)));
            }
            const forKnown = book.victimFor(ipv4(from), now, true);
            if (most > count(from) + 1) expect(forKnown).toBe(victim);
            else if (forKnown === undefined || !stranger(forKnown)) {
              expect([...model.keys()].filter(stranger)).toEqual([]);
              expect(forKnown).toBe(victim);
            } else {
              const acting = (other: number): boolean => stranger(other) && model.get(other)?.since !== undefined;
              expect(acting(forKnown)).toBe([...model.keys()].some(acting));
            }
            const own = book.lateOneOf(ipv4(from), now);
            if (own === undefined)
              expect([...model.keys()].some((o) => model.get(o)?.source === from && isLate(o))).toBe(false);
            else expect([model.get(own)?.source, isLate(own)]).toEqual([from, true]);
          }
        }
      }),
    );
  });
});
