import { describe, expect, it } from 'vitest';
import { bits64, linkLocal } from '../../../../core/bytes/ipv6-address.ts';
import { RouterAdvertiser, type RouterAdvertiserEffect } from '../../../../core/machine/router-advertiser.ts';
import { type Instant, instant } from '../../../../core/time.ts';
import { ICMPV6, type Icmpv6Message, icmpv6Packet, parseIcmpv6 } from '../../../../core/wire/icmpv6.ts';
import { address6, echoRequest6, routerSolicitation } from '../../../support/ipv6-packets.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const LOCAL = bits64(1, 2);
const SELF = linkLocal(LOCAL);
const PEER = linkLocal(bits64(3, 4));
const ALL_NODES = address6('ff02::1');

const make = (seed = 1): RouterAdvertiser =>
  new RouterAdvertiser({
    localInterfaceId: LOCAL,
    prefix: address6('fd00:99:0:1::').prefix,
    mtu: 1396,
    dns: [],
    random: seededRandom(seed),
  });
const read = (effects: readonly RouterAdvertiserEffect[]): Icmpv6Message[] =>
  effects.flatMap(({ bytes }) => parseIcmpv6(bytes) ?? []);
const at = (router: RouterAdvertiser): Instant => router.nextTimeout() ?? instant(Number.NaN);
const solicit = (router: RouterAdvertiser, now: number, from = PEER) =>
  router.handle({ kind: 'packet', bytes: routerSolicitation(from) }, instant(now));

describe('unsolicited advertisements (RFC 4861 section 6.2.4)', () => {
  it.each([1, 2, 3, 4, 5])('three within 16 s each, then every 200 to 600 s (seed %s)', (seed) => {
    const router = make(seed);
    expect(read(router.handle({ kind: 'start' }, instant(0)))).toMatchObject([
      { type: 134, source: SELF, destination: ALL_NODES, hopLimit: 255 },
    ]);
    const gaps: number[] = [];
    let now = instant(0);
    for (let i = 0; i < 20; i += 1) {
      gaps.push(at(router) - now);
      expect(router.handleTimeout(instant(at(router) - 1))).toEqual([]);
      now = at(router);
      expect(read(router.handleTimeout(now))).toHaveLength(1);
    }
    expect(gaps.slice(0, 2)).toEqual([16_000, 16_000]);
    for (const gap of gaps.slice(2)) {
      expect(gap).toBeGreaterThanOrEqual(200_000);
      expect(gap).toBeLessThanOrEqual(600_000);
    }
  });
});

describe('solicited advertisements (RFC 4861 section 6.2.6)', () => {
  it('come within half a second, to the one who asked, once for many', () => {
    const router = make();
    router.handle({ kind: 'start' }, instant(0));
    for (let i = 0; i < 5; i += 1) expect(solicit(router, 5_000)).toEqual([]);
    const due = at(router);
    expect(due - 5_000).toBeGreaterThanOrEqual(0);
    expect(due - 5_000).toBeLessThanOrEqual(500);
    expect(read(router.handleTimeout(due))).toMatchObject([{ type: 134, destination: PEER }]);
    expect(at(router)).toBe(16_000);
  });

  it('to nobody in particular are multicast, three seconds after the last one at the earliest', () => {
    const router = make();
    router.handle({ kind: 'start' }, instant(0));
    solicit(router, 100, address6('::'));
    expect(at(router)).toBe(3_000);
    expect(read(router.handleTimeout(instant(3_000)))).toMatchObject([{ destination: ALL_NODES }]);
    solicit(router, 3_100, address6('::'));
    expect(at(router)).toBe(6_000);
  });

  it('are not sent for what is no valid solicitation', () => {
    const router = make();
    router.handle({ kind: 'start' }, instant(0));
    router.handle({ kind: 'packet', bytes: routerSolicitation(PEER, 254) }, instant(1));
    router.handle({ kind: 'packet', bytes: Uint8Array.of(0x60) }, instant(1));
    expect(at(router)).toBe(16_000);
  });
});

describe('our own address', () => {
  const neighbour = (source = PEER, target = SELF) => {
    const body = new Uint8Array(20);
    body.set(
      icmpv6Packet({ source: target, destination: target, hopLimit: 0, type: 0, code: 0, body }).subarray(8, 24),
      4,
    );
    return icmpv6Packet({ source, destination: SELF, hopLimit: 255, type: ICMPV6.neighborSolicitation, code: 0, body });
  };
  const ask = (bytes: Uint8Array) => read(make().handle({ kind: 'packet', bytes }, instant(0)));

  it('is advertised when asked for, and defended against a duplicate', () => {
    expect(ask(neighbour())).toMatchObject([{ type: 136, source: SELF, destination: PEER }]);
    expect(ask(neighbour())[0]?.body[0]).toBe(0xe0);
    expect(ask(neighbour(address6('::')))).toMatchObject([{ type: 136, destination: ALL_NODES }]);
    expect(ask(neighbour(address6('::')))[0]?.body[0]).toBe(0xa0);
    expect(ask(neighbour(PEER, PEER))).toEqual([]);
  });

  it('answers pings', () => {
    const data = Uint8Array.of(9, 8, 7);
    for (const to of [SELF, ALL_NODES, address6('ff02::2')]) {
      const [reply] = ask(echoRequest6(PEER, to, data));
      expect(reply).toMatchObject({ type: 129, source: SELF, destination: PEER });
      expect(reply?.body.slice(-3)).toEqual(data);
    }
    expect(ask(echoRequest6(PEER, PEER, data))).toEqual([]);
    expect(ask(echoRequest6(address6('::'), SELF, data))).toEqual([]);
  });
});
