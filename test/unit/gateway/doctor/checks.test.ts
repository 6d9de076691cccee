import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../../config/load.ts';
import type { GatewayConfig } from '../../../../config/types.ts';
import { parseIpv4 } from '../../../../core/bytes/ipv4-address.ts';
import { checkCertificates } from '../../../../gateway/doctor/checks/certificates.ts';
import { type ClockFacts, checkClock } from '../../../../gateway/doctor/checks/clock.ts';
import { type ConntrackFacts, checkConntrack, knowsPptp } from '../../../../gateway/doctor/checks/conntrack.ts';
import { checkControlPort, type Listener } from '../../../../gateway/doctor/checks/control-port.ts';
import { checkDevices } from '../../../../gateway/doctor/checks/devices.ts';
import { checkForwarding } from '../../../../gateway/doctor/checks/forwarding.ts';
import { checkGreSocket } from '../../../../gateway/doctor/checks/gre-socket.ts';
import { checkGreUsers } from '../../../../gateway/doctor/checks/gre-users.ts';
import { checkMtu } from '../../../../gateway/doctor/checks/mtu.ts';
import { checkPeer, type PeerFacts } from '../../../../gateway/doctor/checks/peer.ts';
import { checkPool } from '../../../../gateway/doctor/checks/pool.ts';
import { checkRights } from '../../../../gateway/doctor/checks/rights.ts';
import { checkRunning } from '../../../../gateway/doctor/checks/running.ts';
import { checkStateFolder } from '../../../../gateway/doctor/checks/state-folder.ts';
import { checkTelemetry, telemetryEndpoints } from '../../../../gateway/doctor/checks/telemetry.ts';
import { checkUsers, type KnownUser } from '../../../../gateway/doctor/checks/users.ts';
import type { Finding } from '../../../../gateway/doctor/finding.ts';
import { lookAtStateFolder } from '../../../../gateway/doctor/host/look-local.ts';

const config = (env: Readonly<Record<string, string>> = {}): GatewayConfig =>
  loadConfig({ env, set: [], named: {} }).config;
const usual = config();
/** "fail: The sentence." */
const said = (findings: readonly Finding[]): string[] =>
  findings.map(({ severity, message }) => `${severity}: ${message}`);
const advice = (findings: readonly Finding[]): string => findings.map((one) => one.advice ?? '').join('\n');
const address = (text: string) => {
  const parsed = parseIpv4(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};

describe('rights', () => {
  const netAdmin = 1n << 12n;
  const netRaw = 1n << 13n;
  const check = (isRoot: boolean, capabilities: bigint | undefined, env = {}) =>
    checkRights({ isRoot, capabilities }, config(env));

  test('both capabilities', () => {
    expect(said(check(false, netAdmin | netRaw))).toEqual(['ok: CAP_NET_ADMIN, CAP_NET_RAW: all there.']);
  });
  test('root in a container without one', () => {
    const findings = check(true, netAdmin);
    expect(said(findings)).toEqual(['fail: CAP_NET_RAW is missing.']);
    expect(advice(findings)).toBe('Start the container with --cap-add NET_RAW.');
  });
  test('a user with none, where /proc does not say', () => {
    expect(said(check(false, undefined))).toEqual(['fail: CAP_NET_ADMIN and CAP_NET_RAW are missing.']);
    expect(said(check(true, undefined, { PPTP_RUN_AS: 'pptp' }))).toEqual([
      'ok: CAP_NET_ADMIN, CAP_NET_RAW: all there.',
    ]);
  });
  test('root that stays root is told how not to', () => {
    expect(said(check(true, netAdmin | netRaw))[0]).toMatch(/all there\. PPTP_RUN_AS=user/);
  });
  test('a port below 1024', () => {
    expect(said(check(false, netAdmin | netRaw, { PPTP_PORT: '723' }))).toEqual([
      'fail: CAP_NET_BIND_SERVICE is missing.',
    ]);
  });
});

describe('tun and addon', () => {
  test('all there', () => {
    expect(said(checkDevices({ tunError: undefined, addonError: undefined }))).toEqual([
      'ok: /dev/net/tun can be opened.',
      'ok: The TUN addon loads.',
    ]);
  });
  test('nothing there', () => {
    const findings = checkDevices({ tunError: 'missing', addonError: 'run "npm run build:native".' });
    expect(said(findings)).toEqual(['fail: There is no /dev/net/tun.', 'fail: The TUN addon does not load.']);
    expect(advice(findings)).toContain('--device /dev/net/tun');
    expect(advice(findings)).toContain('build:native');
  });
  test('not for this user', () => {
    expect(said(checkDevices({ tunError: 'refused', addonError: undefined }))[0]).toBe(
      'fail: /dev/net/tun cannot be opened by this user.',
    );
  });
});

describe('control-port', () => {
  const squid = { pid: 77, name: 'squid', isGateway: false };
  const own = { pid: 5, name: 'node', isGateway: true };
  const check = (listeners: readonly Partial<Listener>[], env = {}) =>
    checkControlPort(
      {
        listeners: listeners.map((one) => ({ address: '0.0.0.0', port: 1723, holder: undefined, ...one })),
        addresses: ['127.0.0.1', '192.0.2.1'],
      },
      config(env),
    );
  const specific = { PPTP_LISTEN: '192.0.2.1' };

  test('free', () => {
    expect(said(check([{ port: 80, holder: squid }]))).toEqual(['ok: TCP 0.0.0.0 port 1723 is free.']);
  });
  test('held by another program', () => {
    const findings = check([{ holder: squid }]);
    expect(said(findings)).toEqual(['fail: TCP 0.0.0.0 port 1723 is held by squid (process 77).']);
    expect(advice(findings)).toBe(
      'Stop squid, or choose another port with PPTP_PORT (most clients can only use 1723).',
    );
  });
  test('held by nobody who can be seen', () => {
    expect(said(check([{}]))).toEqual([
      'fail: TCP 0.0.0.0 port 1723 is held by a program that cannot be seen from here.',
    ]);
  });
  test('held by a gateway', () => {
    expect(said(check([{ holder: own }]))).toEqual([
      'ok: TCP 0.0.0.0 port 1723 is held by a running gateway (process 5).',
    ]);
  });
  test.each([
    ['::', 'fail'],
    ['192.0.2.1', 'fail'],
    ['127.0.0.1', 'fail'],
    ['fe800000', 'ok'],
  ])('every address, and somebody on %s', (other, severity) => {
    expect(check([{ address: other, holder: squid }])[0]?.severity).toBe(severity);
  });
  test.each([
    ['::', 'fail'],
    ['0.0.0.0', 'fail'],
    ['192.0.2.1', 'fail'],
    ['127.0.0.1', 'ok'],
  ])('one address, and somebody on %s', (other, severity) => {
    expect(check([{ address: other, holder: squid }], specific)[0]?.severity).toBe(severity);
  });
  test('an address that the host does not have', () => {
    expect(said(check([], { PPTP_LISTEN: '198.51.100.9' }))).toEqual([
      'fail: This host does not have the address 198.51.100.9 to listen on.',
    ]);
  });
});

describe('gre', () => {
  test.each([
    ['heard', 'ok: The raw GRE socket opens (driver batch), and a GRE packet from 127.0.0.1 to itself arrives.'],
    [
      'silent',
      'fail: A GRE packet does not arrive from 127.0.0.1 to itself: this host filters IP protocol 47, or its loopback device is down.',
    ],
    [
      'refused',
      'fail: The kernel refuses to send GRE from 127.0.0.1 to itself: this host filters IP protocol 47, or its loopback device is down.',
    ],
  ] as const)('a packet that is %s', (own, expected) => {
    expect(said(checkGreSocket({ kind: 'open', driver: 'batch', address: '127.0.0.1', own }))).toEqual([expected]);
  });
  test('a packet that a rule keeps back which the firewall check has named is no second failure', () => {
    expect(said(checkGreSocket({ kind: 'open', driver: 'batch', address: '127.0.0.1', own: 'silent' }, true))).toEqual([
      'warn: A GRE packet does not arrive from 127.0.0.1 to itself; the rule that the firewall check names explains it.',
    ]);
  });
  test('no socket', () => {
    const findings = checkGreSocket({ kind: 'closed', message: 'start it as root.' });
    expect(said(findings)).toEqual(['fail: The raw socket for GRE cannot be opened.']);
    expect(advice(findings)).toBe('start it as root.');
  });
});

describe('gre-users', () => {
  const pptpd = { pid: 9, name: 'pptpctrl', isGateway: false };
  const own = { pid: 5, name: 'node', isGateway: true };
  const nobody = { rawSockets: [], servers: [], modules: [] };

  test('nobody, and only us', () => {
    expect(said(checkGreUsers(nobody))).toEqual(['ok: Nobody else uses GRE.']);
    expect(said(checkGreUsers({ ...nobody, rawSockets: [own] }))).toEqual(['ok: Only a running gateway uses GRE.']);
  });
  test('a kernel module alone does no harm', () => {
    expect(said(checkGreUsers({ ...nobody, modules: ['pptp'] }))[0]).toContain('it takes nothing from the gateway');
  });
  test('another server, named once', () => {
    const findings = checkGreUsers({ ...nobody, rawSockets: [own, pptpd], servers: [pptpd] });
    expect(said(findings)).toEqual(['warn: Other programs use GRE here: pptpctrl (process 9).']);
  });
  test('somebody who cannot be seen', () => {
    expect(said(checkGreUsers({ ...nobody, rawSockets: [undefined] }))).toEqual([
      'warn: A program that cannot be seen from here uses GRE.',
    ]);
  });
});

describe('conntrack', () => {
  const facts: ConntrackFacts = { tracks: true, hasHelper: true, automatic: undefined, assigned: true, needed: true };
  test('not there, not needed, or at work', () => {
    expect(said(checkConntrack({ ...facts, tracks: false, needed: false }))).toEqual([
      'ok: There is no connection tracking here.',
    ]);
    expect(said(checkConntrack({ ...facts, needed: false }))).toEqual([
      'ok: The firewall needs no help to let GRE in.',
    ]);
    expect(said(checkConntrack(facts))).toEqual([
      'ok: The firewall lets GRE in by the connection tracking helper pptp.',
    ]);
  });
  test('unknown where the rules are', () => {
    expect(checkConntrack({ ...facts, needed: undefined })).toEqual([]);
  });
  test('needed, and not loaded or not assigned', () => {
    expect(said(checkConntrack({ ...facts, hasHelper: false }))[0]).toContain(
      'the module nf_conntrack_pptp is not loaded',
    );
    expect(said(checkConntrack({ ...facts, assigned: false }))[0]).toContain('no rule assigns it to TCP port 1723');
  });
  test('is no second failure where the firewall check has said that GRE is dropped', () => {
    expect(said(checkConntrack({ ...facts, hasHelper: false }, true))[0]).toMatch(/^warn: .*nf_conntrack_pptp/);
  });
  test('old kernels assign it by themselves, when told so', () => {
    expect(knowsPptp({ ...facts, assigned: false, automatic: '1' })).toBe(true);
    expect(knowsPptp({ ...facts, assigned: false, automatic: '0' })).toBe(false);
  });
});

describe('forwarding and rp-filter', () => {
  const facts = { forward: '0', canChange: true, rpFilter: new Map<string, string>(), defaultInterfaces: ['eth0'] };
  const byHand = config({ PPTP_NETWORK_MANAGE: 'false' });
  const first = (findings: readonly Finding[]) => said(findings)[0] ?? '';

  test('on, or turned on later', () => {
    expect(first(checkForwarding({ ...facts, forward: '1' }, byHand))).toBe('ok: The kernel forwards IPv4.');
    expect(first(checkForwarding(facts, usual))).toContain('the gateway turns it on when it starts');
  });
  test('off, and nobody will turn it on', () => {
    expect(checkForwarding(facts, byHand)[0]?.severity).toBe('fail');
    expect(checkForwarding(facts, byHand)[0]?.advice).toContain('sysctl -w net.ipv4.ip_forward=1');
    expect(checkForwarding({ ...facts, canChange: false }, usual)[0]?.advice).toContain(
      '--sysctl net.ipv4.ip_forward=1',
    );
  });
  test('the strict source check matters where there are two ways out', () => {
    const strict = new Map([
      ['all', '1'],
      ['eth0', '0'],
      ['eth1', '2'],
    ]);
    const two = { ...facts, rpFilter: strict, defaultInterfaces: ['eth0', 'eth1'] };
    const findings = checkForwarding(two, usual);
    expect(said(findings)[1]).toMatch(/^warn: .* on eth0 drops calls/);
    expect(findings[1]?.advice).toContain('net.ipv4.conf.eth0.rp_filter=2');
    expect(checkForwarding({ ...two, defaultInterfaces: ['eth0'] }, usual)[1]?.severity).toBe('ok');
  });
});

describe('mtu', () => {
  test.each([
    [1500, 'ok: eth0 carries 1500 octets; the largest packets of tunnels need 1440.'],
    [1440, 'ok: eth0 carries 1440 octets; the largest packets of tunnels need 1440.'],
    [1439, 'warn: Packets of ppp.mru 1400 are 1440 octets outside, but eth0 carries 1439: they are dropped.'],
    [undefined, 'warn: The outer interface is not known, and so neither is its MTU.'],
  ])('%s octets', (outerMtu, expected) => {
    expect(said(checkMtu({ outer: 'eth0', outerMtu }, usual))).toEqual([expected]);
  });
  test('what would fit', () => {
    expect(advice(checkMtu({ outer: 'ppp0', outerMtu: 1400 }, usual))).toContain('PPTP_MRU to 1360');
  });
});

describe('clock', () => {
  const facts: ClockFacts = {
    now: Date.UTC(2026, 10, 22),
    built: Date.UTC(2026, 10, 1),
    synchronised: true,
    keeper: undefined,
    usesCertificates: false,
  };
  const first = (over: Partial<ClockFacts>) => said(checkClock({ ...facts, ...over }))[0] ?? '';

  test('synchronised, kept, or not to be seen', () => {
    expect(first({})).toBe('ok: The clock is synchronised; it says 2026-11-22T00:00:00.000Z.');
    expect(first({ synchronised: undefined, keeper: 'chronyd' })).toMatch(/^ok: chronyd keeps the clock/);
    expect(first({ synchronised: undefined })).toMatch(/^ok: .* cannot be seen from here\.$/);
  });
  test('not synchronised', () => {
    expect(first({ synchronised: false, keeper: 'chronyd' })).toMatch(/^warn: .* is not synchronised/);
    expect(first({ synchronised: undefined, usesCertificates: true })).toMatch(/^warn: .* certificates/);
  });
  test('before its own making', () => {
    expect(first({ now: 0 })).toMatch(/^warn: The clock is wrong: it says 1970/);
    expect(first({ now: 0, usesCertificates: true })).toMatch(/^fail: The clock is wrong/);
  });
});

describe('pool', () => {
  const on = (interfaceName: string, text: string) => ({ interfaceName, address: address(text) });
  const route = (interfaceName: string, text: string, prefixLength: number) => ({
    interfaceName,
    network: address(text),
    prefixLength,
  });
  const everything = route('eth0', '0.0.0.0', 0);
  const host = { addresses: [on('eth0', '192.0.2.1')], routes: [everything, route('eth0', '192.0.2.0', 24)] };

  test('no overlap', () => {
    expect(said(checkPool(host, usual))).toEqual([
      'ok: The pool 10.99.0.0/24 overlaps nothing here and is enough for 253 calls.',
    ]);
  });
  test('an address of the host', () => {
    const findings = checkPool({ ...host, addresses: [on('eth1', '10.99.0.9')] }, usual);
    expect(said(findings)).toEqual(['fail: The pool 10.99.0.0/24 holds an address of this host, 10.99.0.9 of eth1.']);
  });
  test('a route into it', () => {
    const findings = checkPool({ ...host, routes: [everything, route('vpn0', '10.99.0.128', 25)] }, usual);
    expect(said(findings)[0]).toMatch(
      /^fail: The pool 10\.99\.0\.0\/24 overlaps the route to 10\.99\.0\.128\/25 by vpn0/,
    );
  });
  test('a wider network around it', () => {
    const findings = checkPool({ ...host, routes: [everything, route('lan0', '10.0.0.0', 8)] }, usual);
    expect(said(findings)[0]).toMatch(/^warn: The pool 10\.99\.0\.0\/24 is part of 10\.0\.0\.0\/8/);
    expect(advice(findings)).toContain('PPTP_PROXY_ARP');
  });
  test('a pool within the intranet is meant so with proxy ARP', () => {
    const lan = { addresses: [on('lan0', '10.99.0.200')], routes: [route('lan0', '10.99.0.0', 24)] };
    expect(checkPool(lan, config({ PPTP_PROXY_ARP: 'lan0' }))[0]?.severity).toBe('ok');
    expect(checkPool(lan, usual)[0]?.severity).toBe('fail');
  });
  test('the device of a gateway that runs is no conflict, that of another is', () => {
    const running = {
      addresses: [...host.addresses, on('pptp0', '10.99.0.1')],
      routes: [...host.routes, route('pptp0', '10.99.0.0', 24)],
    };
    expect(checkPool(running, usual)[0]?.severity).toBe('ok');
    expect(checkPool(running, config({ PPTP_TUN_NAME: 'tunnel' }))[0]?.severity).toBe('fail');
  });
  test('networks behind clients', () => {
    const findings = checkPool(
      { ...host, routes: [route('lan0', '172.16.5.0', 24)] },
      config({ PPTP_ROUTES: '172.16.0.0/16' }),
    );
    expect(said(findings)[0]).toMatch(
      /^fail: The client network 172\.16\.0\.0\/16 overlaps the route to 172\.16\.5\.0\/24/,
    );
    expect(advice(findings)).toContain('PPTP_ROUTES');
  });
  test('more calls than addresses', () => {
    const findings = checkPool(host, config({ PPTP_POOL: '10.99.0.0/29', PPTP_MAX_CALLS: '20' }));
    expect(said(findings)).toEqual([
      'warn: The pool 10.99.0.0/29 has 5 client addresses, fewer than the 20 calls that are allowed.',
    ]);
  });
});

describe('users', () => {
  const alice: KnownUser = { name: 'alice' };
  const check = (users: readonly KnownUser[], env = {}) => said(checkUsers({ kind: 'users', users }, config(env)));
  const weak = { PPTP_AUTH_METHODS: 'chap-md5', PPTP_MPPE: 'disabled' };

  test('somebody may come in', () => {
    expect(check([alice, { name: 'bob', disabled: true }])).toEqual([
      'ok: The users file /var/lib/pptp-gateway/users.json has 1 user that may come in.',
    ]);
  });
  test('nobody may', () => {
    expect(check([])).toEqual(['fail: The users file /var/lib/pptp-gateway/users.json has no user.']);
    expect(check([{ name: 'bob', disabled: true }])[0]).toMatch(/^fail: .* has 1 users, all of them disabled\.$/);
    expect(check([], { PPTP_PLUGINS: 'my-users' })[0]).toMatch(/^warn/);
  });
  test('no file, and one that cannot be used', () => {
    expect(said(checkUsers({ kind: 'missing' }, usual))[0]).toMatch(
      /^warn: .* the next start makes one with a first user\.$/,
    );
    expect(said(checkUsers({ kind: 'missing' }, config({ PPTP_PLUGINS: 'my-users' })))[0]).toMatch(/^ok/);
    const without = config({ PPTP_PLUGINS: 'my-users', PPTP_USERS_FROM: 'plugins' });
    expect(said(checkUsers({ kind: 'unusable', message: '' }, without))).toEqual([expect.stringMatching(/^ok/)]);
    expect(advice(checkUsers({ kind: 'unusable', message: 'others can read it.' }, usual))).toBe('others can read it.');
  });
  test('methods that need the password itself', () => {
    expect(check([alice], weak)[1]).toBe('fail: chap-md5 need passwords that are stored readably, which "alice" lack.');
    expect(check([{ ...alice, storesPassword: true }], weak)).toHaveLength(1);
    expect(check([alice], { PPTP_AUTH_METHODS: 'ms-chap-v2,chap-md5' })[1]).toMatch(
      /^warn: "alice" cannot log in with chap-md5/,
    );
    expect(check([alice], { ...weak, PPTP_AUTH_METHODS: 'eap', PPTP_EAP_METHODS: 'md5' })[1]).toMatch(/^fail: eap-md5/);
  });
  test('expired passwords that nothing can change', () => {
    const expired = { ...alice, mustChange: true, storesPassword: true };
    expect(check([expired])).toHaveLength(1);
    expect(check([expired], weak)[1]).toMatch(/^warn: The passwords of "alice" have expired/);
  });
  test('of many users a few are named', () => {
    const many = Array.from({ length: 9 }, (_, i) => ({ name: `u${i}` }));
    expect(check(many, weak)[1]).toContain('"u4" and 4 more');
  });
});

describe('certificates', () => {
  const now = Date.UTC(2026, 10, 22);
  const day = 86_400_000;
  const check = (from: number, to: number) =>
    said(checkCertificates({ kind: 'read', subject: 'CN=vpn', from: now + from * day, to: now + to * day, now }));

  test('not used', () => expect(checkCertificates(undefined)).toEqual([]));
  test('of today, soon over, over, not yet', () => {
    expect(check(-9, 99)).toEqual(['ok: The certificate CN=vpn is valid until 2027-03-01.']);
    expect(check(-9, 9)).toEqual(['warn: The certificate CN=vpn expires on 2026-12-01.']);
    expect(check(-9, -1)).toEqual(['fail: The certificate CN=vpn expired on 2026-11-21.']);
    expect(check(1, 9)).toEqual(['fail: The certificate CN=vpn is valid from 2026-11-23 on only.']);
  });
  test('not to be read', () => {
    expect(advice(checkCertificates({ kind: 'unusable', message: 'no PEM file.' }))).toBe('no PEM file.');
  });
});

describe('telemetry', () => {
  test('nothing asked for, nothing said', () => {
    expect(telemetryEndpoints({})).toEqual({ endpoints: [], malformed: [] });
    expect(telemetryEndpoints({ OTEL_TRACES_EXPORTER: 'console' }).endpoints).toEqual([]);
    expect(telemetryEndpoints({ OTEL_SDK_DISABLED: 'true', OTEL_TRACES_EXPORTER: 'otlp' }).endpoints).toEqual([]);
  });
  test('one endpoint for all, one for one', () => {
    const { endpoints } = telemetryEndpoints({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'https://[2001:db8::1]/v1/logs',
      OTEL_METRICS_EXPORTER: 'prometheus',
    });
    expect(endpoints).toEqual([
      { signals: ['traces'], host: 'collector', port: 4318 },
      { signals: ['logs'], host: '2001:db8::1', port: 443 },
    ]);
  });
  test('the usual port of each protocol', () => {
    const port = (protocol: string) =>
      telemetryEndpoints({ OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: protocol }).endpoints[0]?.port;
    expect([port('grpc'), port('http/protobuf')]).toEqual([4317, 4318]);
  });
  test('no secret of a URL is kept', () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://user:s3cret@c:1/?token=s3cret' };
    expect(JSON.stringify(telemetryEndpoints(env))).not.toContain('s3cret');
    const broken = telemetryEndpoints({ OTEL_EXPORTER_OTLP_ENDPOINT: 's3cret c' });
    expect(said(checkTelemetry({ endpoints: [], malformed: broken.malformed }))).toEqual([
      'fail: OTEL_EXPORTER_OTLP_ENDPOINT is no http or https URL.',
    ]);
  });
  test('reached or not', () => {
    const one = { signals: ['traces', 'logs'], host: 'c', port: 4318 };
    expect(said(checkTelemetry({ endpoints: [{ ...one, error: undefined }], malformed: [] }))).toEqual([
      'ok: The OpenTelemetry collector c port 4318 (traces, logs) takes connections.',
    ]);
    expect(said(checkTelemetry({ endpoints: [{ ...one, error: 'ECONNREFUSED' }], malformed: [] }))[0]).toMatch(
      /^warn: .* cannot be reached \(ECONNREFUSED\): traces, metrics or logs are lost, calls are not\.$/,
    );
  });
});

describe('running and state-folder', () => {
  test('what the admin socket says', () => {
    expect(said(checkRunning({ kind: 'off' }))[0]).toMatch(/^ok: The admin socket is off/);
    expect(said(checkRunning({ kind: 'none' }))[0]).toBe('ok: No gateway runs with this configuration.');
    expect(said(checkRunning({ kind: 'answers', tunnels: 1 }))[0]).toBe(
      'ok: A gateway runs and answers; it has 1 tunnel.',
    );
    expect(advice(checkRunning({ kind: 'silent', message: 'no gateway answers.' }))).toBe('no gateway answers.');
  });
  test.each([
    ['writable', false, 'ok'],
    ['missing', true, 'ok'],
    ['missing', false, 'fail'],
    ['refused', false, 'fail'],
  ] as const)('a folder that is %s', (state, canMake, severity) => {
    expect(checkStateFolder({ state, canMake }, usual)[0]?.severity).toBe(severity);
  });
  test('a folder in which nobody can make a file, root neither', async () => {
    const inProc = { ...usual, stateDir: '/proc/sys' };
    expect(await lookAtStateFolder(inProc)).toEqual({ state: 'refused', canMake: false });
    expect(await lookAtStateFolder({ ...usual, stateDir: '/proc/none' })).toEqual({ state: 'missing', canMake: false });
  });
  test('trying it leaves nothing behind', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
    expect(await lookAtStateFolder({ ...usual, stateDir: folder })).toEqual({ state: 'writable', canMake: false });
    const below = { ...usual, stateDir: join(folder, 'a', 'b') };
    expect(await lookAtStateFolder(below)).toEqual({ state: 'missing', canMake: true });
    expect(readdirSync(folder)).toEqual([]);
    rmdirSync(folder);
  });
});

describe('peer', () => {
  const called = {
    kind: 'called',
    hostName: 'srv',
    heardAfter: undefined,
    acknowledged: false,
    sendRefused: false,
    icmp: undefined,
  } as const;
  const last = (facts: PeerFacts) => said(checkPeer('vpn', facts)).at(-1);

  test.each<[PeerFacts, string]>([
    [{ kind: 'unconnected', message: 'ECONNREFUSED' }, 'fail: The control connection to vpn failed.'],
    [{ kind: 'no-socket', message: 'be root' }, 'fail: GRE to vpn could not be tried.'],
    [{ kind: 'no-pptp', detail: 'silence' }, 'fail: vpn takes TCP connections but does not speak PPTP: silence.'],
    [{ kind: 'start-refused', result: 4, error: 0 }, 'fail: vpn refuses the control connection: not-authorized.'],
    [
      { kind: 'call-refused', hostName: 'srv', result: 2, error: 4 },
      'warn: vpn refuses the call, so GRE could not be tried: general-error, error 4 no-resource.',
    ],
    [{ ...called, heardAfter: 12, acknowledged: true }, 'ok: GRE passes both ways between here and vpn (12 ms).'],
    [
      { ...called, heardAfter: 12 },
      'fail: GRE of vpn arrives here, but ours does not arrive there: it acknowledges nothing.',
    ],
    [{ ...called, sendRefused: true }, 'fail: This host refuses to send GRE to vpn.'],
    [
      called,
      'fail: The call to vpn is up, but no GRE comes back: IP protocol 47 is filtered on the way, or the server is silent.',
    ],
    [
      { ...called, icmp: { from: '10.0.0.1', code: 2 } },
      'fail: 10.0.0.1 answers GRE with "protocol unreachable": nothing there takes IP protocol 47.',
    ],
    [{ ...called, icmp: { from: '10.0.0.1', code: 13 } }, 'fail: 10.0.0.1 refuses GRE to vpn: prohibited by a filter.'],
    [{ ...called, icmp: { from: '10.0.0.1', code: 77 } }, 'fail: 10.0.0.1 refuses GRE to vpn: unreachable, code 77.'],
  ])('%j', (facts, expected) => {
    expect(last(facts)).toBe(expected);
    expect(checkPeer('vpn', facts).every((one) => one.severity === 'ok' || one.advice !== undefined)).toBe(true);
  });
});
