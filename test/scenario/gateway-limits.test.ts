import { describe, expect, it } from 'vitest';
import { fromHex } from '../../core/bytes/hex.ts';
import { address } from '../support/batches.ts';
import { GatewayLab, type LabPeer, SERVER } from '../support/gateway-lab.ts';
import { contains, controlMessages, sentFrom } from '../support/gre-packets.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';

const HOST = address('10.0.0.80');
const SECOND = 1_000;
const ALICE = { password: 'wonderland' };

const end = (lab: GatewayLab) => lab.log.lines.find(({ event }) => event === 'session.closed')?.fields;
const cdn = (client: LabPeer) =>
  controlMessages(client.pipe.writtenBy('right')).find(({ kind }) => kind === 'call-disconnect-notify');
const talk = (client: { readonly tun: LabPeer['tun']; readonly address: ReturnType<typeof address> }): boolean =>
  client.tun.hostSends(ipv4Packet({ source: client.address, destination: HOST }));

describe('idle time-out', () => {
  const env = { PPTP_IDLE_TIMEOUT: '60', PPTP_LCP_ECHO_INTERVAL: '5' };

  it('ends a session without user data, echoes or not, with an Admin Shutdown', async () => {
    const lab = await GatewayLab.start({ env });
    const client = await lab.connect();
    await lab.clock.advance(58 * SECOND);
    expect(end(lab)).toBeUndefined();
    await lab.clock.advance(5 * SECOND);
    expect(end(lab)).toMatchObject({ reason: 'idle', detail: 'no user data for 60 s' });
    expect(cdn(client)).toMatchObject({ resultCode: 3 });
    expect(lab.gateway.sessions()).toBe(0);
  });

  it.each(['in', 'out'] as const)('counts from the last packet, in whatever direction: %s', async (direction) => {
    const lab = await GatewayLab.start({ env });
    const client = await lab.connect();
    for (let i = 0; i < 5; i += 1) {
      await lab.clock.advance(50 * SECOND);
      if (direction === 'in') talk(client);
      else lab.tun.hostSends(ipv4Packet({ source: HOST, destination: client.address }));
    }
    await lab.clock.advance(59 * SECOND);
    expect(end(lab)).toBeUndefined();
    await lab.clock.advance(5 * SECOND);
    expect(end(lab)).toMatchObject({ reason: 'idle' });
  });

  it('does not count packets that were refused', async () => {
    const lab = await GatewayLab.start({ env });
    const client = await lab.connect();
    await lab.clock.advance(50 * SECOND);
    client.tun.hostSends(ipv4Packet({ source: HOST, destination: HOST }));
    await lab.clock.advance(12 * SECOND);
    expect(lab.telemetry.drops.get('address in spoofed-source')).toBe(1);
    expect(end(lab)).toMatchObject({ reason: 'idle' });
  });

  it('is off by default', async () => {
    const lab = await GatewayLab.start();
    await lab.connect();
    await lab.clock.advance(24 * 3600 * SECOND);
    expect(end(lab)).toBeUndefined();
  });
});

describe('session time-out', () => {
  const env = { PPTP_SESSION_TIMEOUT: '300' };

  it('ends a session however busy it is, once', async () => {
    const lab = await GatewayLab.start({ env });
    const client = await lab.connect();
    for (let i = 0; i < 29; i += 1) {
      await lab.clock.advance(10 * SECOND);
      talk(client);
    }
    expect(end(lab)).toBeUndefined();
    await lab.clock.advance(15 * SECOND);
    expect(end(lab)).toMatchObject({ reason: 'session-timeout', detail: 'the session has lasted 300 s' });
    expect(cdn(client)).toMatchObject({ resultCode: 3 });
    expect(client.events.filter(({ kind }) => kind === 'call-closed')).toHaveLength(1);
  });

  it('what the back-end says of a user wins, both ways', async () => {
    const users = {
      alice: { ...ALICE, limits: { sessionSeconds: 30 } },
      bob: { ...ALICE, limits: { sessionSeconds: 0, idleSeconds: 1000 } },
    };
    const lab = await GatewayLab.start({ env, users });
    await lab.connect();
    await lab.connect({ user: 'bob' });
    const closed = (): unknown[] =>
      lab.log.lines
        .filter(({ event }) => event === 'session.closed')
        .map(({ fields }) => [fields['user'], fields['reason']]);
    await lab.clock.advance(40 * SECOND);
    expect(closed()).toEqual([['alice', 'session-timeout']]);
    await lab.clock.advance(900 * SECOND);
    expect(closed()).toHaveLength(1);
    await lab.clock.advance(100 * SECOND);
    expect(closed()[1]).toEqual(['bob', 'idle']);
  });
});

describe('LCP echoes', () => {
  it('are not sent while packets arrive, and again after the first silence', async () => {
    const lab = await GatewayLab.start({ env: { PPTP_LCP_ECHO_INTERVAL: '30' } });
    const client = await lab.connect({ link: { echoIntervalMs: 0 } });
    const request = fromHex('ff03c02109');
    const asked = (): number =>
      sentFrom(SERVER, lab.wire.seen).filter(({ payload }) => contains(payload, request)).length;
    for (let i = 0; i < 30; i += 1) {
      await lab.clock.advance(10 * SECOND);
      talk(client);
    }
    expect(asked()).toBe(0);
    await lab.clock.advance(40 * SECOND);
    expect(asked()).toBe(1);
  });
});
