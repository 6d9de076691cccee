import { describe, expect, test } from 'vitest';
import { checkControlPort, type Listener } from '../../../../../gateway/doctor/checks/control-port.ts';
import { checkForwarding } from '../../../../../gateway/doctor/checks/forwarding.ts';
import { checkMtu } from '../../../../../gateway/doctor/checks/mtu.ts';
import { checkPool } from '../../../../../gateway/doctor/checks/pool.ts';
import type { Finding } from '../../../../../gateway/doctor/finding.ts';
import { address } from '../../../../support/batches.ts';
import { advice, configOf, said, usual } from '../../../../support/doctor-findings.ts';

describe('control-port', () => {
  const squid = { pid: 77, name: 'squid', isGateway: false };
  const own = { pid: 5, name: 'node', isGateway: true };
  const check = (listeners: readonly Partial<Listener>[], env = {}) =>
    checkControlPort(
      {
        listeners: listeners.map((one) => ({ address: '0.0.0.0', port: 1723, holder: undefined, ...one })),
        addresses: ['127.0.0.1', '192.0.2.1'],
      },
      configOf(env),
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

describe('forwarding and rp-filter', () => {
  const facts = { forward: '0', canChange: true, rpFilter: new Map<string, string>(), defaultInterfaces: ['eth0'] };
  const byHand = configOf({ PPTP_NETWORK_MANAGE: 'false' });
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
    expect(checkPool(lan, configOf({ PPTP_PROXY_ARP: 'lan0' }))[0]?.severity).toBe('ok');
    expect(checkPool(lan, usual)[0]?.severity).toBe('fail');
  });
  test('the device of a gateway that runs is no conflict, that of another is', () => {
    const running = {
      addresses: [...host.addresses, on('pptp0', '10.99.0.1')],
      routes: [...host.routes, route('pptp0', '10.99.0.0', 24)],
    };
    expect(checkPool(running, usual)[0]?.severity).toBe('ok');
    expect(checkPool(running, configOf({ PPTP_TUN_NAME: 'tunnel' }))[0]?.severity).toBe('fail');
  });
  test('networks behind clients', () => {
    const findings = checkPool(
      { ...host, routes: [route('lan0', '172.16.5.0', 24)] },
      configOf({ PPTP_ROUTES: '172.16.0.0/16' }),
    );
    expect(said(findings)[0]).toMatch(
      /^fail: The client network 172\.16\.0\.0\/16 overlaps the route to 172\.16\.5\.0\/24/,
    );
    expect(advice(findings)).toContain('PPTP_ROUTES');
  });
  test('more calls than addresses', () => {
    const findings = checkPool(host, configOf({ PPTP_POOL: '10.99.0.0/29', PPTP_MAX_CALLS: '20' }));
    expect(said(findings)).toEqual([
      'warn: The pool 10.99.0.0/29 has 5 client addresses, fewer than the 20 calls that are allowed.',
    ]);
  });
});
