import { expect, test } from 'vitest';
import type { ExportedSpan } from '../support/exported-span.ts';
import { faultsOf } from '../support/exported-span-check.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { Collector, eventsOf, SENDS_TRACES } from './support/collector.ts';
import { describeWithLab } from './support/describe-lab.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import { addUser, alice, bob, event } from './support/users.ts';

/** A pool with one client address, more calls than that, and no long wait for GRE that never comes. */
const SETTINGS = {
  PPTP_POOL: '10.78.0.0/30',
  PPTP_MAX_CALLS: '4',
  PPTP_PPP_MAX_CONFIGURE: '4',
  PPTP_PPP_RESTART_TIMER: '1',
  PPTP_GRE_SILENCE: '2',
};
const AUTHENTICATED = ['  pptp.setup.auth', '    pptp.auth.round', '      pptp.auth.backend'];

await describeWithLab('the traces of set-ups that fail', (lab) => {
  let collector: Collector;
  let gateway: GatewayProcess;
  let client: Guest;
  let other: Guest;

  /** The failed set-up: root and failed phase say the same; the log line of the end has the same trace. */
  const failed = async (dial: () => Promise<unknown>, phase: string): Promise<ExportedSpan> => {
    const since = gateway.lines.length;
    const root = await collector.setUp(dial);
    expect(root.status).toEqual({ code: 2, message: expect.stringMatching(/\w+ \w+/) });
    const [child, ...more] = collector.within(root, phase);
    expect(more).toEqual([]);
    expect(child).toMatchObject({
      status: root.status,
      attributes: { 'error.type': root.attributes['error.type'] },
    });
    expect(root.attributes).toMatchObject({
      'client.address': expect.any(String),
      'gre.packets.sent': expect.any(Number),
    });
    const closed = await gateway.waitForLog(event('session.closed'), PATIENCE_MS, since);
    expect(closed.fields).toMatchObject({
      trace_id: root.traceId,
      session: root.attributes['session.id'],
      reason: root.attributes['pptp.end.reason'],
    });
    return root;
  };

  test('boots', async () => {
    const stateDirectory = await lab().temporaryDirectory();
    for (const user of [alice, bob]) await addUser(lab(), stateDirectory, user);
    collector = await Collector.start(lab());
    const env = { ...SENDS_TRACES, ...SETTINGS };
    [gateway, client, other] = await Promise.all([
      lab().startGateway({ stateDirectory, env }),
      lab().guest('c1'),
      lab().guest('c2'),
    ]);
  });

  test('wrong password: the round failed after the back-end had answered', async () => {
    const root = await failed(() => client.dial({ ...alice, password: 'not it' }), 'pptp.setup.auth');
    expect(collector.tree(root)).toEqual([
      'pptp.tunnel.setup ! authentication-failed',
      '  pptp.setup.control',
      '  pptp.setup.lcp',
      '  pptp.setup.auth ! authentication-failed',
      '    pptp.auth.round ! bad-credentials',
      '      pptp.auth.backend',
    ]);
    expect(root.status.message).toMatch(/^ms-chap-v2: wrong user name or password/);
    expect(root.attributes).toMatchObject({ 'user.name': 'alice', 'ppp.auth.protocol': 'ms-chap-v2' });
    const [round] = collector.within(root, 'pptp.auth.round');
    expect(eventsOf(round)).toEqual(['> chap.challenge', '< chap.response', '> chap.failure']);
    const [backEnd] = collector.within(root, 'pptp.auth.backend');
    expect(backEnd?.attributes['pptp.backend.answer']).toBe('bad-credentials');
    expect(eventsOf(root)).toContain('< lcp.terminate-request');
  });

  test('no common authentication method: LCP says what either side wants', async () => {
    const root = await failed(() => client.dial({ ...alice, auth: 'pap' }), 'pptp.setup.lcp');
    expect(collector.tree(root)).toEqual([
      'pptp.tunnel.setup ! authentication-failed',
      '  pptp.setup.control',
      '  pptp.setup.lcp ! authentication-failed',
    ]);
    expect(root.status.message).toBe('no common authentication method: we allow ms-chap-v2; the peer offers pap');
    const [lcp] = collector.within(root, 'pptp.setup.lcp');
    const refusal = lcp?.events.find(({ name }) => name === 'lcp.configure-nak');
    expect(refusal?.attributes).toMatchObject({ 'network.io.direction': 'receive', 'ppp.packet.detail': 'auth pap' });
    expect(eventsOf(root)).toContain('> pptp.call-disconnect-notify');
  });

  test('encryption refused: CCP failed, and IPCP was never begun', async () => {
    const root = await failed(() => client.dial({ ...alice, mppe: 'none', waitSeconds: 10 }), 'pptp.setup.ccp');
    expect(collector.tree(root)).toEqual([
      'pptp.tunnel.setup ! encryption-required',
      '  pptp.setup.control',
      '  pptp.setup.lcp',
      ...AUTHENTICATED,
      '  pptp.setup.address',
      '  pptp.setup.ccp ! encryption-required',
    ]);
    expect(root.status.message).toMatch(/^no agreement on MPPE: we allow 128-bit stateless; the peer /);
    expect(root.attributes['ppp.mppe.key_bits']).toBeUndefined();
  });

  test('pool empty: no address for the second client, who is authenticated', async () => {
    await collector.setUp(() => client.mustDial(alice));
    const root = await failed(() => other.dial({ ...bob, waitSeconds: 10 }), 'pptp.setup.address');
    expect(collector.tree(root)).toEqual([
      'pptp.tunnel.setup ! no-address',
      '  pptp.setup.control',
      '  pptp.setup.lcp',
      ...AUTHENTICATED,
      '  pptp.setup.address ! no-address',
    ]);
    expect(root.status.message).toMatch(/PPTP_POOL/);
    expect(root.attributes).toMatchObject({ 'user.name': 'bob', 'client.address': other.address });
    const [address] = collector.within(root, 'pptp.setup.address');
    expect(address?.attributes['pptp.address.refusal']).toBe('exhausted');
    await client.hangUp();
  });

  test('GRE filtered: TCP is fine, then LCP asks again and again and hears nothing', async () => {
    await lab().gre('block');
    const root = await failed(() => client.dial({ ...alice, waitSeconds: 10 }), 'pptp.setup.lcp');
    await lab().gre('allow');
    expect(collector.tree(root)).toEqual([
      'pptp.tunnel.setup ! no-gre',
      '  pptp.setup.control',
      '  pptp.setup.lcp ! no-gre',
    ]);
    expect(root.status.message).toMatch(/IP protocol 47/);
    expect(root.attributes).toMatchObject({ 'gre.packets.received': 0, 'gre.packets.sent': 4 });
    const [lcp] = collector.within(root, 'pptp.setup.lcp');
    expect(eventsOf(lcp)).toEqual(Array.from({ length: 4 }, () => '> lcp.configure-request'));
    expect(eventsOf(root)).toContain('gre.blocked');
  });

  test('all of it is as documented, and holds nothing of a password', async () => {
    expect(faultsOf(collector.spans)).toEqual([]);
    expect(collector.bodies.filter((body) => /sesame|not it|battery/.test(body))).toEqual([]);
  });
});
