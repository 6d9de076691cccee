import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Stranger } from '../support/stranger.ts';
import { describeWithLab } from './support/describe-lab.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import { ADDRESSES } from './support/topology.ts';
import { event } from './support/users.ts';

const dora = { user: 'dora', password: 'clientPass' } as const;
const SECRET = 'a secret of the two of them';

await describeWithLab('users who are elsewhere', (lab) => {
  let client: Guest;
  let stranger: Stranger | undefined;
  let gateway: GatewayProcess | undefined;
  afterAll(() => stranger?.remove());

  const startGateway = async (env: Readonly<Record<string, string>>): Promise<GatewayProcess> => {
    await gateway?.stop();
    gateway = await lab().startGateway({ env });
    return gateway;
  };
  /** A program of Node's beside the gateway, until it says `ready`. */
  const startService = (env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<GatewayProcess> =>
    lab().startGateway({ command: [process.execPath, ...args], env, ready: ({ text }) => text === 'ready' });

  const comesIn = async (running: GatewayProcess, address?: string): Promise<void> => {
    const tunnel = await client.mustDial(dora);
    expect(tunnel).toMatchObject({ auth: 'chap MS-v2', mppe: '128-bit stateless', ...(address && { local: address }) });
    expect(await client.must(`ping -c 2 -i 0.2 -W 20 ${ADDRESSES.intranet}`)).toContain(' 0% packet loss');
    await client.hangUp();
    const refused = await client.dial({ ...dora, password: 'guess', waitSeconds: 10 });
    expect(refused.up).toBe(false);
    await running.waitForLog(event('auth.failed', { user: 'dora', denial: 'bad-credentials' }));
    const log = running.lines.map(({ text }) => text).join('\n');
    for (const secret of [SECRET, dora.password, '44ebba8d5312b8d6']) expect(log).not.toContain(secret);
  };

  test('a stranger installs the gateway, builds the package examples/webhook-authenticator, and its tests pass', async () => {
    const install = async (): Promise<string> => {
      stranger = await Stranger.install('examples/webhook-authenticator');
      return stranger.npm('test');
    };
    const [output, guest] = await Promise.all([install(), lab().guest('c1')]);
    client = guest;
    expect(output).toMatch(/^# fail 0$/m);
    expect(Number(/^# pass (\d+)$/m.exec(output)?.[1])).toBeGreaterThan(15);
  });

  test('a Linux client logs in through that package', async () => {
    const folder = stranger?.folder ?? '';
    const service = await startService({}, join(folder, 'service.mjs'), '8080', SECRET);
    const running = await startGateway({
      PPTP_PLUGINS: folder,
      PPTP_ACME_WEBHOOK_URL: 'http://127.0.0.1:8080/',
      PPTP_ACME_WEBHOOK_SECRET: SECRET,
    });
    await comesIn(running, '10.78.0.77');
    await service.stop();
  });

  /** The first block of JavaScript of a page, as a file that everybody may read. */
  const program = async (page: string, name: string): Promise<string> => {
    const [, code = ''] = /```js\n(.*?)```/s.exec(await readFile(page, 'utf8')) ?? [];
    const folder = await lab().temporaryDirectory();
    await chmod(folder, 0o755);
    await writeFile(join(folder, name), code);
    return join(folder, name);
  };

  test('and through the service of docs/webhook.md, with workers', async () => {
    const service = await startService({ SECRET, PORT: '8081' }, await program('docs/webhook.md', 'service.mjs'));
    const running = await startGateway({
      PPTP_PLUGINS: 'webhook',
      PPTP_WORKERS: '2',
      PPTP_WEBHOOK_URL: 'http://127.0.0.1:8081/',
      PPTP_WEBHOOK_SECRET: SECRET,
    });
    await comesIn(running);
    await service.stop();
  });

  test('and through the program of docs/exec.md, which runs as nobody', async () => {
    const running = await startGateway({
      PPTP_PLUGINS: 'exec',
      PPTP_EXEC_COMMAND: process.execPath,
      PPTP_EXEC_ARGUMENTS: await program('docs/exec.md', 'ask.mjs'),
      PPTP_EXEC_UID: '65534',
      PPTP_EXEC_GID: '65534',
    });
    await comesIn(running);
    const { output } = await lab().inGateway("ps -eo uid,args | grep '[a]sk.mjs' | awk '{ print $1 }' | sort -u");
    expect(output.trim()).toBe('65534');
  });
});
