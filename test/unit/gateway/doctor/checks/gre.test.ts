import { describe, expect, test } from 'vitest';
import { type ConntrackFacts, checkConntrack, knowsPptp } from '../../../../../gateway/doctor/checks/conntrack.ts';
import { checkGreSocket } from '../../../../../gateway/doctor/checks/gre-socket.ts';
import { checkGreUsers } from '../../../../../gateway/doctor/checks/gre-users.ts';
import { checkPeer, type PeerFacts } from '../../../../../gateway/doctor/checks/peer.ts';
import { advice, said } from '../../../../support/doctor-findings.ts';

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
