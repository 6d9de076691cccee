import { expect, test } from 'vitest';
import { describeWithLab } from './support/describe-lab.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import { ADDRESSES } from './support/topology.ts';
import { addUser, alice, event } from './support/users.ts';

const MEGABYTE = 1024 * 1024;

await describeWithLab('one Linux client, with PPTP_GRE_WINDOW=on', (lab) => {
  let gateway: GatewayProcess;
  let client: Guest;

  test('comes up', async () => {
    const stateDirectory = await lab().temporaryDirectory();
    await addUser(lab(), stateDirectory, alice);
    [gateway, client] = await Promise.all([
      lab().startGateway({ stateDirectory, env: { PPTP_GRE_WINDOW: 'on' } }),
      lab().guest('c1'),
    ]);
    await client.mustDial(alice);
    await client.must(`ping -c 5 -i 0.2 -W 20 ${ADDRESSES.intranet}`);
  });

  test('a download passes whole within the window that the client announced', async () => {
    const opened = await gateway.waitForLog(event('call.opened'));
    expect(opened.fields['peerWindow']).toBeGreaterThan(0);
    const host = `http://${ADDRESSES.intranet}`;
    const expected = (await lab().intranet(`curl -sS ${host}/sha256/${MEGABYTE}`)).output.trim();
    const down = await client.must(`curl -sS ${host}/bytes/${MEGABYTE} | sha256sum`, { timeoutSeconds: 60 });
    expect(down.split(' ')[0]).toBe(expected);
  });

  test('datagrams one way, which are only acknowledged alone, pass too', async () => {
    const count = 200;
    await client.must('nc -u -l -p 9999 > /tmp/datagrams 2>/dev/null & echo $! > /tmp/nc.pid');
    // One socket for all: nc listens to the first sender only.
    const send = `for i in $(seq ${count}); do printf 'x%.0s' $(seq 100) >&3; sleep 0.005; done`;
    await lab().intranet(`exec 3<>/dev/udp/10.78.0.2/9999; ${send}`);
    const size = await client.must('sleep 2; kill $(cat /tmp/nc.pid); wc -c < /tmp/datagrams');
    expect(Number(size.trim())).toBe(100 * count);
  });

  test('the end of the session tells how the window was', async () => {
    const closed = gateway.waitForLog(event('session.closed'));
    await client.hangUp();
    const { fields } = await closed;
    expect(fields['window']).toBeGreaterThan(0);
    expect(fields['windowDropped']).toBeGreaterThanOrEqual(0);
    console.info(
      `window ${String(fields['window'])}, time-outs ${String(fields['windowTimeOuts'])}, dropped ${String(fields['windowDropped'])}`,
    );
  });
});
