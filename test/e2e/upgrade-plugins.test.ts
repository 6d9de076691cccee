import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, Netns, netnsUnavailable, ROOT } from '../support/netns.ts';
import { Program } from '../support/program.ts';

const MAIN = join(ROOT, 'dist', 'gateway', 'main.js');
const ADDON = join(ROOT, 'native', 'build', 'Release', 'pptp_native.node');
const RADIUS = join(ROOT, 'test', 'support', 'accounting-server.mjs');
const built = existsSync(MAIN) && existsSync(ADDON) ? undefined : 'the gateway is not built (npm run build)';
const reason = netnsUnavailable('nft') ?? built;

const SERVER = '203.0.113.1';
const CLIENT = '203.0.113.2';
const INNER = '10.99.0.1';
const PASSWORD = 'one after the other';
const SECRET = 'known to both of them';

/** A program that knows nobody: the file of users is asked behind it. */
const NOBODY = `
import { createInterface } from 'node:readline';
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify({ version: 1, id: JSON.parse(line).id, result: 'unknown-user' }) + '\\n');
}
`;

/** What is the same in each configuration. */
const plugins = (folder: string, coaListen: string) => ({
  log: { level: 'info' },
  plugins: ['radius', 'exec', 'policy-profile', 'ipsec-policy', 'ipsec-esp'],
  pluginOptions: {
    radius: {
      accountingServers: [CLIENT],
      sharedSecret: SECRET,
      coaClients: [`${CLIENT}/32`],
      coaListen,
      coaRequireMessageAuthenticator: true,
    },
    exec: { command: process.execPath, arguments: [join(folder, 'nobody.mjs')], folder, processes: 1 },
    'policy-profile': { file: join(folder, 'profiles.json'), usageFolder: join(folder, 'usage') },
    'ipsec-policy': { destinations: ['10.9.0.0/16'] },
  },
});

describe.skipIf(reason !== undefined)(`upgrade with plug-ins${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let server: Netns;
  let client: Netns;
  let folder: string;
  let gateway: Program;
  let dialler: Program;
  let radius: Program;

  beforeAll(() => {
    server = new Netns('ups');
    client = new Netns('upc');
    connect(
      { ns: client, device: 'up0', addresses: [`${CLIENT}/24`] },
      { ns: server, device: 'wan0', addresses: [`${SERVER}/24`] },
    );
    server.ip('route', 'add', 'default', 'via', CLIENT);
    folder = mkdtempSync(join(tmpdir(), 'pptp-upgrade-'));
    const env = { ...process.env, PPTP_STATE_DIR: join(folder, 'state') };
    const [program, args] = server.inside(process.execPath, MAIN, 'users', 'add', 'alice');
    execFileSync(program, [...args], { env, input: `${PASSWORD}\n` });
    writeFileSync(join(folder, 'nobody.mjs'), NOBODY);
    writeFileSync(join(folder, 'profiles.json'), JSON.stringify({ users: { alice: { quotaPerDay: '1G' } } }));
  });
  afterAll(async () => {
    await dialler?.end('SIGKILL');
    await gateway?.end('SIGTERM');
    await radius?.end('SIGKILL');
    for (const ns of [server, client]) ns?.destroy();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const configure = (coaListen: string): void =>
    writeFileSync(join(folder, 'gateway.json'), JSON.stringify(plugins(folder, coaListen)));
  const setting = (): Record<string, string> => ({
    PPTP_STATE_DIR: join(folder, 'state'),
    PPTP_CONFIG: join(folder, 'gateway.json'),
    PPTP_LOG_FORMAT: 'json',
    PPTP_ADMIN_PORT: '0',
    PPTP_DRAIN_TIMEOUT: '0',
  });
  const upgrade = async (): Promise<{ readonly code: number; readonly text: string }> => {
    const { PPTP_CONFIG: _file, ...env } = setting();
    const program = new Program(server, [process.execPath, MAIN, 'upgrade'], env);
    return { code: await program.end(), text: program.lines.join('\n') };
  };
  /** How many there are of the program that `exec` asks. */
  const programs = (): number =>
    readdirSync('/proc').filter((pid) => {
      try {
        return (
          /^\d+$/.test(pid) && readFileSync(join('/proc', pid, 'cmdline'), 'utf8').includes(join(folder, 'nobody.mjs'))
        );
      } catch {
        return false;
      }
    }).length;
  const pings = (): string => client.run('ping', '-c', '2', '-i', '0.2', '-W', '2', INNER);

  it('accounting, CoA, quotas, programs and IPsec go on: one Start, one Stop, and a failed upgrade changes nothing', async () => {
    configure('0.0.0.0');
    radius = new Program(client, [process.execPath, RADIUS, SECRET], {});
    await radius.says(/^listens/);
    gateway = new Program(server, [process.execPath, MAIN, 'run'], setting());
    await gateway.says(/"gateway.ready"/);
    dialler = new Program(
      client,
      [process.execPath, MAIN, 'dial', SERVER, '--user', 'alice', '--once'],
      { PPTP_STATE_DIR: join(folder, 'client'), PPTP_ADMIN_PORT: '0' },
      `${PASSWORD}\n`,
    );
    await dialler.says(/^connected/);
    const [, session = ''] = /^start (\S+)/.exec(await radius.says(/^start /)) ?? [];
    expect(pings()).toContain(' 0% packet loss');

    expect(await upgrade()).toMatchObject({ code: 0, text: expect.stringContaining('with 1 tunnel') });
    expect(pings()).toContain(' 0% packet loss');

    // From the process that took over. Its successor finds out that it cannot have the port when everything was let go of.
    configure('192.0.2.77');
    const failed = await upgrade();
    expect(failed.code).not.toBe(0);
    expect(failed.text).toContain('192.0.2.77:3799');
    expect(failed.text).toContain('this one goes on');
    expect(pings()).toContain(' 0% packet loss');
    expect(dialler.ended).toBe(false);
    // Those of the first process have ended, and those of the one that did not take over.
    await expect.poll(programs).toBe(1);

    const disconnect = new Program(client, [process.execPath, RADIUS, SECRET, session, SERVER], {});
    // Disconnect-ACK: the session is known there.
    expect(await disconnect.says(/^answer/)).toBe('answer 41');
    const [, stopped, packets] = /^stop (\S+) (\d+)/.exec(await radius.says(/^stop /)) ?? [];
    expect(stopped).toBe(session);
    // In and out, counted by two processes.
    expect(Number(packets)).toBeGreaterThanOrEqual(12);
    expect(await gateway.end('SIGTERM')).toBe(0);
    await radius.says(/^off /);
    expect(radius.lines.map((line) => line.split(' ')[0])).toEqual(['listens', 'on', 'start', 'stop', 'off']);
  });
});
