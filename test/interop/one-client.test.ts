import { expect, test } from 'vitest';
import { describeWithLab } from './support/describe-lab.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import { ADDRESSES } from './support/topology.ts';
import { addUser, alice, event } from './support/users.ts';

const MEGABYTES_20 = 20 * 1024 * 1024;

await describeWithLab('one Linux client', (lab) => {
  let gateway: GatewayProcess;
  let client: Guest;

  test('dials, authenticates with MS-CHAPv2 and gets MPPE-128 stateless and an address', async () => {
    const stateDirectory = await lab().temporaryDirectory();
    await addUser(lab(), stateDirectory, alice);
    [gateway, client] = await Promise.all([lab().startGateway({ stateDirectory }), lab().guest('c1')]);
    const tunnel = await client.mustDial(alice);
    expect(tunnel).toMatchObject({
      auth: 'chap MS-v2',
      mppe: '128-bit stateless',
      local: '10.78.0.2',
      remote: '10.78.0.1',
    });
    const up = await gateway.waitForLog(event('session.up'));
    expect(up.fields).toMatchObject({ user: 'alice', address: '10.78.0.2', encryption: 'MPPE 128 stateless' });
    console.info(
      `tunnel up ${tunnel.setupMs} ms after the order to dial, ${String(up.fields['setupMs'])} ms after the call`,
    );
  });

  test('pings the intranet host', async () => {
    expect(await client.must(`ping -c 5 -i 0.2 -W 20 ${ADDRESSES.intranet}`)).toContain(' 0% packet loss');
  });

  test('carries 20 MB down and up by TCP, whole', async () => {
    const host = `http://${ADDRESSES.intranet}`;
    const expected = (await lab().intranet(`curl -sS ${host}/sha256/${MEGABYTES_20}`)).output.trim();
    const down = await client.must(`curl -sS ${host}/bytes/${MEGABYTES_20} | tee /tmp/bytes | sha256sum`, {
      timeoutSeconds: 90,
    });
    expect(down.split(' ')[0]).toBe(expected);
    expect((await client.must(`curl -sS -T /tmp/bytes ${host}/sha256`, { timeoutSeconds: 90 })).trim()).toBe(expected);
  });

  test('gets its UDP datagrams back', async () => {
    expect(await client.must(`printf hello | nc -u -w 1 ${ADDRESSES.intranet} 7`)).toBe('hello');
  });

  test('hangs up in good order: the session ends and says so', async () => {
    const closed = gateway.waitForLog(event('session.closed'));
    await client.hangUp();
    expect((await closed).fields).toMatchObject({ user: 'alice', reason: expect.stringMatching(/^peer-/) });
  });

  test('is answered from the address it called, the second of the interface', async () => {
    await client.mustDial({ ...alice, server: ADDRESSES.gatewaySecond });
    await client.must(`ping -c 2 -i 0.2 -W 20 ${ADDRESSES.intranet}`);
    await client.hangUp();
  });
});
