import { expect, test } from 'vitest';
import { describeWithLab } from './support/describe-lab.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import type { Lab } from './support/lab.ts';
import { ADDRESSES } from './support/topology.ts';
import { addUser, alice, event } from './support/users.ts';

/** What the gateway leaves on its host: tunnel devices, packet filter tables, routes to the pool, forwarding. */
async function traces(lab: Lab): Promise<{
  readonly devices: string;
  readonly tables: string;
  readonly routes: string;
  readonly forwarding: string;
}> {
  const ask = async (command: string): Promise<string> => (await lab.inGateway(command)).output.trim();
  return {
    devices: await ask('ip -br link show type tun | cut -d" " -f1'),
    tables: await ask('nft list tables'),
    routes: await ask('ip route show 10.78.0.0/24'),
    forwarding: await ask('cat /proc/sys/net/ipv4/ip_forward'),
  };
}
const NOTHING = { devices: '', tables: '', routes: '', forwarding: '0' };

await describeWithLab('the life of a gateway', (lab) => {
  let gateway: GatewayProcess;
  let client: Guest;
  let stateDirectory: string;

  test('running, it has a device, a table, a route, and forwards', async () => {
    stateDirectory = await lab().temporaryDirectory();
    await addUser(lab(), stateDirectory, alice);
    expect(await traces(lab())).toEqual(NOTHING);
    [gateway, client] = await Promise.all([lab().startGateway({ stateDirectory }), lab().guest('c1')]);
    expect(await traces(lab())).toEqual({
      devices: 'pptp0',
      tables: expect.stringContaining('pptp_gateway'),
      routes: expect.stringContaining('dev pptp0'),
      forwarding: '1',
    });
  });

  test('a second gateway on the same port says so in one line and leaves nothing', async () => {
    const second = await lab().gatewayCommand(['run', '--set', 'tun.name=second0'], await lab().temporaryDirectory());
    expect(second.status).toBe(1);
    expect(second.errors.trim().split('\n').at(-1)).toMatch(/^pptp-gateway: PORT_TAKEN: .*1723/);
    expect((await traces(lab())).devices).toBe('pptp0');
  });

  test('SIGTERM: the client gets a Call-Disconnect-Notify and everything is taken back', async () => {
    await client.mustDial(alice);
    expect(await gateway.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(gateway.lines.find(event('session.closed'))?.fields).toMatchObject({ user: 'alice', reason: 'shutdown' });
    expect(await traces(lab())).toEqual(NOTHING);
    expect(await client.log()).toMatch(
      /Call disconnect notification received|Received Call Disconnect Notify|Call disconnect/i,
    );
    await client.killClient();
  });

  test('kill -9: the next start cleans up and serves', async () => {
    gateway = await lab().startGateway({ stateDirectory });
    await client.mustDial(alice);
    await gateway.stop('SIGKILL');
    expect((await traces(lab())).tables).toContain('pptp_gateway');
    await client.killClient();
    gateway = await lab().startGateway({ stateDirectory });
    expect((await traces(lab())).tables.split('\n')).toHaveLength(1);
    await client.mustDial(alice);
    await client.must(`ping -c 2 -i 0.2 -W 20 ${ADDRESSES.intranet}`);
    await gateway.stop('SIGTERM');
    expect(await traces(lab())).toEqual(NOTHING);
  });
});
