import { expect, test } from 'vitest';
import { describeWithLab } from './support/describe-lab.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import { ADDRESSES } from './support/topology.ts';
import { addUser, alice, bob, event } from './support/users.ts';

await describeWithLab('two Linux clients of a gateway of two workers', (lab) => {
  let gateway: GatewayProcess;
  let clients: readonly [Guest, Guest];
  const ready = (worker: unknown) =>
    gateway.lines.filter(event('worker.ready')).find(({ fields }) => fields['worker'] === worker);

  test('are in one each, and reach the intranet and each other', async () => {
    const stateDirectory = await lab().temporaryDirectory();
    for (const user of [alice, bob]) await addUser(lab(), stateDirectory, user);
    gateway = await lab().startGateway({ stateDirectory, env: { PPTP_WORKERS: '2' } });
    clients = await Promise.all([lab().guest('c1'), lab().guest('c2')]);
    const route = '10.0.0.0/8';
    const one = await clients[0].mustDial({ ...alice, route });
    const two = await clients[1].mustDial({ ...bob, route });
    expect([one.mppe, two.mppe]).toEqual(['128-bit stateless', '128-bit stateless']);
    expect(new Set([one.local, two.local]).size).toBe(2);
    const workers = gateway.lines.filter(event('session.up')).map(({ fields }) => fields['worker']);
    expect(workers.toSorted()).toEqual([0, 1]);
    for (const client of clients) await client.must(`ping -c 3 -i 0.2 -W 20 ${ADDRESSES.intranet}`);
    await clients[0].must(`ping -c 3 -i 0.2 -W 20 ${two.local}`);
    await clients[1].must(`ping -c 3 -i 0.2 -W 20 ${one.local}`);
  });

  test('lose their tunnel only with their own worker, and can dial again', async () => {
    const [lost] = gateway.lines.filter(event('session.up'));
    const pid = ready(lost?.fields['worker'])?.fields['pid'];
    if (typeof pid !== 'number') throw new Error('the worker has no pid');
    process.kill(pid, 'SIGKILL');
    await gateway.waitForLog(event('worker.died'));
    expect(await clients[1].must(`ping -c 10 -i 0.2 -W 20 ${ADDRESSES.intranet}`)).toContain(' 0% packet loss');
    await clients[0].hangUp();
    await clients[0].mustDial({ ...alice, route: '10.0.0.0/8' });
    await clients[0].must(`ping -c 3 -i 0.2 -W 20 ${ADDRESSES.intranet}`);
    await Promise.all(clients.map((client) => client.hangUp()));
    expect(await gateway.stop()).toMatchObject({ code: 0 });
  });
});
