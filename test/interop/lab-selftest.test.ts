import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { describeWithLab } from './support/describe-lab.ts';
import type { Guest } from './support/guest.ts';
import { mustRun, run } from './support/shell.ts';
import { ADDRESSES } from './support/topology.ts';
import { waitFor } from './support/wait.ts';

const alice = { user: 'alice', password: 'open "sesame" \\1', server: ADDRESSES.poptop } as const;
const standIn = fileURLToPath(new URL('./support/stand-in-gateway.mjs', import.meta.url));
const MEGABYTES_4 = 4 * 1024 * 1024;

/** `(control message, Call ID)` of the Outgoing-Call-Requests in a capture, in order. */
async function requestedCallIds(pcap: string): Promise<readonly number[]> {
  const text = await mustRun('tcpdump', ['-nn', '-v', '-r', pcap, 'tcp dst port 1723']);
  return [...text.matchAll(/OCRQ CALL_ID\((\d+)\)/g)].map(([, id]) => Number(id));
}

await describeWithLab('the lab, proven with poptop as the server', (lab) => {
  describe('one client on the WAN', () => {
    let server: Guest;
    let client: Guest;

    test('dials and gets MPPE-128 after MS-CHAPv2', async () => {
      [server, client] = await Promise.all([lab().poptop(alice.user, alice.password), lab().guest('c1')]);
      const tunnel = await client.mustDial(alice);
      expect(tunnel).toMatchObject({ auth: 'chap MS-v2', mppe: '128-bit stateless', remote: '10.79.0.1' });
      console.info(`boot ${client.bootMs} ms, dial ${tunnel.setupMs} ms`);
    });

    test('reaches the intranet through the tunnel, and only through it', async () => {
      const ping = await client.must(`ping -c 3 -i 0.2 -W 20 ${ADDRESSES.intranet}`);
      expect(ping).toContain(' 0% packet loss');
      const seenAs = await client.must(`curl -sS -m 10 http://${ADDRESSES.intranet}/whoami`);
      expect(seenAs.trim()).toMatch(/^10\.79\.0\./);
    });

    test('carries bytes whole both ways', async () => {
      const host = `http://${ADDRESSES.intranet}`;
      const expected = (await lab().intranet(`curl -sS ${host}/sha256/${MEGABYTES_4}`)).output.trim();
      const down = await client.must(`curl -sS ${host}/bytes/${MEGABYTES_4} | tee /tmp/bytes | sha256sum`);
      expect(down.split(' ')[0]).toBe(expected);
      expect((await client.must(`curl -sS -T /tmp/bytes ${host}/sha256`)).trim()).toBe(expected);
      const echoed = await client.must(`printf hello | nc -u -w 1 ${ADDRESSES.intranet} 7`);
      expect(echoed).toBe('hello');
    });

    test('hangs up and dials again, with the Call ID it is told', async () => {
      await client.hangUp();
      expect((await client.exec('ip link show ppp0')).status).not.toBe(0);
      const capture = await client.capture(`${await lab().temporaryDirectory()}/call.pcap`);
      await client.mustDial({ ...alice, callId: 4_660 });
      await capture.stop();
      expect(await requestedCallIds(capture.file)).toEqual([4_660]);
    });

    test('is killed: the server sees its connection close', async () => {
      await client.killClient();
      await waitFor('the server to reap the call', async () =>
        (await server.exec('pgrep -x pppd')).status === 0 ? undefined : true,
      );
    });

    test('a wrong password is a result with the log of the client', async () => {
      const result = await client.dial({ ...alice, password: 'wrong' });
      expect(result.up).toBe(false);
      expect(result).toMatchObject({ log: expect.stringContaining('CHAP authentication failed') });
    });

    test('a filter for GRE stops the tunnel, not the call', async () => {
      await lab().gre('block');
      const result = await client.dial({ ...alice, waitSeconds: 4 });
      await lab().gre('allow');
      expect(result).toMatchObject({ up: false, log: expect.stringContaining('Outgoing call established') });
    });

    test('a cut cable is silence; plugged in again, packets flow', async () => {
      await client.mustDial(alice);
      await client.cutCable();
      expect((await client.exec(`ping -c 1 -W 1 ${ADDRESSES.intranet}`)).status).not.toBe(0);
      await client.plugCable();
      await client.must(`ping -c 1 -w 10 ${ADDRESSES.intranet}`);
      await client.powerOff();
    });
  });

  describe('two clients behind one NAT address with equal Call IDs', () => {
    let clients: readonly [Guest, Guest];

    async function call(servers: readonly [string, string]): Promise<readonly number[]> {
      const pcap = `${await lab().temporaryDirectory()}/nat.pcap`;
      const capture = await lab().captureNat(pcap);
      for (const [index, client] of clients.entries()) {
        await client.mustDial({ ...alice, server: servers[index] ?? alice.server, callId: 4_660 });
      }
      for (const client of clients) await client.must(`ping -c 2 -i 0.2 -W 20 ${ADDRESSES.intranet}`);
      const addresses = await Promise.all(
        clients.map((client) => client.must(`curl -sS http://${ADDRESSES.intranet}/whoami`)),
      );
      expect(new Set(addresses).size).toBe(2);
      await Promise.all(clients.map((client) => client.hangUp()));
      await capture.stop();
      return requestedCallIds(pcap);
    }

    test('a router with PPTP helper gives the server two different Call IDs', async () => {
      clients = await Promise.all([lab().guest('n1', { where: 'nat' }), lab().guest('n2', { where: 'nat' })]);
      const ids = await call([ADDRESSES.poptop, ADDRESSES.poptop]);
      expect(ids).toHaveLength(2);
      expect(new Set([...ids, 4_660]).size).toBe(3);
    });

    test('a router that tells them apart by the server address leaves both Call IDs equal', async () => {
      const [first, second] = clients;
      const pairs = [
        { server: ADDRESSES.poptop, client: first },
        { server: ADDRESSES.poptopSecond, client: second },
      ] as const;
      await lab().nat({ mode: 'split', pairs });
      expect(await call([ADDRESSES.poptop, ADDRESSES.poptopSecond])).toEqual([4_660, 4_660]);
    });

    test('a router that knows nothing of PPTP brings no tunnel', async () => {
      await lab().nat({ mode: 'plain' });
      expect((await clients[0].dial({ ...alice, waitSeconds: 5 })).up).toBe(false);
    });
  });

  describe('a gateway process, played by a stand-in', () => {
    const command = [process.execPath, standIn] as const;

    test('is ready when it says so, gets its settings, ends on SIGTERM', async () => {
      const gateway = await lab().startGateway({ command, env: { PPTP_POOL: '10.78.9.0/24' } });
      const ready = gateway.lines.at(-1)?.fields;
      expect(ready).toMatchObject({ event: 'gateway.ready', pool: '10.78.9.0/24' });
      const up = gateway.waitForLog((line) => line.fields['event'] === 'call.up');
      process.kill(gateway.pid ?? 0, 'SIGUSR2');
      expect((await up).fields).toMatchObject({ user: 'alice' });
      expect(await gateway.stop()).toEqual({ code: 0, signal: null });
      expect(gateway.lines.at(-1)?.fields['event']).toBe('gateway.stopped');
    });

    test('runs in the namespace with both WAN addresses', async () => {
      const gateway = await lab().startGateway({ command });
      const { output } = await run('nsenter', ['-t', String(gateway.pid), '-n', 'ip', '-br', '-4', 'addr']);
      expect(output).toContain(`${ADDRESSES.gateway}/24 ${ADDRESSES.gatewaySecond}/24`);
      expect(await gateway.stop('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
    });

    test('that ends before it is ready is an error with its last words', async () => {
      const error = await lab()
        .startGateway({ command, env: { STAND_IN: 'fails' } })
        .catch((reason: unknown) => reason);
      expect(error).toMatchObject({ cause: { message: expect.stringContaining('port 1723 is taken') } });
    });

    test('that does not end in time is killed, which is an error', async () => {
      const gateway = await lab().startGateway({ command, env: { STAND_IN: 'stubborn' } });
      await expect(gateway.stop('SIGTERM', 200)).rejects.toThrow('did not end within 200 ms of SIGTERM');
      expect(gateway.running).toBe(false);
    });
  });
});
