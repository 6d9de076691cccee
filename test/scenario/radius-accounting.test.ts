import { describe, expect, it } from 'vitest';
import { parseIpv4 } from '../../core/bytes/ipv4-address.ts';
import type { Lifecycle } from '../../core/ports/lifecycle.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import type { SessionFacts } from '../../core/ports/session-facts.ts';
import { TOKENS } from '../../core/tokens.ts';
import { withOptions } from '../../gateway/plugin-loader.ts';
import { Accounting, factAttributes } from '../../plugins/radius/accounting/index.ts';
import { CoaService } from '../../plugins/radius/coa/index.ts';
import { callAttributes, gatewayAttributes } from '../../plugins/radius/nas.ts';
import {
  ATTRIBUTE,
  type Attribute,
  attribute,
  CODE,
  firstOf,
  parsePacket,
  sealRequest,
} from '../../plugins/radius/wire/index.ts';
import { FakeServers, nameOf, temporaryFolder } from '../support/accounting-rig.ts';
import { address } from '../support/batches.ts';
import { eventually } from '../support/eventually.ts';
import { GatewayLab } from '../support/gateway-lab.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';

const HOST = address('10.0.0.80');
const CLIENT = parseIpv4('192.0.2.1') ?? expect.fail();
const SECRET = 'radius-of-the-scenario';
const secret = new TextEncoder().encode(SECRET);
const NAS = { identifier: 'gw1', address: undefined, portType: 5 };
const attributesOf = (facts: SessionFacts) => [...callAttributes(NAS, facts), ...factAttributes(facts, true)];

/** A gateway with accounting and CoA; the servers are in memory. */
const start = async (env: Readonly<Record<string, string>> = {}) => {
  const made: { servers?: FakeServers; coa?: CoaService } = {};
  const folder = temporaryFolder();
  const plugin = definePlugin({
    name: 'radius',
    api: PLUGIN_API,
    register: ({ bind }) => {
      const accounting = Symbol('accounting');
      bind<Accounting>(accounting).toResolvedValue(
        (clock, wall, log, telemetry, fleet) => {
          made.servers = new FakeServers(clock);
          return new Accounting(
            { folder, limit: 1 << 20, onOff: true },
            {
              client: made.servers,
              clock,
              wall,
              log,
              telemetry,
              fleet,
              sessionAttributes: attributesOf,
              gatewayAttributes: () => gatewayAttributes(NAS),
            },
          );
        },
        [TOKENS.Clock, TOKENS.WallClock, TOKENS.Log, TOKENS.Telemetry, TOKENS.Fleet],
      );
      bind(TOKENS.AccountingSink).toResolvedValue((one: Accounting) => one.sink, [accounting]);
      bind(TOKENS.Lifecycle).toResolvedValue((one: Accounting) => one.lifecycle, [accounting]);
      bind(TOKENS.Lifecycle).toResolvedValue(
        (sessions, clock, wall, log, telemetry): Lifecycle => {
          const options = { secret: SECRET, requireMessageAuthenticator: true, requireEventTimestamp: false };
          made.coa = new CoaService(
            { ...options, clients: [{ network: CLIENT, prefixLength: 32 }] },
            { sessions, clock, wall, log, telemetry, sessionAttributes: attributesOf },
          );
          return { name: 'coa', start: () => Promise.resolve(), stop: () => Promise.resolve() };
        },
        [TOKENS.Sessions, TOKENS.Clock, TOKENS.WallClock, TOKENS.Log, TOKENS.Telemetry],
      );
    },
  });
  const lab = await GatewayLab.start({ env, plugins: [withOptions(plugin, undefined)] });
  const { servers, coa } = made;
  if (servers === undefined || coa === undefined) throw new Error('nothing was made');
  let identifier = 0;
  /** Code and Error-Cause of the answer. */
  const ask = async (code: number, ...attributes: readonly Attribute[]) => {
    identifier += 1;
    const bytes = sealRequest({ code, identifier, authenticator: new Uint8Array(16), attributes }, secret);
    const asking = coa.handle(bytes ?? new Uint8Array(), CLIENT, 1);
    await lab.clock.advance(5_000);
    const packet = parsePacket((await asking) ?? new Uint8Array());
    if (typeof packet === 'string') throw new Error(`the answer is ${packet}`);
    return [packet.code, firstOf(packet.attributes, ATTRIBUTE.errorCause)];
  };
  return { lab, servers, ask };
};

/** What happens on the disk takes real time: virtual time must not run away from it. */
const settle = (lab: GatewayLab, done: () => boolean): Promise<void> =>
  eventually(async () => {
    await lab.clock.advance(1);
    expect(done()).toBe(true);
  }, 1);

const kinds = (servers: FakeServers): readonly string[] => servers.names.map((name) => name.split(' ')[0] ?? '');
const user = attribute(ATTRIBUTE.userName, 'alice');

describe('RADIUS accounting of a whole gateway', () => {
  it('tells of a session from its first address to its end, with what has passed', async () => {
    const { lab, servers } = await start({ PPTP_ACCOUNTING_INTERIM: '60' });
    const alice = await lab.connect({ user: 'alice' });
    const packet = ipv4Packet({ source: alice.address, destination: HOST });
    for (let i = 0; i < 3; i += 1) alice.tun.hostSends(packet);
    await lab.clock.advance(61_000);
    const answer = ipv4Packet({ source: HOST, destination: alice.address });
    lab.tun.hostSends(answer);
    await lab.clock.advance(1_000);
    const stopping = lab.stop();
    await settle(lab, () => kinds(servers).includes('off'));
    await stopping;
    expect(kinds(servers)).toEqual(['on', 'start', 'interim', 'stop', 'off']);
    const [, first = [], interim = [], stop = []] = servers.got;
    const [found] = new Set([first, interim, stop].map((one) => firstOf(one, ATTRIBUTE.acctSessionId)));
    expect(found).toMatch(/^[0-9a-f]{12}$/);
    expect(firstOf(first, ATTRIBUTE.framedIpAddress)).toBe(alice.address);
    expect(firstOf(interim, ATTRIBUTE.acctInputOctets)).toBe(3 * packet.length);
    const last = [ATTRIBUTE.acctInputOctets, ATTRIBUTE.acctInputPackets, ATTRIBUTE.acctOutputOctets];
    expect(last.map((type) => firstOf(stop, type))).toEqual([3 * packet.length, 3, answer.length]);
    expect(firstOf(stop, ATTRIBUTE.acctTerminateCause)).toBe(7);
    for (const one of [first, stop]) {
      expect(firstOf(one, ATTRIBUTE.tunnelClientAuthId)).toEqual({ tag: 0, value: 'pptp-gateway' });
    }
    expect(firstOf(stop, ATTRIBUTE.acctSessionTime)).toBeGreaterThanOrEqual(62);
  });

  it('sends nothing of who never came in', async () => {
    const { lab, servers } = await start();
    await lab.dial({ user: 'alice', password: 'wrong' });
    await lab.clock.advance(60_000);
    expect(kinds(servers)).toEqual(['on']);
  });
});

describe('CoA and Disconnect of a whole gateway', () => {
  it('a rate is in force when the answer says so, and what cannot be is refused and changes nothing', async () => {
    const { lab, ask } = await start();
    await lab.connect({ user: 'alice' });
    const profile = async () => (await lab.gateway.directory.find({ identity: 'alice' }))[0]?.facts.profile;
    expect(await ask(CODE.coaRequest, user, attribute(ATTRIBUTE.mikrotikRateLimit, '1M/2M'))).toEqual([44, undefined]);
    const rate = { up: { bitsPerSecond: 1e6 }, down: { bitsPerSecond: 2e6 } };
    expect(await profile()).toMatchObject({ rate });
    const filter = attribute(ATTRIBUTE.filterId, 'no-such-filter');
    const both = [attribute(ATTRIBUTE.idleTimeout, 5), filter];
    expect(await ask(CODE.coaRequest, user, ...both)).toEqual([45, 407]);
    expect(await profile()).toMatchObject({ rate });
    expect((await profile())?.idleSeconds).toBeUndefined();
  });

  it('a session that is ended is over when the answer says so, and accounting says who ended it', async () => {
    const { lab, servers, ask } = await start();
    await lab.connect({ user: 'alice' });
    expect(await ask(CODE.disconnectRequest, user)).toEqual([41, undefined]);
    expect(lab.gateway.sessions()).toBe(0);
    await lab.clock.advance(1_000);
    const stop = servers.got.find((one) => nameOf(one).startsWith('stop')) ?? [];
    expect(firstOf(stop, ATTRIBUTE.acctTerminateCause)).toBe(6);
    expect(await ask(CODE.disconnectRequest, user)).toEqual([42, 503]);
  });
});
