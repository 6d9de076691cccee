import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../core/bytes/bytes.ts';
import { address } from '../support/batches.ts';
import { GatewayLab, type LabPeer } from '../support/gateway-lab.ts';
import { grePacket, injectGre, sentFrom } from '../support/gre-packets.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';
import type { RecordedSpan } from '../support/memory-telemetry.ts';
import { undocumented } from '../support/trace-check.ts';

const HOST = address('10.0.0.80');

const later = (lab: GatewayLab): readonly RecordedSpan[] => lab.telemetry.traces[0]?.later ?? [];
const named = (lab: GatewayLab, name: string): readonly RecordedSpan[] =>
  later(lab).filter((span) => span.name === name);
const check = (lab: GatewayLab): void => {
  expect(undocumented(lab.telemetry.traces)).toEqual([]);
  expect(later(lab).filter(({ ended }) => !ended)).toEqual([]);
};
/** The gateway gets PPP frames in the name of the client, each with the next GRE number. */
const say = (lab: GatewayLab, client: LabPeer, ...frames: readonly (readonly number[])[]): void => {
  const call = client.peer.call;
  if (call === undefined) throw new Error('no call');
  const last = Math.max(...sentFrom(client.outer, lab.wire.seen).map(({ sequence }) => sequence));
  const packets = frames.map((frame, at) =>
    grePacket(call.peerCallId, last + 1 + at, concatBytes(Uint8Array.of(0xff, 0x03), Uint8Array.from(frame))),
  );
  injectGre(client, ...packets);
};

describe('the later life of a tunnel', () => {
  it('ends in a span with the reason, the messages and the numbers', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    await lab.clock.advance(20_000);
    client.peer.hangUp();
    await lab.clock.advance(1_000);
    const [end, ...others] = later(lab);
    expect(others).toEqual([]);
    expect(end).toMatchObject({ name: 'end', ended: true, failure: undefined });
    expect(end?.attributes).toMatchObject({ 'pptp.end.reason': 'peer-request', 'pptp.tunnel.seconds': 21 });
    expect(Number(end?.attributes['gre.packets.received'])).toBeGreaterThan(5);
    expect(end?.events.map(({ name }) => name)).toEqual(['pptp.call-clear-request', 'pptp.call-disconnect-notify']);
    check(lab);
  });

  it('shows the limit that ends it', async () => {
    const lab = await GatewayLab.start({ env: { PPTP_IDLE_TIMEOUT: '60' } });
    await lab.connect();
    await lab.clock.advance(90_000);
    expect(later(lab).map(({ name }) => name)).toEqual(['limit_reached', 'end']);
    expect(named(lab, 'limit_reached')[0]?.attributes).toMatchObject({ 'pptp.limit': 'idle' });
    expect(named(lab, 'end')[0]).toMatchObject({ failure: undefined, attributes: { 'pptp.end.reason': 'idle' } });
    check(lab);
  });

  it('shows echoes without an answer, and that the peer came back', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    lab.wire.filter = ({ outerSource }) => outerSource !== client.outer;
    await lab.clock.advance(100_000);
    lab.wire.filter = () => true;
    await lab.clock.advance(60_000);
    expect(lab.gateway.sessions()).toBe(1);
    const [loss, ...others] = later(lab);
    expect(others).toEqual([]);
    expect(loss).toMatchObject({ name: 'echo_loss', failure: undefined, attributes: { 'ppp.echo.lost': 3 } });
    check(lab);
  });

  it('shows echoes without an answer until the end', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    lab.wire.filter = ({ outerSource }) => outerSource !== client.outer;
    await lab.clock.advance(200_000);
    expect(later(lab).map(({ name, failure }) => [name, failure?.error])).toEqual([
      ['echo_loss', 'link-dead'],
      ['end', 'link-dead'],
    ]);
    expect(named(lab, 'echo_loss')[0]?.attributes['ppp.echo.lost']).toBe(4);
    check(lab);
  });

  it('shows a new negotiation, phase by phase', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect();
    say(lab, client, [0xc0, 0x21, 1, 77, 0, 4]);
    await lab.clock.advance(20_000);
    expect(lab.gateway.sessions()).toBe(1);
    const [again, ...others] = later(lab);
    expect(others).toEqual([]);
    expect(again).toMatchObject({ name: 'renegotiation', ended: true, failure: undefined });
    // The client knows nothing of it, and answers the gateway's request with a negotiation of its own.
    expect(again?.steps.map(({ name, failure }) => [name, failure?.error])).toEqual([
      ['lcp', undefined],
      ['auth', 'renegotiated'],
      ['lcp', undefined],
      ['auth', undefined],
      ['address', undefined],
      ['ccp', undefined],
      ['ipcp', undefined],
    ]);
    expect(again?.steps[3]?.steps.map(({ name }) => name)).toEqual(['auth.round']);
    check(lab);
  });

  it('shows that IPv6 is withdrawn', async () => {
    const lab = await GatewayLab.start({ env: { PPTP_IPV6_POOL: 'fd00:99::/48' } });
    const client = await lab.connect({ link: { ipv6: true } });
    say(lab, client, [0x80, 0x57, 5, 9, 0, 4]);
    await lab.clock.advance(100);
    expect(named(lab, 'prefix_withdrawn')[0]?.attributes).toEqual({ 'ppp.ipv6.prefix': 'fd00:99:0:1::/64' });
    check(lab);
  });

  it('shows a changed password', async () => {
    const lab = await GatewayLab.start({ users: { alice: { password: 'wonderland', expired: true } } });
    await lab.connect({ link: { newPassword: 'looking-glass' } });
    expect(named(lab, 'password_change')).toHaveLength(1);
    const rounds = lab.telemetry.traces[0]?.phases.find(({ name }) => name === 'auth')?.steps;
    expect(rounds?.map(({ failure, attributes }) => [failure?.error, attributes['ppp.auth.proof']])).toEqual([
      ['expired', 'ms-chap-v2'],
      [undefined, 'ms-chap-v2-change'],
    ]);
    check(lab);
  });

  it('shows who asked to begin MPPE anew, a bounded number of times', async () => {
    const lab = await GatewayLab.start({ env: { PPTP_MPPE_STATEFUL: 'prefer' } });
    const client = await lab.connect({ link: { statefulMppe: 'prefer' } });
    for (let n = 0; n < 15; n += 1) {
      say(lab, client, [0x80, 0xfd, 14, n, 0, 4]);
      await lab.clock.advance(10);
    }
    expect(named(lab, 'mppe_reset')).toHaveLength(10);
    expect(named(lab, 'mppe_reset')[0]?.attributes).toEqual({ 'mppe.reset.by': 'peer' });
    await lab.clock.advance(60_000);
    say(lab, client, [0x80, 0xfd, 14, 99, 0, 4]);
    await lab.clock.advance(10);
    expect(named(lab, 'mppe_reset')[10]?.attributes['pptp.trace.suppressed']).toBe(5);
    check(lab);
  });

  it('shows that the gateway lost synchronisation', async () => {
    const lab = await GatewayLab.start({ env: { PPTP_MPPE_STATEFUL: 'prefer' } });
    const client = await lab.connect({ link: { statefulMppe: 'prefer' } });
    const send = (n: number): boolean =>
      client.tun.hostSends(ipv4Packet({ source: client.address, destination: HOST, identification: n }));
    send(1);
    await lab.clock.advance(10);
    lab.wire.filter = ({ outerSource }) => outerSource !== client.outer;
    send(2);
    await lab.clock.advance(10);
    lab.wire.filter = () => true;
    send(3);
    await lab.clock.advance(1_000);
    expect(named(lab, 'mppe_reset').map(({ attributes }) => attributes)).toEqual([{ 'mppe.reset.by': 'gateway' }]);
    check(lab);
  });
});
