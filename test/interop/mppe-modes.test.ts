import { expect, test } from 'vitest';
import { describeWithLab } from './support/describe-lab.ts';
import type { ClientMppe } from './support/dial.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import type { Lab } from './support/lab.ts';
import { ADDRESSES } from './support/topology.ts';
import { addUser, alice, event } from './support/users.ts';

const MEGABYTE = 1024 * 1024;
const HOST = `http://${ADDRESSES.intranet}`;

/** What the gateway allows, what the client wants, and what pppd and our log then say. */
const MODES = [
  [{ PPTP_MPPE_STRENGTHS: '40' }, '40', '40-bit stateless', 'MPPE 40 stateless'],
  // pppd asks for 40 bits alone when it may choose.
  [{ PPTP_MPPE_STRENGTHS: '40,128' }, 'any', '40-bit stateless', 'MPPE 40 stateless'],
  [{ PPTP_MPPE_STATEFUL: 'prefer' }, '128-stateful', '128-bit stateful', 'MPPE 128 stateful'],
  [{ PPTP_MPPE_STATEFUL: 'prefer', PPTP_MPPE_STRENGTHS: '40' }, '40-stateful', '40-bit stateful', 'MPPE 40 stateful'],
  // Linux knows no MPPC.
  [{ PPTP_MPPC: 'prefer' }, '128', '128-bit stateless', 'MPPE 128 stateless'],
  [{ PPTP_MPPE: 'disabled' }, 'none', 'none', 'none'],
] as const satisfies readonly (readonly [Readonly<Record<string, string>>, ClientMppe, string, string])[];

/** Carries a megabyte each way through the tunnel and compares. */
const carryBothWays = async (lab: Lab, client: Guest): Promise<void> => {
  const expected = (await lab.intranet(`curl -sS ${HOST}/sha256/${MEGABYTE}`)).output.trim();
  const down = await client.must(`curl -sS -m 50 ${HOST}/bytes/${MEGABYTE} | tee /tmp/bytes | sha256sum`);
  expect(down.split(' ')[0]).toBe(expected);
  expect((await client.must(`curl -sS -m 50 -T /tmp/bytes ${HOST}/sha256`)).trim()).toBe(expected);
};

await describeWithLab('encryption with Linux clients', (lab) => {
  let client: Guest | undefined;
  const withGateway = async (
    env: Readonly<Record<string, string>>,
    use: (gateway: GatewayProcess, client: Guest) => Promise<void>,
  ): Promise<void> => {
    const stateDirectory = await lab().temporaryDirectory();
    await addUser(lab(), stateDirectory, alice);
    const gateway = await lab().startGateway({ stateDirectory, env });
    client ??= await lab().guest('c1');
    try {
      await use(gateway, client);
    } finally {
      await client.hangUp();
      await gateway.stop();
    }
  };

  test.each(MODES)('gateway %j, client %s: %s', async (env, mppe, said, encryption) => {
    await withGateway(env, async (gateway, guest) => {
      const tunnel = await guest.mustDial({ ...alice, mppe });
      expect(tunnel.mppe).toBe(said);
      expect((await gateway.waitForLog(event('session.up'))).fields).toMatchObject({ encryption });
      await carryBothWays(lab(), guest);
    });
  });

  test.each([
    ['40 where 128 is required', {}, '40'],
    ['stateful where it is off', {}, '128-stateful'],
    ['stateless where stateful is preferred', { PPTP_MPPE_STATEFUL: 'prefer' }, '128'],
  ] as const)('%s: refused or brought to what is allowed', async (_name, env, mppe) => {
    await withGateway(env, async (gateway, guest) => {
      const result = await guest.dial({ ...alice, mppe });
      // A client that may be stateful need not be.
      if (mppe === '128-stateful') expect(result).toMatchObject({ up: true, mppe: '128-bit stateless' });
      else {
        expect(result.up).toBe(false);
        const closed = await gateway.waitForLog(event('session.closed'));
        // pppd that insists on a mode hangs up before we do, and says why.
        expect(closed.fields['setupDetail']).toContain('MPPE required but peer negotiation failed');
      }
    });
  });
});
