import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GRE_CHANNEL } from '../../../core/datapath/gre-channel.ts';
import { instant } from '../../../core/time.ts';
import type { SessionRow, SessionsPage, SessionsQuery } from '../../../gateway/admin/api/sessions.ts';
import { firstOf, SORT_WORDS } from '../../../gateway/admin/live/order.ts';
import { mergePages, partQuery } from '../../../gateway/admin/live/page.ts';
import { SessionLooks } from '../../../gateway/admin/live/session-looks.ts';
import type { LiveTunnel } from '../../../gateway/session/live-tunnel.ts';
import { liveTunnel, type TunnelFacts } from '../../support/live-tunnels.ts';

const NOW = { at: instant(1_000_000), wall: 1_700_000_000_123.4 };
const few = fc.integer({ min: 0, max: 5 });

/** Few different values, so that many are alike. */
const facts = (index: number): fc.Arbitrary<TunnelFacts> =>
  fc.record({
    id: fc.constant(index.toString(16).padStart(12, '0')),
    user: fc.option(fc.constantFrom('alice', 'Alice', 'bob', 'CORP\\carol'), { nil: undefined }),
    address: fc.option(fc.integer({ min: 0x0a000000, max: 0x0a000014 }), { nil: undefined }),
    peer: fc.integer({ min: 0xcb007100, max: 0xcb007114 }),
    port: fc.integer({ min: 1, max: 12 }),
    openedAt: fc.double({ min: 0, max: 3, noNaN: true }),
    upAt: fc.option(fc.constant(5), { nil: undefined }),
    octetsIn: few,
    octetsOut: few,
    dropped: few,
  });

const tunnels = fc
  .integer({ min: 0, max: 60 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => facts(index))))
  .map((all) => all.map(liveTunnel));

const query: fc.Arbitrary<SessionsQuery> = fc.record(
  {
    sort: fc.constantFrom(...SORT_WORDS),
    offset: fc.integer({ min: 0, max: 70 }),
    limit: fc.integer({ min: 1, max: 30 }),
    state: fc.constantFrom('setup' as const, 'up' as const),
    user: fc.constantFrom('alice', 'carol'),
    search: fc.constantFrom('10.0.0.1', 'ALI', '203.0.113', '00b'),
  },
  { requiredKeys: [] },
);

/** Two looks, a second apart, between which each session moved some octets. */
const look = (all: readonly LiveTunnel[], wanted: SessionsQuery): SessionsPage => {
  const looks = new SessionLooks(() => all);
  looks.pages([wanted], { ...NOW, at: instant(NOW.at - 1000) });
  for (const { session } of all) {
    const channel = session.get(GRE_CHANNEL);
    if (channel !== undefined) channel.receivedOctets += channel.sentOctets * 7;
  }
  const [page] = looks.pages([wanted], NOW);
  for (const { session } of all) {
    const channel = session.get(GRE_CHANNEL);
    if (channel !== undefined) channel.receivedOctets -= channel.sentOctets * 7;
  }
  if (page === undefined) throw new Error('no page');
  return page;
};

const rowOrder: Readonly<Record<string, (row: SessionRow) => string | number | null>> = {
  user: (row) => row.user?.toLowerCase() ?? null,
  address: (row) =>
    row.address === null ? null : row.address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0),
  rateIn: (row) => row.rateIn,
  seconds: (row) => row.seconds,
};

describe('a page of sessions', () => {
  test('over several workers is that of one list', () => {
    fc.assert(
      fc.property(tunnels, query, fc.integer({ min: 1, max: 5 }), (all, wanted, workers) => {
        const one = look(all, wanted);
        const parts = Array.from({ length: workers }, (_, worker) =>
          look(
            all.filter((__, at) => at % workers === worker),
            partQuery(wanted),
          ),
        );
        expect(mergePages(wanted, parts)).toEqual(one);
      }),
    );
  });

  test('is a part of the whole list, which has every session that fits once and in order', () => {
    fc.assert(
      fc.property(tunnels, query, (all, wanted) => {
        const whole = look(all, { ...wanted, offset: 0, limit: 1000 });
        expect(new Set(whole.sessions.map(({ id }) => id)).size).toBe(whole.total);
        const { offset = 0, limit = 100 } = wanted;
        expect(look(all, wanted).sessions).toEqual(whole.sessions.slice(offset, offset + limit));
        const sort = wanted.sort ?? 'openedAt';
        const key = rowOrder[sort.replace('-', '')];
        if (key === undefined) return;
        const known = whole.sessions.map(key).filter((value) => value !== null);
        const sorted = known.toSorted((a, b) => (a === b ? 0 : a < b === sort.startsWith('-') ? 1 : -1));
        expect(known).toEqual(sorted);
      }),
    );
  });
});

test('the first of many are those that a sort has first', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { maxLength: 300 }), fc.nat(40), (items, count) => {
      const compare = (a: number, b: number): number => a - b;
      expect(firstOf(items, count, compare)).toEqual(items.toSorted(compare).slice(0, count));
    }),
  );
});
