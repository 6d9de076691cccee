import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PATIENCE_MS } from '../support/patience.ts';
import { tshark, tsharkUnavailable } from '../support/tshark.ts';
import { describeWithLab } from './support/describe-lab.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import { ADDRESSES } from './support/topology.ts';
import { addUser, alice, event } from './support/users.ts';

const POINTS = ['gre', 'ppp', 'decrypted', 'tun'] as const;
const INNER = '10.78.0.2';

await describeWithLab('a capture of a real client’s tunnel', (lab) => {
  let gateway: GatewayProcess;
  let client: Guest;
  let stateDirectory: string;
  let file: string;

  const command = (...args: readonly string[]) => lab().gatewayCommand(args, stateDirectory);
  const started = (since: number) => gateway.waitForLog(event('capture.started'), PATIENCE_MS, since);

  /** Captures a tunnel from now until the client hangs up. */
  async function captureUntilHungUp(work: () => Promise<unknown>, ...options: readonly string[]) {
    const listed = await command('sessions', 'list', '--json');
    const { sessions }: { readonly sessions: readonly { readonly id: string }[] } = JSON.parse(listed.output);
    const since = gateway.lines.length;
    const capturing = command('capture', '--tunnel', sessions[0]?.id ?? '', '-w', file, ...options);
    await Promise.race([started(since), capturing]);
    await work();
    await client.hangUp();
    return capturing;
  }

  test('the clear points need the switch and the permission', async () => {
    stateDirectory = await lab().temporaryDirectory();
    file = join(stateDirectory, 'tunnel.pcapng');
    await addUser(lab(), stateDirectory, alice);
    [gateway, client] = await Promise.all([
      lab().startGateway({ stateDirectory, env: { PPTP_CAPTURE_DECRYPTED: 'true' } }),
      lab().guest('c1'),
    ]);
    const { status, errors } = await command('capture', '--point', 'tun', '-w', file);
    expect({ status, errors }).toEqual({ status: 1, errors: expect.stringMatching(/ADMIN_REFUSED: .*--decrypted/) });
  });

  test('holds ping and HTTP at the clear points, GRE and MPPE at the others, until the client hangs up', async () => {
    await client.mustDial(alice);
    const { status, errors } = await captureUntilHungUp(
      async () => {
        await client.must(`ping -c 3 -i 0.2 -W 20 ${ADDRESSES.intranet}`);
        await client.must(`curl -sS -o /dev/null http://${ADDRESSES.intranet}/bytes/100000`);
      },
      '--decrypted',
      ...POINTS.flatMap((point) => ['--point', point]),
    );
    expect({ status, errors }).toEqual({ status: 0, errors: expect.stringMatching(/the tunnel has ended/) });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const ended = gateway.lines.find(event('capture.ended', { end: 'tunnel-ended' }));
    expect(ended?.fields).toMatchObject({ level: 'warn', decrypted: true, points: POINTS, lost: 0 });
  });

  const reason = tsharkUnavailable();
  test.skipIf(reason !== undefined)(`Wireshark reads it${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
    const fields = ['frame.interface_name', 'frame.protocols', 'icmp.type', 'ip.src', 'ip.dst', 'tcp.srcport'];
    const packets = tshark(file, fields);
    const at = (point: string) => packets.filter((one) => one['frame.interface_name'] === point);
    const protocols = (point: string) => new Set(at(point).flatMap((one) => (one['frame.protocols'] ?? '').split(':')));
    for (const point of ['decrypted', 'tun']) {
      const pings = at(point).filter((one) => one['icmp.type'] !== '');
      expect(pings.map((one) => [one['icmp.type'], one['ip.src'], one['ip.dst']])).toEqual(
        Array.from({ length: 3 }, () => [
          ['8', INNER, ADDRESSES.intranet],
          ['0', ADDRESSES.intranet, INNER],
        ]).flat(),
      );
      const web = at(point).filter((one) => one['tcp.srcport'] === '80');
      expect(web.length).toBeGreaterThan(50);
      expect(new Set(web.map((one) => one['ip.dst']))).toEqual(new Set([INNER]));
    }
    for (const point of ['gre', 'ppp']) {
      expect(protocols(point)).toContain('comp_data');
      for (const clear of ['icmp', 'tcp', 'http']) expect(protocols(point)).not.toContain(clear);
    }
    expect(packets.filter((one) => (one['frame.protocols'] ?? '').includes('malformed'))).toEqual([]);
  });

  test('without the switch nothing of the log-in but its headers is in the file', async () => {
    const since = gateway.lines.length;
    const capturing = command('capture', '--packets', '60', '-w', file);
    await Promise.race([started(since), capturing]);
    await client.mustDial(alice);
    await client.must(`ping -c 20 -i 0.05 -W 20 ${ADDRESSES.intranet}`);
    expect((await capturing).status).toBe(0);
    await client.hangUp();
    if (reason !== undefined) return;
    const packets = tshark(file, ['frame.protocols', 'chap.value', 'frame.comment']);
    const log = packets.filter((one) => one['frame.protocols'].includes('chap'));
    expect(log.length).toBeGreaterThanOrEqual(3);
    for (const frame of log) {
      expect(frame).toMatchObject({ 'chap.value': '', 'frame.comment': expect.stringMatching(/^cut: /) });
    }
    expect(packets.filter((one) => one['frame.protocols'].includes('icmp'))).toEqual([]);
  });
});
