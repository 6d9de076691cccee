import { expect, test } from 'vitest';
import { PATIENCE_MS } from '../support/patience.ts';
import { describeWithLab } from './support/describe-lab.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import { ADDRESSES } from './support/topology.ts';
import { addUser, alice, event } from './support/users.ts';

/** Short enough to wait for, long enough for a slow guest: a dead peer is noticed after 2 s and 3 unanswered echoes. */
const QUICK_ECHO = { PPTP_LCP_ECHO_INTERVAL: '2', PPTP_LCP_ECHO_FAILURES: '3', PPTP_GRE_SILENCE: '3' };

await describeWithLab('what goes wrong', (lab) => {
  let gateway: GatewayProcess;
  let client: Guest;

  test('a wrong password: one log line names user, address and reason; the client is told 691', async () => {
    const stateDirectory = await lab().temporaryDirectory();
    await addUser(lab(), stateDirectory, alice);
    gateway = await lab().startGateway({ stateDirectory, env: QUICK_ECHO });
    client = await lab().guest('c1');
    const result = await client.dial({ ...alice, password: 'not-hers-4711' });
    expect(result).toMatchObject({ up: false, log: expect.stringContaining('E=691 R=1') });
    const failed = await gateway.waitForLog(event('auth.failed'));
    expect(failed.fields).toMatchObject({
      level: 'warn',
      user: 'alice',
      method: 'ms-chap-v2',
      denial: 'bad-credentials',
      peer: expect.stringContaining(client.address),
      msg: expect.stringContaining(client.address),
    });
    expect(gateway.lines.some(({ text }) => text.includes('not-hers-4711'))).toBe(false);
    await gateway.waitForLog(event('session.closed'));
  });

  test('an unknown user is refused the same way', async () => {
    const since = gateway.lines.length;
    expect((await client.dial({ user: 'mallory', password: 'x' })).up).toBe(false);
    const failed = await gateway.waitForLog(event('auth.failed'), PATIENCE_MS, since);
    expect(failed.fields).toMatchObject({ user: 'mallory', denial: 'bad-credentials' });
  });

  test('the right password afterwards: the tunnel comes up', async () => {
    expect(await client.mustDial(alice)).toMatchObject({ up: true, local: '10.78.0.2' });
    await client.hangUp();
  });

  test('a client without encryption is refused, and the log says why', async () => {
    const since = gateway.lines.length;
    expect((await client.dial({ ...alice, mppe: 'none', waitSeconds: 10 })).up).toBe(false);
    const closed = await gateway.waitForLog(event('session.closed'), PATIENCE_MS, since);
    expect(closed.fields).toMatchObject({ reason: 'encryption-required' });
  });

  test('GRE is filtered on the way: the log says so in plain words', async () => {
    await lab().gre('block');
    const since = gateway.lines.length;
    expect((await client.dial({ ...alice, waitSeconds: 6 })).up).toBe(false);
    const blocked = await gateway.waitForLog(event('gre.blocked'), PATIENCE_MS, since);
    expect(blocked.fields['msg']).toMatch(/IP protocol 47 \(GRE\)/);
    await lab().gre('allow');
  });

  test('a killed client: its connection closes, the session is gone and the address is free', async () => {
    expect(await client.mustDial(alice)).toMatchObject({ up: true });
    const since = gateway.lines.length;
    await client.killClient();
    const closed = await gateway.waitForLog(event('session.closed'), PATIENCE_MS, since);
    expect(closed.fields).toMatchObject({
      user: 'alice',
      reason: expect.stringMatching(/^(control-lost|peer-request)$/),
    });
  });

  test('a client that vanishes without a word: gone within the echo time-out, and the address is free again', async () => {
    const { local } = await client.mustDial(alice);
    await client.must(`ping -c 1 -W 20 ${ADDRESSES.intranet}`);
    const since = gateway.lines.length;
    await client.powerOff();
    const closed = await gateway.waitForLog(event('session.closed'), PATIENCE_MS, since);
    expect(closed.fields).toMatchObject({ reason: 'link-dead', address: local });
    const again = await lab().guest('c2');
    expect(await again.mustDial(alice)).toMatchObject({ up: true });
    await again.powerOff();
  });
});
