import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../core/bytes/ascii.ts';
import { formatPrefix64, type Ipv6, linkLocal } from '../../core/bytes/ipv6-address.ts';
import type { Session } from '../../core/datapath/session.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { type Icmpv6Message, parseIcmpv6 } from '../../core/wire/icmpv6.ts';
import { parseRouterAdvertisement, type RouterAdvertisement } from '../../core/wire/router-advertisement.ts';
import { type LoadedPlugin, withOptions } from '../../gateway/plugin-loader.ts';
import { arrived } from '../support/arrived.ts';
import { type DialOptions, GatewayLab, type LabPeer } from '../support/gateway-lab.ts';
import { contains } from '../support/gre-packets.ts';
import { address6, echoRequest6, ipv6Packet, routerSolicitation } from '../support/ipv6-packets.ts';

const ENV = { PPTP_IPV6_POOL: 'fd00:99::/48', PPTP_IPV6_DNS: 'fd00:53::1,fd00:53::2' };
const HOST = address6('fd00:77::80');
const DATA = asciiBytes('nobody on the way may read this line');

/** A plug-in that looks at the sessions. */
const sessionsOf = (sessions: Session[]): LoadedPlugin =>
  withOptions(
    definePlugin({
      name: 'watch',
      api: PLUGIN_API,
      register: ({ bind }) => {
        bind(TOKENS.Stage).toConstantValue({
          name: 'watch',
          slot: 310,
          open: (session) => sessions.push(session),
        });
      },
    }),
    undefined,
  );

const messages = (packets: readonly Uint8Array[]): Icmpv6Message[] =>
  packets.flatMap((packet) => parseIcmpv6(packet) ?? []);
const advertisements = (packets: readonly Uint8Array[]): RouterAdvertisement[] =>
  messages(packets).flatMap((message) => parseRouterAdvertisement(message) ?? []);

class Ipv6Lab {
  readonly lab: GatewayLab;
  readonly sessions: Session[] = [];

  constructor(env: Readonly<Record<string, string>> = ENV) {
    this.lab = new GatewayLab({ env, plugins: [sessionsOf(this.sessions)] });
  }

  async start(): Promise<this> {
    await this.lab.gateway.start((device) => this.lab.deaths.push(device));
    return this;
  }

  /** A client that has made its address from the advertisement, as a kernel does. */
  async connect(options: DialOptions = {}): Promise<LabPeer & { readonly own: Ipv6; readonly local: Ipv6 }> {
    const client = await this.lab.connect({ link: { ipv6: true }, ...options });
    const ipv6 = this.sessions.at(-1)?.ipv6;
    const [first] = advertisements(arrived(client.tun));
    if (ipv6 === undefined || first?.prefixes[0] === undefined) throw new Error('no IPv6');
    return {
      ...client,
      own: { prefix: first.prefixes[0].prefix, interfaceId: ipv6.peerInterfaceId },
      local: linkLocal(ipv6.peerInterfaceId),
    };
  }
}
const start = (env?: Readonly<Record<string, string>>): Promise<Ipv6Lab> => new Ipv6Lab(env).start();

describe('IPv6 through a tunnel', () => {
  it('advertises the /64 of the session with DNS servers and MTU, for addresses of the host’s own making', async () => {
    const { lab, sessions } = await start();
    const client = await lab.connect({ link: { ipv6: true } });
    const packets = arrived(client.tun);
    const [message] = messages(packets);
    const local = sessions[0]?.ipv6?.localInterfaceId;
    expect(message).toMatchObject({ hopLimit: 255, destination: address6('ff02::1') });
    expect(message?.source).toEqual(local && linkLocal(local));
    expect(advertisements(packets)).toEqual([
      {
        routerLifetime: 1800,
        hopLimit: 64,
        prefixes: [
          {
            prefix: address6('fd00:99:0:1::').prefix,
            onLink: false,
            autonomous: true,
            validLifetime: 7200,
            preferredLifetime: 1800,
          },
        ],
        mtu: 1396,
        dns: [address6('fd00:53::1'), address6('fd00:53::2')],
        dnsLifetime: 1800,
      },
    ]);
    const up = lab.log.lines.find(({ event }) => event === 'session.ipv6-up');
    expect(up?.fields).toMatchObject({ prefix: 'fd00:99:0:1::/64' });
    // Encrypted, as all user data.
    expect(lab.wire.seen.some(({ bytes }) => contains(bytes, packets[0]?.subarray(0, 40) ?? DATA))).toBe(false);
  });

  it('carries a ping to the intranet and back', async () => {
    const { lab, connect } = bound(await start());
    const { tun, own } = await connect();
    const request = echoRequest6(own, HOST, DATA);
    tun.hostSends(request);
    await lab.clock.advance(10);
    expect(arrived(lab.tun)).toEqual([request]);
    const reply = echoRequest6(HOST, own, DATA);
    lab.tun.hostSends(reply);
    await lab.clock.advance(10);
    expect(arrived(tun)).toEqual([reply]);
    expect([...lab.telemetry.drops]).toEqual([]);
  });

  it('gives each of many clients a prefix of its own and its packets to nobody else', async () => {
    const { lab, connect } = bound(await start());
    const clients = [await connect(), await connect(), await connect()];
    expect(clients.map(({ own }) => formatPrefix64(own.prefix))).toEqual([
      'fd00:99:0:1::/64',
      'fd00:99:0:2::/64',
      'fd00:99:0:3::/64',
    ]);
    for (const { own } of clients) lab.tun.hostSends(echoRequest6(HOST, own, DATA));
    await lab.clock.advance(10);
    for (const { own, tun } of clients) expect(arrived(tun)).toEqual([echoRequest6(HOST, own, DATA)]);
  });

  it('drops what does not come from the session’s own /64', async () => {
    const { lab, connect } = bound(await start());
    const [alice, bob] = [await connect(), await connect()];
    const sent = [
      ipv6Packet({ source: bob.own, destination: HOST }),
      ipv6Packet({ source: address6('fd00:99:0:ff::1'), destination: HOST }),
      // Link-local packets do not leave the link.
      ipv6Packet({ source: alice.local, destination: HOST }),
      ipv6Packet({ source: bob.local, destination: address6('ff02::2') }),
      ipv6Packet({ source: address6('::'), destination: HOST }),
    ];
    for (const packet of sent) alice.tun.hostSends(packet);
    await lab.clock.advance(10);
    expect(arrived(lab.tun)).toEqual([]);
    expect([...lab.telemetry.drops]).toEqual([['address in spoofed-source', sent.length]]);
  });

  it('forwards nothing of the link’s scope, and knows no route to other prefixes', async () => {
    const { lab, connect } = bound(await start());
    const { tun, own, local } = await connect();
    tun.hostSends(ipv6Packet({ source: local, destination: address6('ff02::fb'), nextHeader: 17 }));
    tun.hostSends(ipv6Packet({ source: own, destination: address6('ff05::2') }));
    lab.tun.hostSends(ipv6Packet({ source: HOST, destination: address6('fd00:99:0:2::1') }));
    lab.tun.hostSends(ipv6Packet({ source: HOST, destination: address6('ff02::1') }));
    await lab.clock.advance(10);
    expect(arrived(lab.tun)).toEqual([]);
    expect(Object.fromEntries(lab.telemetry.drops)).toEqual({
      'address in unsupported': 2,
      'address out no-route': 2,
    });
  });

  it('answers a Router Solicitation at once, and only a valid one', async () => {
    const { lab, connect } = bound(await start());
    const { tun, local } = await connect();
    tun.hostSends(routerSolicitation(local, 254));
    await lab.clock.advance(500);
    expect(arrived(tun)).toEqual([]);
    tun.hostSends(routerSolicitation(local));
    await lab.clock.advance(500);
    const [answer, ...more] = messages(arrived(tun));
    expect(more).toEqual([]);
    expect(answer).toMatchObject({ type: 134, destination: local });
    expect(arrived(lab.tun)).toEqual([]);
  });

  it('answers a ping of its link-local address', async () => {
    const { lab, sessions, connect } = bound(await start());
    const { tun, local } = await connect();
    const gateway = sessions[0]?.ipv6?.localInterfaceId;
    if (gateway === undefined) throw new Error('no IPv6');
    tun.hostSends(echoRequest6(local, linkLocal(gateway), DATA));
    await lab.clock.advance(10);
    expect(messages(arrived(tun))).toMatchObject([{ type: 129, source: linkLocal(gateway), destination: local }]);
  });

  it('gives the prefix back and forgets it with the session', async () => {
    const { lab, connect, sessions } = bound(await start({ PPTP_IPV6_POOL: 'fd00:99:0:8::/62' }));
    const first = await connect();
    first.peer.hangUp();
    await lab.clock.advance(20_000);
    expect(sessions[0]?.ipv6).toBeUndefined();
    lab.tun.hostSends(ipv6Packet({ source: HOST, destination: first.own }));
    await lab.clock.advance(10);
    expect(lab.telemetry.drops.get('address out no-route')).toBe(1);
    const prefixes: string[] = [];
    for (let i = 0; i < 3; i += 1) prefixes.push(formatPrefix64((await connect()).own.prefix));
    // The one that came back is the last to be given again.
    expect(prefixes).toEqual(['fd00:99:0:a::/64', 'fd00:99:0:b::/64', 'fd00:99:0:9::/64']);
  });

  it('goes on without IPv6 when no prefix is left, and says so', async () => {
    const { lab, connect } = bound(await start({ PPTP_IPV6_POOL: 'fd00:99:0:8::/63' }));
    await connect();
    const second = await lab.connect({ link: { ipv6: true } });
    expect(arrived(second.tun)).toEqual([]);
    expect(lab.log.events('warn')).toEqual(['ipv6.exhausted']);
    expect(second.events.map(({ kind }) => kind)).toEqual(['up']);
  });

  it('without a pool, refuses IPV6CP and carries no IPv6', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect({ link: { ipv6: true } });
    expect(client.events.map(({ kind }) => kind)).toEqual(['up']);
    client.tun.hostSends(ipv6Packet({ source: address6('fd00::1'), destination: HOST }));
    lab.tun.hostSends(ipv6Packet({ source: HOST, destination: address6('fd00::1') }));
    await lab.clock.advance(10);
    expect(arrived(lab.tun)).toEqual([]);
    expect(lab.telemetry.drops.size).toBeGreaterThan(0);
  });

  it('a client without IPv6 is none the worse for it', async () => {
    const { lab } = await start();
    const client = await lab.connect({ link: { ipv6: false } });
    await lab.clock.advance(60_000);
    expect(client.events.map(({ kind }) => kind)).toEqual(['up']);
    expect(arrived(client.tun)).toEqual([]);
  });

  it('advertises three times soon, then every 200 to 600 s', async () => {
    const { lab, connect } = bound(await start());
    const { tun } = await connect();
    await lab.clock.advance(32_000);
    expect(advertisements(arrived(tun))).toHaveLength(2);
    await lab.clock.advance(200_000 - 32_000);
    expect(arrived(tun)).toEqual([]);
    await lab.clock.advance(3_600_000);
    const hour = advertisements(arrived(tun)).length;
    expect(hour).toBeGreaterThanOrEqual(6);
    expect(hour).toBeLessThanOrEqual(18);
  });
});

const bound = (one: Ipv6Lab) => ({
  lab: one.lab,
  sessions: one.sessions,
  connect: (options?: DialOptions) => one.connect(options),
});
