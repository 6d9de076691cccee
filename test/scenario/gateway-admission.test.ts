import { describe, expect, it } from 'vitest';
import { address } from '../support/batches.ts';
import { GatewayLab } from '../support/gateway-lab.ts';
import { controlMessages } from '../support/gre-packets.ts';
import { retryingMethod } from '../support/retrying-method.ts';

const authFailures = (lab: GatewayLab) => lab.log.lines.filter(({ event }) => event === 'auth.failed');
const endReasons = (lab: GatewayLab) =>
  lab.log.lines.filter(({ event }) => event === 'session.closed').map(({ fields }) => fields['reason']);

describe('authentication', () => {
  it('with a wrong password leaves one line and no session', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.dial({ password: 'mirror' });
    await lab.clock.advance(20_000);

    expect(authFailures(lab)).toEqual([
      {
        level: 'warn',
        event: 'auth.failed',
        message: expect.stringMatching(
          /^authentication failed .*from 203\.0\.113\.1:40000 by ms-chap-v2: bad-credentials$/,
        ),
        fields: expect.objectContaining({ user: 'alice', denial: 'bad-credentials', retriesLeft: 2 }),
      },
    ]);
    expect(lab.gateway.sessions()).toBe(0);
    expect(client.events.map(({ kind }) => kind)).toEqual(['link-closed', 'call-closed']);
    expect(client.events[0]).toMatchObject({ reason: 'authentication-failed' });
    expect(JSON.stringify(lab.log.lines)).not.toContain('mirror');
    expect(lab.telemetry.traces[0]?.failure).toBeDefined();
  });

  it('lets a peer try another password on the same call', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect({ method: retryingMethod(['mirror', 'wonderland']) });
    expect(client.address).toBe(address('10.99.0.2'));
    expect(authFailures(lab).map(({ fields }) => fields['retriesLeft'])).toEqual([2]);
  });

  it('ends the call after the last attempt allowed', async () => {
    const lab = await GatewayLab.start({ env: { PPTP_AUTH_MAX_ATTEMPTS: '3' } });
    const client = await lab.dial({ method: retryingMethod(['a', 'b', 'c', 'wonderland']) });
    await lab.clock.advance(20_000);
    expect(authFailures(lab).map(({ fields }) => fields['retriesLeft'])).toEqual([2, 1, 0]);
    expect(lab.gateway.sessions()).toBe(0);
    expect(client.peer.network).toBeUndefined();
    expect(endReasons(lab)).toEqual(['authentication-failed']);
  });

  it('of an unknown user reads as a wrong password', async () => {
    const lab = await GatewayLab.start();
    await lab.dial({ user: 'mallory', password: 'x' });
    await lab.clock.advance(20_000);
    expect(authFailures(lab).map(({ fields }) => fields['denial'])).toEqual(['bad-credentials']);
    expect(lab.gateway.sessions()).toBe(0);
  });

  it('takes a domain in front of the name', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect({ user: 'CORP\\alice' });
    expect(client.address).toBe(address('10.99.0.2'));
  });
});

describe('inner addresses', () => {
  it('that are all in use: the next call is closed for lack of one', async () => {
    const lab = await GatewayLab.start({ env: { PPTP_POOL: '10.99.0.0/30' } });
    const first = await lab.connect();
    const second = await lab.dial();
    await lab.clock.advance(10_000);

    expect(second.peer.network).toBeUndefined();
    expect(endReasons(lab)).toEqual(['no-address']);
    expect(lab.log.lines.find(({ event }) => event === 'address.refused')?.message).toContain('enlarge PPTP_POOL');
    // General Error, no-resource (RFC 2637 sections 2.13 and 2.16).
    expect(controlMessages(second.pipe.writtenBy('right')).at(-1)).toMatchObject({
      kind: 'call-disconnect-notify',
      resultCode: 2,
      errorCode: 4,
    });
    expect(lab.gateway.sessions()).toBe(1);
    expect(first.peer.network?.address).toBe(address('10.99.0.2'));
  });

  it('fixed for a user are that user’s and nobody else’s', async () => {
    const lab = await GatewayLab.start({
      users: { alice: { password: 'wonderland' }, bob: { password: 'b', address: address('10.99.0.2') } },
    });
    const alice = await lab.connect();
    const bob = await lab.connect({ user: 'bob', password: 'b' });
    expect([alice.address, bob.address]).toEqual([address('10.99.0.3'), address('10.99.0.2')]);
  });

  it('fixed and in use: the newest log-in of the user gets it and the older tunnel ends', async () => {
    const lab = await GatewayLab.start({ users: { bob: { password: 'b', address: address('10.99.0.77') } } });
    await lab.connect({ user: 'bob', password: 'b' });
    const second = await lab.connect({ user: 'bob', password: 'b' });
    expect(second.address).toBe(address('10.99.0.77'));
    expect(endReasons(lab)).toEqual(['administrative']);
    expect(lab.gateway.sessions()).toBe(1);
  });
});

describe('encryption', () => {
  it('required by the gateway and refused by the client: the call ends, nothing went in the clear', async () => {
    const lab = await GatewayLab.start();
    const client = await lab.dial({ link: { encryption: 'disabled' } });
    await lab.clock.advance(60_000);
    expect(client.peer.network).toBeUndefined();
    expect(lab.gateway.sessions()).toBe(0);
    expect(endReasons(lab)).toEqual(['encryption-required']);
  });

  it('permitted by the gateway and refused by the client: user data goes in the clear', async () => {
    const lab = await GatewayLab.start({ env: { PPTP_MPPE: 'permitted' } });
    const client = await lab.connect({ link: { encryption: 'disabled' } });
    expect(client.peer.encryption).toBeUndefined();
    expect(lab.log.lines.find(({ event }) => event === 'session.up')?.fields['encryption']).toBe('none');
  });
});
