import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ipv4, parseIpv4 } from '../../core/bytes/ipv4-address.ts';
import { parseIpv6 } from '../../core/bytes/ipv6-address.ts';
import type { AccountingRecord } from '../../core/ports/accounting.ts';
import { silentLog } from '../../core/ports/log.ts';
import type { SessionFacts } from '../../core/ports/session-facts.ts';
import { systemClock, systemWallClock } from '../../gateway/system-clock.ts';
import { Accounting, factAttributes } from '../../plugins/radius/accounting/index.ts';
import { RadiusClient, type RadiusServer } from '../../plugins/radius/client/index.ts';
import { CoaServer, CoaService } from '../../plugins/radius/coa/index.ts';
import { callAttributes, gatewayAttributes } from '../../plugins/radius/nas.ts';
import { facts, fleets, temporaryFolder } from '../support/accounting-rig.ts';
import { MemoryDirectory } from '../support/coa-rig.ts';
import { Freeradius, freeradiusUnavailable, type WrittenRecord } from '../support/freeradius.ts';
import { MemoryTelemetry } from '../support/memory-telemetry.ts';
import { seededRandom } from '../support/seeded-random.ts';

const SECRET = 'testing 1 2 3';
const HOST = '127.0.0.1';
const LOOPBACK = parseIpv4(HOST) ?? ipv4(0);
const NAS = { identifier: 'gw1.example', address: parseIpv4('198.51.100.1'), portType: 5 };
const USAGE = { octetsIn: 3 * 2 ** 32 + 5, octetsOut: 77, packetsIn: 9, packetsOut: 8 };
const sessionAttributes = (one: SessionFacts) => [...callAttributes(NAS, one), ...factAttributes(one, true)];

const unavailable = freeradiusUnavailable();
if (unavailable !== undefined) console.warn(`skipped: FreeRADIUS, ${unavailable}`);

/** Everything of a record but what depends on the time. */
const said = (record: WrittenRecord | undefined): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    [...(record ?? new Map())]
      .filter(([name]) => !/^(Event-Timestamp|Timestamp|Acct-Unique-Session-Id|Message-Authenticator)$/.test(name))
      .map(([name, values]) => [name, values.join(' ')]),
  );

describe.skipIf(unavailable !== undefined)('FreeRADIUS, on this machine', () => {
  let servers: readonly Freeradius[] = [];
  const start = (port: number): Promise<Freeradius> =>
    Freeradius.start({ address: HOST, port, accountingPort: port + 1, secret: SECRET, users: [] });
  beforeAll(async () => {
    servers = await Promise.all([start(21_812), start(21_912)]);
  });
  afterAll(() => Promise.all(servers.map((server) => server.stop())));

  const server = (at: number): Freeradius => {
    const found = servers[at];
    if (found === undefined) throw new Error('it is not up');
    return found;
  };

  const accountingWith = (list: readonly RadiusServer[], folder: string) => {
    const deps = {
      clock: systemClock,
      random: seededRandom(1),
      log: silentLog,
      telemetry: new MemoryTelemetry(),
    };
    const client = new RadiusClient(
      {
        purpose: 'accounting',
        servers: list,
        secret: SECRET,
        timeoutMs: 300,
        tries: 2,
        deadTimeMs: 60_000,
        maxOutstanding: 64,
        maxWaiting: 64,
        requireMessageAuthenticator: true,
      },
      deps,
    );
    const [fleet] = fleets(1);
    if (fleet === undefined) throw new Error('no fleet');
    const accounting = new Accounting(
      { folder, limit: 1 << 20, onOff: true },
      {
        ...deps,
        client,
        wall: systemWallClock,
        fleet,
        sessionAttributes,
        gatewayAttributes: () => gatewayAttributes(NAS),
      },
    );
    const record = (changes: Partial<AccountingRecord> = {}): AccountingRecord => {
      const prefix = parseIpv6('fd00:1:2:3::')?.prefix;
      const one = facts('0123456789ab', { ipv6Prefix: prefix, identity: 'ALPHA\\älice' });
      return { facts: one, at: Date.now(), seconds: 0, usage: USAGE, ...changes };
    };
    const life = accounting.lifecycle;
    return {
      sink: accounting.sink,
      record,
      start: () => life.start(new AbortController().signal),
      stop: () => life.stop(),
    };
  };

  test('writes down every attribute as we mean it', async () => {
    const folder = temporaryFolder();
    const { sink, record, start: begin, stop } = accountingWith([{ host: HOST, port: 21_813, weight: 1 }], folder);
    await begin();
    sink.start(record());
    sink.interim(record({ seconds: 60 }));
    sink.stop(record({ seconds: 61 }), { reason: 'idle', detail: '' });
    await stop();
    await rm(folder, { recursive: true });
    const [on, started, interim, stopped, off, ...more] = await server(0).records();
    expect(more).toEqual([]);
    expect(said(on)).toMatchObject({ 'Acct-Status-Type': 'Accounting-On', 'NAS-Identifier': 'gw1.example' });
    expect(said(off)).toMatchObject({ 'Acct-Status-Type': 'Accounting-Off', 'Acct-Terminate-Cause': 'Admin-Reboot' });
    const session = {
      'Acct-Session-Id': '0123456789ab',
      'Acct-Multi-Session-Id': '0123456789abcdef0123456789abcdef',
      'Acct-Authentic': 'RADIUS',
      'Acct-Delay-Time': '0',
      'Acct-Tunnel-Connection': '7/9',
      'Called-Station-Id': '198.51.100.1',
      'Calling-Station-Id': '203.0.113.9',
      Class: '0x010203',
      'Connect-Info': 'PPTP MPPE 128 stateless',
      'Framed-IP-Address': '10.78.0.2',
      'Framed-IPv6-Prefix': 'fd00:1:2:3::/64',
      'Framed-Protocol': 'PPP',
      'MS-Acct-Auth-Type': 'MS-CHAP-2',
      'NAS-IP-Address': '198.51.100.1',
      'NAS-Identifier': 'gw1.example',
      'NAS-Port': '7',
      'NAS-Port-Id': 'pptp-7',
      'NAS-Port-Type': 'Virtual',
      'Service-Type': 'Framed-User',
      'Tunnel-Client-Endpoint:0': '203.0.113.9',
      'Tunnel-Medium-Type:0': 'IPv4',
      'Tunnel-Server-Auth-Id:0': 'gw1.example',
      'Tunnel-Server-Endpoint:0': '198.51.100.1',
      'Tunnel-Type:0': 'PPTP',
      'User-Name': 'ALPHA\\\\älice',
    };
    const numbers = {
      'Acct-Input-Octets': '5',
      'Acct-Input-Gigawords': '3',
      'Acct-Output-Octets': '77',
      'Acct-Output-Gigawords': '0',
      'Acct-Input-Packets': '9',
      'Acct-Output-Packets': '8',
    };
    expect(said(started)).toEqual({ ...session, 'Acct-Status-Type': 'Start' });
    expect(said(interim)).toEqual({
      ...session,
      ...numbers,
      'Acct-Status-Type': 'Interim-Update',
      'Acct-Session-Time': '60',
    });
    expect(said(stopped)).toEqual({
      ...session,
      ...numbers,
      'Acct-Status-Type': 'Stop',
      'Acct-Session-Time': '61',
      'Acct-Terminate-Cause': 'Idle-Timeout',
    });
  });

  test('one of two dies: the other one gets everything, in order', async () => {
    const folder = temporaryFolder();
    const both = [
      { host: HOST, port: 21_813, weight: 1 },
      { host: HOST, port: 21_913, weight: 0 },
    ];
    const before = (await server(0).records()).length;
    const { sink, record, start: begin, stop } = accountingWith(both, folder);
    await begin();
    sink.start(record());
    await expect.poll(async () => (await server(0).records()).length - before).toBe(2);
    await server(0).kill();
    sink.interim(record({ seconds: 60 }));
    sink.stop(record({ seconds: 61 }), { reason: 'peer-request', detail: '' });
    await stop();
    await rm(folder, { recursive: true });
    const kinds = (await server(1).records()).map((one) => one.get('Acct-Status-Type')?.join());
    expect(kinds).toEqual(['Interim-Update', 'Stop', 'Accounting-Off']);
    await server(0).resume();
  });

  test('its radclient ends and changes sessions, and believes our answers', async () => {
    const directory = new MemoryDirectory();
    const service = new CoaService(
      {
        clients: [{ network: LOOPBACK, prefixLength: 32 }],
        secret: SECRET,
        requireMessageAuthenticator: true,
        requireEventTimestamp: false,
      },
      {
        sessions: directory,
        clock: systemClock,
        wall: systemWallClock,
        log: silentLog,
        telemetry: new MemoryTelemetry(),
        sessionAttributes,
      },
    );
    const listening = new CoaServer({ address: LOOPBACK, port: 0 }, service, silentLog, systemClock);
    await listening.start();
    const to = `${HOST}:${listening.port}`;
    const ask = (kind: 'disconnect' | 'coa', ...lines: readonly string[]): Promise<string> =>
      server(0).radclient(to, kind, SECRET, ['Message-Authenticator = 0x00', ...lines]);
    directory.sessions.push(facts('s1'));
    const changed = await ask(
      'coa',
      'Acct-Session-Id = "s1"',
      'WISPr-Bandwidth-Max-Down = 1000000',
      'Session-Timeout = 60',
    );
    expect(changed).toContain('CoA-ACK');
    expect(directory.changed.map(({ change }) => change)).toEqual([
      { rate: { down: { bitsPerSecond: 1e6 } }, sessionSeconds: 60 },
    ]);
    expect(await ask('coa', 'Acct-Session-Id = "s1"', 'Framed-MTU = 1400')).toMatch(
      /CoA-NAK[\s\S]*Error-Cause = Unsupported-Attribute/,
    );
    expect(await ask('disconnect', 'User-Name = "alice"', 'Proxy-State = 0x6162')).toMatch(
      /Disconnect-ACK[\s\S]*Proxy-State = 0x6162/,
    );
    expect(await ask('disconnect', 'User-Name = "alice"')).toMatch(
      /Disconnect-NAK[\s\S]*Error-Cause = Session-Context-Not-Found/,
    );
    const wrong = await server(0).radclient(to, 'disconnect', 'another secret', ['User-Name = "alice"'], 1);
    expect(wrong).toMatch(/No reply|no response/i);
    await listening.stop();
  });
});
