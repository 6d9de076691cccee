import { describe, expect, it } from 'vitest';
import { formatIpv4 } from '../../core/bytes/ipv4-address.ts';
import { bits64 } from '../../core/bytes/ipv6-address.ts';
import { GatewayError } from '../../core/errors.ts';
import type { HostRoutes } from '../../core/ports/host-routes.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import type { InnerNetwork, UserProfile } from '../../core/ports/profile.ts';
import { TOKENS } from '../../core/tokens.ts';
import { withOptions } from '../../gateway/plugin-loader.ts';
import { chapMd5Method } from '../../plugins/auth-chap-md5/index.ts';
import { msChapV1Method } from '../../plugins/auth-ms-chap-v1/index.ts';
import { msChapV2Method } from '../../plugins/auth-ms-chap-v2/index.ts';
import { papMethod } from '../../plugins/auth-pap/index.ts';
import { sessionParts } from '../../testing/lab/session-parts.ts';
import { arrived } from '../support/arrived.ts';
import { address } from '../support/batches.ts';
import { GatewayLab } from '../support/gateway-lab.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';

const HOST = address('10.0.0.80');
const SECOND = 1_000;
const lines = (lab: GatewayLab, event: string) =>
  lab.log.lines.filter((one) => one.event === event).map(({ fields }) => fields);

const network = (text: string, prefixLength: number): InnerNetwork => ({ network: address(text), prefixLength });
const user = (profile: UserProfile) => ({ password: 'wonderland', profile });

/** The host's routes into the tunnel device. */
class MemoryRoutes implements HostRoutes {
  readonly there = new Set<string>();
  refusal: Error | undefined;

  add = (one: ReturnType<typeof address>) => this.change('add', formatIpv4(one));
  remove = (one: ReturnType<typeof address>) => this.change('remove', formatIpv4(one));
  addNetwork = (one: InnerNetwork) => this.change('add', `${formatIpv4(one.network)}/${one.prefixLength}`);
  removeNetwork = (one: InnerNetwork) => this.change('remove', `${formatIpv4(one.network)}/${one.prefixLength}`);
  addPrefix = (prefix: { readonly high: number; readonly low: number }) =>
    this.change('add', `${prefix.high.toString(16)}:${prefix.low.toString(16)}`);
  removePrefix = (prefix: { readonly high: number; readonly low: number }) =>
    this.change('remove', `${prefix.high.toString(16)}:${prefix.low.toString(16)}`);

  private async change(what: 'add' | 'remove', route: string): Promise<void> {
    if (what === 'add' && this.refusal !== undefined) throw this.refusal;
    if (what === 'add') this.there.add(route);
    else this.there.delete(route);
  }
}

const withRoutes = (routes: HostRoutes) =>
  withOptions(
    definePlugin({
      name: 'memory-routes',
      api: PLUGIN_API,
      register: ({ bind }) => void bind(TOKENS.HostRoutes).toConstantValue(routes),
    }),
    undefined,
  );

const SITE = network('192.168.5.0', 24);
const ROUTER = { router: user({ routes: [SITE] }) };
const INSIDE = address('192.168.5.9');

const talk = async (
  lab: GatewayLab,
  client: { readonly tun: GatewayLab['tun'] },
  source: ReturnType<typeof address>,
) => {
  arrived(lab.tun);
  client.tun.hostSends(ipv4Packet({ source, destination: HOST }));
  await lab.clock.advance(SECOND);
  return arrived(lab.tun).length;
};

describe('networks behind a peer', () => {
  it('are reached through its tunnel, may speak from it, and are known to the host for as long as it lasts', async () => {
    const routes = new MemoryRoutes();
    const lab = await GatewayLab.start({ users: ROUTER, plugins: [withRoutes(routes)] });
    const client = await lab.connect({ user: 'router' });
    expect([...routes.there]).toEqual(['192.168.5.0/24']);
    expect(await talk(lab, client, INSIDE)).toBe(1);
    expect(await talk(lab, client, client.address)).toBe(1);
    expect(await talk(lab, client, address('192.168.6.9'))).toBe(0);
    arrived(client.tun);
    lab.tun.hostSends(ipv4Packet({ source: HOST, destination: INSIDE }));
    lab.tun.hostSends(ipv4Packet({ source: HOST, destination: address('192.168.6.9') }));
    await lab.clock.advance(SECOND);
    expect(arrived(client.tun)).toHaveLength(1);
    expect(lab.telemetry.drops.get('address out no-route')).toBe(1);
    void client.peer.stop();
    await lab.clock.advance(10 * SECOND);
    expect([...routes.there]).toEqual([]);
    lab.tun.hostSends(ipv4Packet({ source: HOST, destination: INSIDE }));
    await lab.clock.advance(SECOND);
    expect(lab.telemetry.drops.get('address out no-route')).toBe(2);
  });

  it('go to the longest of them, and only that one may speak for it', async () => {
    const users = { wide: user({ routes: [network('192.168.0.0', 16)] }), narrow: user({ routes: [SITE] }) };
    const lab = await GatewayLab.start({ users });
    const [wide, narrow] = [await lab.connect({ user: 'wide' }), await lab.connect({ user: 'narrow' })];
    expect([await talk(lab, wide, INSIDE), await talk(lab, narrow, INSIDE)]).toEqual([0, 1]);
    expect(await talk(lab, wide, address('192.168.77.1'))).toBe(1);
  });

  it('that another session has keep the second one out', async () => {
    const users = { ...ROUTER, second: user({ routes: [SITE] }) };
    const lab = await GatewayLab.start({ users });
    await lab.connect({ user: 'router' });
    await lab.dial({ user: 'second' });
    await lab.clock.advance(5 * SECOND);
    expect(lines(lab, 'session.refused')).toMatchObject([
      { user: 'second', policy: 'gateway', denial: 'route-in-use' },
    ]);
    expect(lab.gateway.sessions()).toBe(1);
  });

  it('pass to the newer session of the same user', async () => {
    const routes = new MemoryRoutes();
    const lab = await GatewayLab.start({ users: ROUTER, plugins: [withRoutes(routes)] });
    await lab.connect({ user: 'router' });
    const newer = await lab.connect({ user: 'router' });
    expect(lab.gateway.sessions()).toBe(1);
    expect([...routes.there]).toEqual(['192.168.5.0/24']);
    expect(await talk(lab, newer, INSIDE)).toBe(1);
  });

  it('pass to it however the user writes its name', async () => {
    const fixed = user({ routes: [SITE], address: address('10.99.0.9') });
    const lab = await GatewayLab.start({ users: { router: fixed, Router: fixed } });
    const older = await lab.connect({ user: 'router' });
    await older.gre.stop();
    await lab.connect({ user: 'Router' });
    expect(lab.gateway.sessions()).toBe(1);
  });

  it.each<[string, InnerNetwork, RegExp]>([
    ['everything', network('0.0.0.0', 0), /everything/],
    ['a part of the pool', network('10.99.0.128', 25), /overlaps 10\.99\.0\.0\/24/],
    ['more than the pool', network('10.0.0.0', 8), /overlaps 10\.99\.0\.0\/24/],
    ['an address for a network', { network: INSIDE, prefixLength: 24 }, /no network/],
    ['half of everything', network('128.0.0.0', 1), /too much/],
    ['where the peer itself is', network('203.0.113.0', 24), /the peer's own address 203\.0\.113\.1/],
    ['the loopback', network('127.0.0.0', 8), /no network that can be routed/],
    ['of the link', network('169.254.169.254', 32), /no network that can be routed/],
    ['multicast', network('239.0.0.0', 8), /no network that can be routed/],
  ])('cannot be %s', async (_what, route, why) => {
    const lab = await GatewayLab.start({ users: { router: user({ routes: [route] }) } });
    await lab.dial({ user: 'router' });
    await lab.clock.advance(5 * SECOND);
    expect(lines(lab, 'session.refused')).toMatchObject([{ denial: 'unsupported' }]);
    expect(lines(lab, 'session.closed')).toMatchObject([{ detail: expect.stringMatching(why) }]);
  });

  it('that the host refuses end the session with its words', async () => {
    const routes = new MemoryRoutes();
    routes.refusal = new GatewayError('HOST_NETWORK', 'The host has a route to it already.');
    const lab = await GatewayLab.start({ users: ROUTER, plugins: [withRoutes(routes)] });
    await lab.dial({ user: 'router' });
    await lab.clock.advance(5 * SECOND);
    expect(lines(lab, 'session.refused')).toMatchObject([{ denial: 'route-failed' }]);
    expect(lines(lab, 'session.closed')).toMatchObject([{ detail: expect.stringContaining('already') }]);
    expect(lab.gateway.sessions()).toBe(0);
  });

  it('are for the operator to route where the gateway does not', async () => {
    const lab = await GatewayLab.start({ users: ROUTER });
    await lab.connect({ user: 'router' });
    expect(lines(lab, 'route.not-set')).toMatchObject([{ network: '192.168.5.0/24' }]);
  });
});

describe('a pool by name', () => {
  const env = { PPTP_POOLS: 'staff=10.50.0.0/29,guests=10.60.0.0/30' };

  it('gives the address, and has it again', async () => {
    const lab = await GatewayLab.start({ env, users: { anna: user({ pool: 'guests' }), bert: user({}) } });
    const anna = await lab.connect({ user: 'anna' });
    expect(formatIpv4(anna.address)).toBe('10.60.0.1');
    expect(formatIpv4((await lab.connect({ user: 'bert' })).address)).toBe('10.99.0.2');
    void anna.peer.stop();
    await lab.clock.advance(10 * SECOND);
    expect(lab.gateway.numbers().pools).toMatchObject([{ used: 1, size: 253 + 6 + 2 }]);
  });

  it('that is not there, or is empty, is no address', async () => {
    const users = { anna: user({ pool: 'staff' }), nobody: user({ pool: 'nobody' }), g: user({ pool: 'guests' }) };
    const lab = await GatewayLab.start({ env, users });
    for (const name of ['nobody', 'g', 'g', 'g']) await lab.dial({ user: name });
    await lab.clock.advance(5 * SECOND);
    expect(lines(lab, 'session.closed')).toMatchObject([
      { reason: 'no-address', detail: 'the user\'s pool "nobody" is none of PPTP_POOLS' },
      { reason: 'no-address', detail: 'no inner address of the pool "guests" is free: enlarge it in PPTP_POOLS' },
    ]);
  });

  it('has fixed addresses, too', async () => {
    const lab = await GatewayLab.start({ env, users: { anna: user({ address: address('10.50.0.3') }) } });
    expect(formatIpv4((await lab.connect({ user: 'anna' })).address)).toBe('10.50.0.3');
  });
});

describe('what a profile says of the link', () => {
  it('name servers go in place of the configured ones', async () => {
    const profile = { dns: [address('10.1.1.1'), address('10.1.1.2')] };
    const lab = await GatewayLab.start({
      env: { PPTP_DNS: '10.9.9.9' },
      users: { anna: user(profile), bert: user({}) },
    });
    const [anna, bert] = [await lab.connect({ user: 'anna' }), await lab.connect({ user: 'bert' })];
    expect(anna.peer.network?.dns.map(formatIpv4)).toEqual(['10.1.1.1', '10.1.1.2']);
    expect(bert.peer.network?.dns.map(formatIpv4)).toEqual(['10.9.9.9']);
  });

  it('an MTU below what the peer takes holds for packets to it', async () => {
    const lab = await GatewayLab.start({ users: { anna: user({ mtu: 600 }) } });
    const anna = await lab.connect({ user: 'anna' });
    const send = async (octets: number) => {
      arrived(anna.tun);
      const payload = new Uint8Array(octets - 20);
      lab.tun.hostSends(ipv4Packet({ source: HOST, destination: anna.address, payload }));
      await lab.clock.advance(SECOND);
      return arrived(anna.tun).map(({ length }) => length);
    };
    expect(await send(600)).toEqual([600]);
    // Without DF it is cut.
    for (const length of await send(1200)) expect(length).toBeLessThanOrEqual(600);
  });

  it('encryption that it requires is required, where the gateway leaves it open', async () => {
    const env = { PPTP_MPPE: 'permitted' };
    const users = { anna: user({ encryption: { required: true } }), bert: user({}) };
    const lab = await GatewayLab.start({ env, users });
    const clear = { encryption: 'disabled' } as const;
    await lab.dial({ user: 'anna', link: clear });
    await lab.clock.advance(60 * SECOND);
    expect(lines(lab, 'session.closed')).toMatchObject([{ user: 'anna', reason: 'encryption-required' }]);
    await lab.connect({ user: 'bert', link: clear });
    await lab.connect({ user: 'anna' });
    expect(lines(lab, 'session.up')).toMatchObject([
      { user: 'bert', encryption: 'none' },
      { user: 'anna', encryption: 'MPPE 128 stateless' },
    ]);
  });

  it('key lengths are those that both allow', async () => {
    const env = { PPTP_MPPE_STRENGTHS: '128,40' };
    const users = {
      old: user({ encryption: { required: true, strengths: [40] } }),
      none: user({ encryption: { required: true, strengths: [56] } }),
    };
    const lab = await GatewayLab.start({ env, users });
    const link = { mppeStrengths: [128, 56, 40] } as const;
    await lab.connect({ user: 'old', link });
    expect(lines(lab, 'session.up')).toMatchObject([{ encryption: 'MPPE 40 stateless' }]);
    await lab.dial({ user: 'none', link });
    await lab.clock.advance(60 * SECOND);
    expect(lines(lab, 'session.closed')).toMatchObject([{ user: 'none', reason: 'encryption-required' }]);
  });

  it('cannot weaken the policy of the gateway', async () => {
    const lab = await GatewayLab.start({ users: { anna: user({ encryption: { required: false } }) } });
    await lab.dial({ user: 'anna', link: { encryption: 'disabled' } });
    await lab.clock.advance(60 * SECOND);
    expect(lines(lab, 'session.closed')).toMatchObject([{ reason: 'encryption-required' }]);
  });
});

describe('an IPv6 prefix of the user', () => {
  const env = { PPTP_IPV6_POOL: 'fd00:1::/48', PPTP_MRU: '1400' };
  const OUTSIDE = bits64(0xfd000002, 0x00030004);

  it("is the peer's, routed by the host where it is of no pool, and home again", async () => {
    const routes = new MemoryRoutes();
    const lab = await GatewayLab.start({
      env,
      users: { anna: user({ ipv6Prefix: OUTSIDE }) },
      plugins: [withRoutes(routes)],
    });
    const anna = await lab.connect({ user: 'anna', link: { ipv6: true } });
    const [found] = await lab.gateway.directory.find({});
    expect(found?.facts.ipv6Prefix).toEqual(OUTSIDE);
    expect([...routes.there]).toEqual(['fd000002:30004']);
    void anna.peer.stop();
    await lab.clock.advance(10 * SECOND);
    expect([...routes.there]).toEqual([]);
  });

  it('in the pool is not given to others', async () => {
    const second = bits64(0xfd000001, 0x00000002);
    const lab = await GatewayLab.start({ env, users: { anna: user({ ipv6Prefix: second }), bert: user({}) } });
    for (const name of ['anna', 'bert', 'bert']) await lab.connect({ user: name, link: { ipv6: true } });
    const found = await lab.gateway.directory.find({});
    expect(found.map(({ facts }) => facts.ipv6Prefix?.low)).toEqual([2, 1, 3]);
  });

  it("is one session's, and nobody's where there is no IPv6", async () => {
    const users = { anna: user({ ipv6Prefix: OUTSIDE }), bert: user({ ipv6Prefix: OUTSIDE }) };
    const lab = await GatewayLab.start({ env, users });
    for (const name of ['anna', 'bert']) {
      await lab.dial({ user: name, link: { ipv6: true } });
      await lab.clock.advance(5 * SECOND);
    }
    expect(lines(lab, 'session.refused')).toMatchObject([{ user: 'bert', denial: 'prefix-in-use' }]);
    const none = await GatewayLab.start({ users });
    await none.dial({ user: 'anna' });
    await none.clock.advance(5 * SECOND);
    expect(lines(none, 'session.refused')).toMatchObject([{ denial: 'unsupported' }]);
  });
});

describe('an IPv6 prefix of a user who comes again', () => {
  const env = { PPTP_IPV6_POOL: 'fd00:1::/48', PPTP_MRU: '1400' };
  const OUTSIDE = bits64(0xfd000002, 0x00030004);

  it.each([
    ['of no pool', OUTSIDE],
    ['of the pool', bits64(0xfd000001, 7)],
  ])('and is %s passes to the newer session, as the address does', async (_which, ipv6Prefix) => {
    const routes = new MemoryRoutes();
    const lab = await GatewayLab.start({
      env,
      users: { anna: user({ ipv6Prefix, address: address('10.99.0.9') }) },
      plugins: [withRoutes(routes)],
    });
    const older = await lab.connect({ user: 'anna', link: { ipv6: true } });
    await older.gre.stop();
    await lab.connect({ user: 'anna', link: { ipv6: true } });
    expect(lab.gateway.sessions()).toBe(1);
    const [found] = await lab.gateway.directory.find({});
    expect(found?.facts.ipv6Prefix).toEqual(ipv6Prefix);
    expect(routes.there.size).toBe(ipv6Prefix === OUTSIDE ? 1 : 0);
    await lab.stop();
    expect(routes.there.size).toBe(0);
  });

  it.each([
    ['the link', bits64(0xfe800000, 0)],
    ['multicast', bits64(0xff020000, 0)],
    ['the loopback', bits64(0, 0)],
  ])('cannot be that of %s', async (_which, ipv6Prefix) => {
    const lab = await GatewayLab.start({ env, users: { anna: user({ ipv6Prefix }) } });
    await lab.dial({ user: 'anna', link: { ipv6: true } });
    await lab.clock.advance(5 * SECOND);
    expect(lines(lab, 'session.refused')).toMatchObject([{ denial: 'unsupported' }]);
  });
});

describe('an MTU that is too small for IPv6', () => {
  const env = { PPTP_IPV6_POOL: 'fd00:1::/48', PPTP_MRU: '1400' };

  it('leaves the session without, and a user with a prefix out', async () => {
    const users = {
      anna: user({ mtu: 1279 }),
      bert: user({ mtu: 1280 }),
      prefix: user({ mtu: 1279, ipv6Prefix: bits64(0xfd000002, 1) }),
    };
    const lab = await GatewayLab.start({ env, users });
    for (const name of ['anna', 'bert']) await lab.connect({ user: name, link: { ipv6: true } });
    const found = await lab.gateway.directory.find({});
    expect(found.map(({ facts }) => facts.ipv6Prefix !== undefined)).toEqual([false, true]);
    await lab.dial({ user: 'prefix', link: { ipv6: true } });
    await lab.clock.advance(5 * SECOND);
    expect(lines(lab, 'session.refused')).toMatchObject([{ user: 'prefix', denial: 'unsupported' }]);
  });
});

describe('a quota', () => {
  it('ends the session with a reason of its own', async () => {
    const plugins = [sessionParts({ traffic: true })];
    const lab = await GatewayLab.start({ users: { anna: user({ quotaOctets: 100 }) }, plugins });
    const anna = await lab.connect({ user: 'anna' });
    for (let i = 0; i < 6; i += 1) await talk(lab, anna, anna.address);
    expect(lines(lab, 'session.closed')).toMatchObject([
      { reason: 'quota', detail: 'the quota of the session is used up' },
    ]);
  });
});

describe('the words of a profile', () => {
  const users = { anna: user({ message: 'Mind the\u0007 gap' }) };

  it.each([
    ['ms-chap-v2', msChapV2Method(), 'M=Mind the. gap'],
    ['ms-chap-v1', msChapV1Method(), 'Mind the. gap'],
    ['chap-md5', chapMd5Method(), 'Mind the. gap'],
    ['pap', papMethod(), 'Mind the. gap'],
  ])('reach the person at the other end by %s', async (name, method, words) => {
    const lab = await GatewayLab.start({ users, env: { PPTP_AUTH_METHODS: name, PPTP_MPPE: 'permitted' } });
    const seen: string[] = [];
    lab.wire.filter = ({ bytes }) => {
      seen.push(new TextDecoder('latin1').decode(bytes));
      return true;
    };
    await lab.connect({ user: 'anna', method, link: { encryption: 'permitted' } });
    expect(seen.some((text) => text.includes(words))).toBe(true);
  });
});
