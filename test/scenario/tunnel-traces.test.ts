import { describe, expect, it } from 'vitest';
import { chapMd5Method } from '../../plugins/auth-chap-md5/index.ts';
import { GatewayLab } from '../support/gateway-lab.ts';
import type { RecordedSpan } from '../support/memory-telemetry.ts';
import { retryingMethod } from '../support/retrying-method.ts';
import { spansOf, treeOf, undocumented } from '../support/trace-check.ts';

const CONTROL = [
  '  control',
  '    - pptp.start-control-connection-request',
  '    - pptp.start-control-connection-reply',
  '    - pptp.outgoing-call-request',
  '    - pptp.outgoing-call-reply',
];
const LCP = [
  '  lcp',
  '    - lcp.configure-request',
  '    - lcp.configure-request',
  '    - lcp.configure-ack',
  '    - lcp.configure-ack',
];
const ROUND = ['    auth.round', '      - chap.challenge', '      - chap.response', '      - chap.success'];

const only = (lab: GatewayLab) => {
  const [trace, ...others] = lab.telemetry.traces;
  if (trace === undefined || others.length > 0) throw new Error('not one trace');
  return trace;
};
const phase = (lab: GatewayLab, name: string): RecordedSpan | undefined =>
  only(lab).phases.find((one) => one.name === name);
/** What is left open, or named as nobody was told. */
const faults = (lab: GatewayLab): string[] => [
  ...undocumented(lab.telemetry.traces),
  ...lab.telemetry.traces.flatMap(spansOf).flatMap(({ name, span }) => (span.ended ? [] : [`${name} is open`])),
];

describe('a set-up that goes well', () => {
  it('is a tree of phases with every message, the round and the back-end', async () => {
    const lab = await GatewayLab.start();
    await lab.connect();
    expect(treeOf(only(lab))).toEqual([
      'pptp.tunnel.setup',
      ...CONTROL,
      ...LCP,
      '  auth',
      ...ROUND,
      '      auth.backend',
      '  address',
      '  ccp',
      '    - ccp.configure-request',
      '    - ccp.configure-request',
      '    - ccp.configure-ack',
      '    - ccp.configure-ack',
      '  ipcp',
      '    - ipcp.configure-request',
      '    - ipcp.configure-request',
      '    - ipcp.configure-reject',
      '    - ipcp.configure-ack',
      '    - ipcp.configure-request',
      '    - ipcp.configure-nak',
      '    - ipcp.configure-request',
      '    - ipcp.configure-ack',
    ]);
    expect(faults(lab)).toEqual([]);
  });

  it('says who, by which way and to what end', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    const trace = only(lab);
    expect(trace.role).toBe('server');
    expect(trace.attributes).toEqual({
      'session.id': expect.stringMatching(/^[0-9a-f]{12}$/),
      'network.transport': 'tcp',
      'network.type': 'ipv4',
      'network.protocol.name': 'pptp',
      'network.local.address': '198.51.100.1',
      'network.peer.address': '203.0.113.1',
      'network.peer.port': 40000,
      'client.address': '203.0.113.1',
      'server.address': '198.51.100.1',
      'pptp.peer.host_name': 'pptp-gateway',
      'pptp.peer.vendor': 'pptp-gateway',
      'pptp.call.id': client.peer.call?.peerCallId,
      'pptp.peer_call.id': client.peer.call?.localCallId,
      'ppp.auth.protocol': 'ms-chap-v2',
      'user.name': 'alice',
      'ppp.mppe.key_bits': 128,
      'ppp.mppe.stateless': true,
      'ppp.mppc': false,
      'ppp.ipcp.address': '10.99.0.2',
    });
    expect(phase(lab, 'control')?.events.map(({ attributes }) => attributes)).toEqual([
      { 'network.io.direction': 'receive' },
      { 'network.io.direction': 'transmit', 'pptp.result_code': 1, 'pptp.result': 'successful', 'pptp.error_code': 0 },
      { 'network.io.direction': 'receive' },
      { 'network.io.direction': 'transmit', 'pptp.result_code': 1, 'pptp.result': 'connected', 'pptp.error_code': 0 },
    ]);
    expect(phase(lab, 'lcp')?.events[0]?.attributes).toEqual({
      'network.io.direction': 'transmit',
      'ppp.packet.identifier': 1,
      'ppp.packet.detail': 'mru 1400, auth ms-chap-v2, magic, pfc, acfc',
    });
    expect(phase(lab, 'auth')?.steps[0]).toMatchObject({
      attributes: { 'ppp.auth.round': 1, 'ppp.auth.proof': 'ms-chap-v2' },
      steps: [{ attributes: { 'pptp.backend.name': 'memory-users', 'pptp.backend.answer': 'accepted' } }],
    });
    expect(phase(lab, 'address')?.attributes).toEqual({ 'ppp.ipcp.address': '10.99.0.2', 'pptp.address.fixed': false });
    expect(phase(lab, 'ccp')?.attributes).toMatchObject({ 'ppp.mppe.key_bits': 128 });
  });

  it('is told from the other end as well', async () => {
    const lab = await GatewayLab.start();
    const { telemetry } = await lab.connect();
    const [trace] = telemetry.traces;
    expect(trace).toMatchObject({ role: 'client', ended: true, failure: undefined });
    expect(trace?.phases.map(({ name }) => name)).toEqual(['control', 'lcp', 'auth', 'ccp', 'ipcp']);
    expect(trace?.attributes).toMatchObject({
      'network.peer.address': '198.51.100.1',
      'client.address': '203.0.113.1',
      'server.address': '198.51.100.1',
      'ppp.ipcp.address': '10.99.0.2',
    });
    expect(undocumented(telemetry.traces)).toEqual([]);
  });

  it('shows IPV6CP beside IPCP, and no IPv6 where the peer does without', async () => {
    const env = { PPTP_IPV6_POOL: 'fd00:99::/48' };
    const lab = await GatewayLab.start({ env });
    await lab.connect({ link: { ipv6: true } });
    expect(phase(lab, 'ipv6cp')).toMatchObject({ ended: true, failure: undefined });
    expect(phase(lab, 'ipv6cp')?.attributes).toEqual({ 'ppp.ipv6.prefix': 'fd00:99:0:1::/64' });
    expect(faults(lab)).toEqual([]);

    const without = await GatewayLab.start({ env });
    await without.connect();
    expect(phase(without, 'ipv6cp')?.failure?.error).toBe('no-ipv6');
    expect(only(without)).toMatchObject({ ended: true, failure: undefined });
    expect(faults(without)).toEqual([]);
  });

  it('shows every round of an authentication', async () => {
    const lab = await GatewayLab.start();
    await lab.connect({ method: retryingMethod(['mirror', 'hatter', 'wonderland']) });
    const rounds = phase(lab, 'auth')?.steps ?? [];
    expect(rounds.map(({ failure }) => failure?.error)).toEqual(['bad-credentials', 'bad-credentials', undefined]);
    expect(rounds.map(({ attributes }) => attributes['ppp.auth.round'])).toEqual([1, 2, 3]);
    expect(rounds.map(({ events }) => events.map(({ name }) => name))).toEqual([
      ['chap.challenge', 'chap.response', 'chap.failure'],
      ['chap.response', 'chap.failure'],
      ['chap.response', 'chap.success'],
    ]);
    expect(rounds.map(({ steps }) => steps.map((step) => step.attributes['pptp.backend.answer']))).toEqual([
      ['bad-credentials'],
      ['bad-credentials'],
      ['accepted'],
    ]);
    expect(only(lab).failure).toBeUndefined();
    expect(faults(lab)).toEqual([]);
  });
});

describe('a set-up that fails', () => {
  it('wrong password', async () => {
    const lab = await GatewayLab.start();
    await lab.dial({ password: 'mirror' });
    await lab.clock.advance(20_000);
    expect(treeOf(only(lab))).toEqual([
      'pptp.tunnel.setup (authentication-failed)',
      '  - lcp.terminate-request',
      '  - lcp.terminate-ack',
      '  - lcp.peer-terminated',
      '  - pptp.call-clear-request',
      '  - pptp.call-disconnect-notify',
      ...CONTROL,
      ...LCP,
      '  auth (authentication-failed)',
      '    auth.round (bad-credentials)',
      '      - chap.challenge',
      '      - chap.response',
      '      - chap.failure',
      '      auth.backend',
    ]);
    expect(only(lab).failure?.message).toMatch(/^ms-chap-v2: wrong user name or password/);
    expect(only(lab).attributes).toMatchObject({ 'user.name': 'alice', 'pptp.end.reason': 'peer-request' });
    expect(faults(lab)).toEqual([]);
  });

  it('no common method', async () => {
    const lab = await GatewayLab.start();
    await lab.dial({ method: chapMd5Method() });
    await lab.clock.advance(20_000);
    const trace = only(lab);
    expect(trace.phases.map(({ name, failure }) => [name, failure?.error])).toEqual([
      ['control', undefined],
      ['lcp', 'authentication-failed'],
    ]);
    expect(trace.failure?.message).toMatch(/^no common authentication method: we allow ms-chap-v2; the peer /);
    const refusal = phase(lab, 'lcp')?.events.find(({ name }) => name === 'lcp.configure-nak');
    expect(refusal?.attributes).toMatchObject({
      'network.io.direction': 'receive',
      'ppp.packet.detail': 'auth chap-md5',
    });
    expect(faults(lab)).toEqual([]);
  });

  it('encryption refused', async () => {
    const lab = await GatewayLab.start();
    await lab.dial({ link: { encryption: 'disabled' } });
    await lab.clock.advance(60_000);
    const trace = only(lab);
    expect(trace.phases.map(({ name, failure }) => [name, failure?.error])).toEqual([
      ['control', undefined],
      ['lcp', undefined],
      ['auth', undefined],
      ['address', undefined],
      ['ccp', 'encryption-required'],
    ]);
    expect(trace.failure?.error).toBe('encryption-required');
    expect(faults(lab)).toEqual([]);
  });

  it('GRE filtered', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.dial();
    lab.wire.filter = ({ outerSource }) => outerSource !== client.outer;
    await lab.clock.advance(60_000);
    const trace = only(lab);
    expect(trace.phases.map(({ name, failure }) => [name, failure?.error])).toEqual([
      ['control', undefined],
      ['lcp', 'no-gre'],
    ]);
    expect(trace.failure).toMatchObject({ error: 'no-gre', message: expect.stringContaining('IP protocol 47') });
    expect(trace.events.map(({ name }) => name)).toContain('gre.blocked');
    expect(trace.attributes).toMatchObject({ 'gre.packets.received': 0, 'pptp.end.reason': 'no-gre' });
    expect(faults(lab)).toEqual([]);
  });

  it('pool empty', async () => {
    const users = { alice: { password: 'wonderland' }, bob: { password: 'builder' } };
    const lab = await GatewayLab.start({ users, env: { PPTP_POOL: '10.99.0.0/30' } });
    await lab.connect();
    await lab.dial({ user: 'bob', password: 'builder' });
    await lab.clock.advance(20_000);
    const trace = lab.telemetry.traces[1];
    expect(trace?.phases.map(({ name, failure }) => [name, failure?.error])).toEqual([
      ['control', undefined],
      ['lcp', undefined],
      ['auth', undefined],
      ['address', 'no-address'],
    ]);
    expect(trace?.phases[3]?.attributes).toEqual({ 'pptp.address.refusal': 'exhausted' });
    expect(trace?.failure).toEqual({
      error: 'no-address',
      message: 'no inner address is free: enlarge PPTP_POOL',
    });
    expect(undocumented(lab.telemetry.traces)).toEqual([]);
  });
});

describe('a control connection without a call', () => {
  const GARBAGE = new Uint8Array(200).fill(0x47);

  it('is a failed trace: octets that are no control message', async () => {
    const lab = await GatewayLab.start();
    lab.line().pipe.left.write(GARBAGE);
    await lab.clock.advance(1_000);
    const trace = only(lab);
    expect(trace).toMatchObject({ ended: true, failure: { error: 'bad-message' }, phases: [{ name: 'control' }] });
    expect(trace.attributes).toMatchObject({ 'client.address': '203.0.113.1', 'network.protocol.name': 'pptp' });
    expect(faults(lab)).toEqual([]);
  });

  it('is a failed trace at both ends: a call that is refused', async () => {
    const lab = await GatewayLab.start();
    lab.refuse = { resultCode: 7, errorCode: 0 };
    const { telemetry } = await lab.dial();
    await lab.clock.advance(5_000);
    expect(treeOf(only(lab))).toEqual([
      'pptp.tunnel.setup (call-refused)',
      '  control (call-refused)',
      ...CONTROL.slice(1),
      '    - pptp.stop-control-connection-request',
      '    - pptp.stop-control-connection-reply',
    ]);
    expect(phase(lab, 'control')?.events[3]?.attributes).toMatchObject({ 'pptp.result': 'do-not-accept' });
    expect(telemetry.traces[0]).toMatchObject({ role: 'client', failure: { error: 'do-not-accept' } });
    expect([...faults(lab), ...undocumented(telemetry.traces)]).toEqual([]);
  });

  it('leaves no trace when nothing was said', async () => {
    const lab = await GatewayLab.start();
    lab.line().pipe.left.end();
    await lab.clock.advance(60_000);
    expect(lab.telemetry.traces).toEqual([]);
    expect(lab.telemetry.events).toContainEqual({ name: 'control.no-call', attributes: { error: 'no-start-request' } });
  });

  it('is one of few in a minute, and the next one says how many were left out', async () => {
    const lab = await GatewayLab.start();
    for (let n = 0; n < 25; n += 1) lab.line().pipe.left.write(GARBAGE);
    await lab.clock.advance(1_000);
    expect(lab.telemetry.traces).toHaveLength(20);
    await lab.clock.advance(60_000);
    lab.line().pipe.left.write(GARBAGE);
    await lab.clock.advance(1_000);
    expect(lab.telemetry.traces).toHaveLength(21);
    expect(lab.telemetry.traces[20]?.attributes['pptp.trace.suppressed']).toBe(5);
    expect(lab.telemetry.events.filter(({ name }) => name === 'control.no-call')).toHaveLength(26);
    expect(faults(lab)).toEqual([]);
  });
});
