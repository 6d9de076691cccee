import { expect, test } from 'vitest';
import type { ExportedSpan } from '../support/exported-span.ts';
import { faultsOf } from '../support/exported-span-check.ts';
import { Collector, eventsOf, SENDS_TRACES } from './support/collector.ts';
import { describeWithLab } from './support/describe-lab.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import { ADDRESSES } from './support/topology.ts';
import { addUser, alice, event } from './support/users.ts';

const SERVER_KIND = 2;
const INNER = '10.78.0.2';
/** A client that vanished is given up after 2 s and 3 echoes. */
const QUICK_ECHO = { PPTP_LCP_ECHO_INTERVAL: '2', PPTP_LCP_ECHO_FAILURES: '3', PPTP_GRE_SILENCE: '3' };

await describeWithLab('the traces of a tunnel', (lab) => {
  let collector: Collector;
  let gateway: GatewayProcess;
  let client: Guest;
  let root: ExportedSpan;

  const only = (name: string): ExportedSpan | undefined => {
    const [span, ...others] = collector.within(root, name);
    return others.length === 0 ? span : undefined;
  };
  const linkToSetUp = () => [{ traceId: root.traceId, spanId: root.spanId }];

  test('a set-up is one trace: a span per phase in order, in them rounds and back-ends', async () => {
    const stateDirectory = await lab().temporaryDirectory();
    await addUser(lab(), stateDirectory, alice);
    collector = await Collector.start(lab());
    const env = { ...SENDS_TRACES, ...QUICK_ECHO };
    [gateway, client] = await Promise.all([lab().startGateway({ stateDirectory, env }), lab().guest('c1')]);
    root = await collector.setUp(() => client.mustDial(alice));
    expect(collector.tree(root)).toEqual([
      'pptp.tunnel.setup',
      '  pptp.setup.control',
      '  pptp.setup.lcp',
      '  pptp.setup.auth',
      '    pptp.auth.round',
      '      pptp.auth.backend',
      '  pptp.setup.address',
      '  pptp.setup.ccp',
      '  pptp.setup.ipcp',
    ]);
    expect(new Set(collector.spans.map(({ traceId }) => traceId)).size).toBe(1);
    expect(faultsOf(collector.spans)).toEqual([]);
  });

  test('its root says who, from where, by which means and to what end', () => {
    expect(root).toMatchObject({ service: 'pptp-gateway', kind: SERVER_KIND, parentSpanId: '', links: [] });
    expect(root.status.code ?? 0).toBe(0);
    expect(root.attributes).toEqual({
      'session.id': expect.stringMatching(/^[0-9a-f]{12}$/),
      'network.transport': 'tcp',
      'network.type': 'ipv4',
      'network.protocol.name': 'pptp',
      'network.local.address': ADDRESSES.gateway,
      'network.peer.address': client.address,
      'network.peer.port': expect.any(Number),
      'client.address': client.address,
      'server.address': ADDRESSES.gateway,
      'pptp.peer.host_name': 'local',
      'pptp.peer.vendor': 'cananian',
      'pptp.call.id': expect.any(Number),
      'pptp.peer_call.id': expect.any(Number),
      'ppp.auth.protocol': 'ms-chap-v2',
      'user.name': 'alice',
      'ppp.mppe.key_bits': 128,
      'ppp.mppe.stateless': true,
      'ppp.mppc': false,
      'ppp.ipcp.address': INNER,
    });
  });

  test('its phases hold every message both ways, and what they came to', () => {
    expect(eventsOf(only('pptp.setup.control'))).toEqual([
      '< pptp.start-control-connection-request',
      '> pptp.start-control-connection-reply',
      '< pptp.outgoing-call-request',
      '> pptp.outgoing-call-reply',
    ]);
    const results = only('pptp.setup.control')?.events.map(({ attributes }) => attributes['pptp.result']);
    expect(results).toEqual([undefined, 'successful', undefined, 'connected']);
    const negotiated = (protocol: string) =>
      ['< configure-request', '> configure-ack', '> configure-request', '< configure-ack'].map((what) =>
        what.replace(' ', ` ${protocol}.`),
      );
    for (const protocol of ['lcp', 'ccp', 'ipcp']) {
      expect(eventsOf(only(`pptp.setup.${protocol}`))).toEqual(expect.arrayContaining(negotiated(protocol)));
    }
    const asked = only('pptp.setup.lcp')?.events.find((one) => one.attributes['network.io.direction'] === 'transmit');
    expect(asked?.attributes['ppp.packet.detail']).toMatch(/auth ms-chap-v2/);
    expect(only('pptp.setup.auth')?.attributes).toEqual({ 'ppp.auth.protocol': 'ms-chap-v2', 'ppp.auth.rounds': 1 });
    expect(eventsOf(only('pptp.auth.round'))).toEqual(['> chap.challenge', '< chap.response', '> chap.success']);
    expect(only('pptp.auth.backend')?.attributes).toEqual({
      'pptp.backend.name': 'user-file',
      'pptp.backend.answer': 'accepted',
      'ppp.auth.proof': 'ms-chap-v2',
    });
    expect(only('pptp.setup.address')?.attributes).toEqual({ 'ppp.ipcp.address': INNER, 'pptp.address.fixed': false });
    expect(only('pptp.setup.ccp')?.attributes).toMatchObject({ 'ppp.mppe.key_bits': 128, 'ppp.mppe.stateless': true });
    expect(only('pptp.setup.ipcp')?.attributes).toEqual({ 'ppp.ipcp.address': INNER });
  });

  test('the log lines of the call carry the id of the trace', () => {
    const session = root.attributes['session.id'];
    const lines = gateway.lines.filter(({ fields }) => fields['session'] === session);
    expect(lines.map(({ fields }) => fields['event'])).toEqual(expect.arrayContaining(['call.opened', 'session.up']));
    expect(new Set(lines.map(({ fields }) => fields['trace_id']))).toEqual(new Set([root.traceId]));
  });

  test('after the client hung up, the end is a trace of its own, linked to the set-up', async () => {
    await client.must(`ping -c 3 -i 0.2 -W 20 ${ADDRESSES.intranet}`);
    await client.hangUp();
    const end = await collector.span('pptp.tunnel.end');
    expect(end.traceId).not.toBe(root.traceId);
    expect(end).toMatchObject({ parentSpanId: '', links: linkToSetUp() });
    expect(end.status.code ?? 0).toBe(0);
    expect(end.attributes).toMatchObject({
      'session.id': root.attributes['session.id'],
      'user.name': 'alice',
      'client.address': client.address,
      'pptp.end.reason': 'peer-request',
    });
    for (const name of ['gre.packets.received', 'gre.packets.sent']) {
      expect(end.attributes[name]).toBeGreaterThan(3);
    }
    expect(eventsOf(end)).toEqual(['< pptp.call-clear-request', '> pptp.call-disconnect-notify']);
  });

  test('of a client that vanished the lost echoes are told, and an end that is an error, linked as well', async () => {
    root = await collector.setUp(() => client.mustDial(alice));
    const session = { 'session.id': root.attributes['session.id'] };
    await client.powerOff();
    for (const name of ['pptp.tunnel.echo_loss', 'pptp.tunnel.end']) {
      const later = await collector.span(name, session);
      expect(later).toMatchObject({ parentSpanId: '', links: linkToSetUp(), status: { code: 2 } });
      expect(later.attributes).toMatchObject({
        ...session,
        'error.type': 'link-dead',
        'client.address': client.address,
      });
    }
    const closed = await gateway.waitForLog(event('session.closed', { session: root.attributes['session.id'] }));
    expect(closed.fields).toMatchObject({ reason: 'link-dead', trace_id: root.traceId });
    expect(faultsOf(collector.spans)).toEqual([]);
  });
});
