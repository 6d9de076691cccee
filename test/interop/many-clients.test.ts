import { describe, expect, test } from 'vitest';
import { describeWithLab } from './support/describe-lab.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import { ADDRESSES } from './support/topology.ts';
import { addUser, alice, bob, event } from './support/users.ts';

await describeWithLab('several Linux clients', (lab) => {
  let gateway: GatewayProcess;
  const openedCalls = () => gateway.lines.filter(event('call.opened')).map(({ fields }) => fields);

  test('the gateway starts with two users', async () => {
    const stateDirectory = await lab().temporaryDirectory();
    for (const user of [alice, bob]) await addUser(lab(), stateDirectory, user);
    gateway = await lab().startGateway({ stateDirectory });
  });

  test('two at once have a tunnel each, reach the intranet and each other', async () => {
    const [first, second] = await Promise.all([lab().guest('c1'), lab().guest('c2')]);
    const route = '10.0.0.0/8';
    const [one, two] = await Promise.all([first.mustDial({ ...alice, route }), second.mustDial({ ...bob, route })]);
    expect(new Set([one.local, two.local]).size).toBe(2);
    await Promise.all([first, second].map((guest) => guest.must(`ping -c 3 -i 0.2 -W 20 ${ADDRESSES.intranet}`)));
    await first.must(`ping -c 3 -i 0.2 -W 20 ${two.local}`);
    // Past the tunnel, over the outer network, the inner address is out of reach (R11).
    await second.must(`ip route add ${one.local}/32 via ${ADDRESSES.gateway}`);
    expect((await second.exec(`ping -c 2 -i 0.2 -W 1 ${one.local}`)).status).not.toBe(0);
    await Promise.all([first.hangUp(), second.hangUp()]);
    await Promise.all([first.powerOff(), second.powerOff()]);
  });

  describe('behind one NAT address', () => {
    let clients: readonly [Guest, Guest];
    const CALL_ID = 4660;

    /** Dials with both, shows that each has a tunnel of its own, and hangs up; the calls as the gateway saw them. */
    async function callBoth(servers: readonly [string, string]) {
      const before = openedCalls().length;
      for (const [index, client] of clients.entries()) {
        const user = index === 0 ? alice : bob;
        await client.mustDial({ ...user, server: servers[index] ?? ADDRESSES.gateway, callId: CALL_ID });
      }
      for (const client of clients) await client.must(`ping -c 3 -i 0.2 -W 20 ${ADDRESSES.intranet}`);
      await Promise.all(clients.map((client) => client.hangUp()));
      return openedCalls().slice(before);
    }

    test('a router that rewrites Call IDs: both work', async () => {
      clients = await Promise.all([lab().guest('n1', { where: 'nat' }), lab().guest('n2', { where: 'nat' })]);
      const calls = await callBoth([ADDRESSES.gateway, ADDRESSES.gateway]);
      expect(calls.map(({ peer }) => String(peer).split(':')[0])).toEqual([ADDRESSES.nat, ADDRESSES.nat]);
    });

    test('equal Call IDs from one address, told apart by ours: both work', async () => {
      await lab().nat({
        mode: 'split',
        pairs: [
          { server: ADDRESSES.gateway, client: clients[0] },
          { server: ADDRESSES.gatewaySecond, client: clients[1] },
        ],
      });
      const calls = await callBoth([ADDRESSES.gateway, ADDRESSES.gatewaySecond]);
      expect(calls.map(({ peerCallId }) => peerCallId)).toEqual([CALL_ID, CALL_ID]);
      expect(calls.map(({ peer }) => String(peer).split(':')[0])).toEqual([ADDRESSES.nat, ADDRESSES.nat]);
      expect(new Set(calls.map(({ callId }) => callId)).size).toBe(2);
    });
  });
});
