import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, Netns, netnsUnavailable, ROOT } from '../support/netns.ts';
import { Program } from '../support/program.ts';

const MAIN = join(ROOT, 'dist', 'gateway', 'main.js');
const ADDON = join(ROOT, 'native', 'build', 'Release', 'pptp_native.node');
const built = existsSync(MAIN) && existsSync(ADDON) ? undefined : 'the gateway is not built (npm run build)';
const reason = netnsUnavailable('nft') ?? built;

const SERVER = '192.0.2.1';
const INNER = '10.99.0.1';
const PASSWORD = 'two by two';
const USERS = ['anna', 'bela'] as const;
type User = (typeof USERS)[number];

/** A sink that writes each record down at once, and that a worker cannot start with when there is no ink. */
const LEDGER = `
import { appendFileSync, existsSync } from 'node:fs';
import { definePlugin, PLUGIN_API, TOKENS } from 'pptp-gateway/core';
const note = (kind) => (record) => appendFileSync(process.env.LEDGER_FILE, [kind, record.facts.id, record.usage.packetsIn].join(' ') + '\\n');
export const plugin = definePlugin({
  name: 'ledger',
  api: PLUGIN_API,
  register({ bind }) {
    if (existsSync(process.env.LEDGER_FILE + '.dry')) throw new Error('out of ink');
    bind(TOKENS.AccountingSink).toConstantValue({ name: 'ledger', start: note('start'), interim: note('interim'), stop: note('stop') });
  },
});
export default plugin;
`;

interface Line {
  readonly event: string;
  readonly worker?: number;
  readonly pid?: number;
  readonly user?: string;
  readonly address?: string;
}

describe.skipIf(reason !== undefined)(`upgrade of workers${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let hub: Netns;
  let folder: string;
  const clients = new Map<User, Netns>();
  const programs: Program[] = [];

  /*   hub 192.0.2.1 (a bridge) ---- one namespace for each client, 192.0.2.11 and on   */
  beforeAll(() => {
    hub = new Netns('xh');
    hub.ip('link', 'add', 'lan', 'type', 'bridge');
    hub.ip('address', 'add', `${SERVER}/24`, 'dev', 'lan');
    hub.ip('link', 'set', 'lan', 'up');
    folder = mkdtempSync(join(tmpdir(), 'pptp-upgrade-'));
    writeFileSync(join(folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
    writeFileSync(join(folder, 'ledger.mjs'), LEDGER.replace('pptp-gateway/core', join(ROOT, 'dist/core/index.js')));
    USERS.forEach((user, i) => {
      const ns = new Netns(`x${i}`);
      connect({ ns, device: 'eth0', addresses: [`192.0.2.${11 + i}/24`] }, { ns: hub, device: `c${i}`, addresses: [] });
      hub.ip('link', 'set', `c${i}`, 'master', 'lan');
      clients.set(user, ns);
      const env = { ...process.env, PPTP_STATE_DIR: join(folder, 'state') };
      const [program, args] = hub.inside(process.execPath, MAIN, 'users', 'add', user);
      execFileSync(program, [...args], { env, input: `${PASSWORD}\n` });
    });
  });
  afterAll(async () => {
    for (const program of programs.toReversed()) await program.end('SIGTERM');
    for (const ns of [hub, ...clients.values()]) ns?.destroy();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const setting = (): Record<string, string> => ({
    PPTP_STATE_DIR: join(folder, 'state'),
    PPTP_PLUGINS: join(folder, 'ledger.mjs'),
    PPTP_LOG_FORMAT: 'json',
    PPTP_ADMIN_PORT: '0',
    PPTP_DRAIN_TIMEOUT: '0',
    PPTP_WORKERS: '2',
    LEDGER_FILE: join(folder, 'ledger'),
  });
  const start = (ns: Netns, command: readonly string[], env: Readonly<Record<string, string>>): Program => {
    const program = new Program(ns, [process.execPath, MAIN, ...command], env);
    programs.push(program);
    return program;
  };
  const verb = async (...args: readonly string[]): Promise<{ readonly code: number; readonly text: string }> => {
    const { PPTP_PLUGINS: _plugins, ...env } = setting();
    const program = new Program(hub, [process.execPath, MAIN, ...args], env);
    const code = await program.end();
    return { code, text: program.lines.join('\n') };
  };
  const netns = (user: User): Netns => {
    const found = clients.get(user);
    if (found === undefined) throw new Error(`no client ${user}`);
    return found;
  };
  const dial = async (user: User): Promise<Program> => {
    const client = start(
      netns(user),
      ['dial', SERVER, '--user', user, '--password-file', join(folder, 'password'), '--tun', 'tun0'],
      { PPTP_STATE_DIR: join(folder, user), PPTP_ADMIN_PORT: '0' },
    );
    await client.says(/^connected/);
    return client;
  };
  const pingFrom = (user: User): string => netns(user).run('ping', '-c', '2', '-i', '0.2', '-W', '5', INNER);
  const told = (gateway: Program, event: string): Line[] =>
    gateway.lines.filter((line) => line.includes(`"event":"${event}"`)).map((line): Line => JSON.parse(line));
  const ledger = (): readonly (readonly string[])[] =>
    readFileSync(join(folder, 'ledger'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(' '));
  const traces = (): string =>
    [hub.run('nft', 'list', 'ruleset'), hub.ip('-4', 'route', 'show', 'table', 'all'), hub.ip('-o', 'link')].join('\n');

  it('new processes go on with the tunnels of all workers, or the old ones do', async () => {
    const before = traces();
    const gateway = start(hub, ['run'], setting());
    await gateway.says(/"gateway.ready"/);
    const [anna, bela] = [await dial('anna'), await dial('bela')];
    await gateway.says(/"session.up".*"user":"bela"/);
    const workerOf = new Map(told(gateway, 'session.up').map(({ user, worker }) => [user, worker]));
    expect([...workerOf.values()].toSorted()).toEqual([0, 1]);
    const workers = told(gateway, 'worker.ready').map(({ pid }) => pid ?? 0);

    const pings = (['anna', 'bela'] as const).map((user) => new Program(netns(user), ['ping', '-i', '0.1', INNER], {}));
    for (const ping of pings) await ping.says(/icmp_seq=5 /);
    const upgrade = await verb('upgrade');
    expect(upgrade.text).toMatch(/process \d+ serves now, with 2 tunnels; nothing passed for \d+ ms/);
    expect(upgrade.code).toBe(0);
    await gateway.says(/"upgrade.taken-over"/);
    await gateway.says(/"upgrade.keeps-watch"/);
    for (const ping of pings) {
      const answered = (): number[] =>
        ping.lines.flatMap((line) => (/icmp_seq=(\d+) /.exec(line)?.slice(1) ?? []).map(Number));
      await ping.says(new RegExp(`icmp_seq=${Math.max(...answered()) + 5} `));
      await ping.end('SIGINT');
      // What came while nobody read has waited in the kernel. The last ones may be on their way still.
      expect(Math.max(...answered()) - answered().length).toBeLessThanOrEqual(1);
    }
    for (const pid of workers) await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false);
    await expect.poll(() => told(gateway, 'worker.ready').length).toBe(4);
    expect(told(gateway, 'worker.died')).toEqual([]);
    expect([anna.ended, bela.ended, gateway.ended]).toEqual([false, false, false]);
    expect(ledger().map(([kind]) => kind)).toEqual(['start', 'start']);

    // New workers that do not start leave the old ones alone.
    writeFileSync(join(folder, 'ledger.dry'), '');
    const dry = await verb('upgrade');
    expect(dry.code).not.toBe(0);
    expect(dry.text).toMatch(/did not take over, and this one goes on: .*out of ink/);
    rmSync(join(folder, 'ledger.dry'));
    expect(pingFrom('anna')).toContain(' 0% packet loss');

    // Once more, from the processes that took over. Then one of the third workers dies: the others go on, and take its client.
    expect(await verb('upgrade')).toMatchObject({ code: 0, text: expect.stringContaining('with 2 tunnels') });
    await expect.poll(() => told(gateway, 'worker.ready').length).toBe(6);
    for (const user of USERS) expect(pingFrom(user)).toContain(' 0% packet loss');
    const ofBela = told(gateway, 'worker.ready').findLast(({ worker }) => worker === workerOf.get('bela'))?.pid;
    process.kill(ofBela ?? 0, 'SIGKILL');
    await bela.says(/DIAL_LOST/);
    await expect.poll(() => told(gateway, 'session.up').filter(({ user }) => user === 'bela').length).toBe(2);
    await gateway.says(/"worker.ready".*"restarts":1/);
    expect(pingFrom('anna')).toContain(' 0% packet loss');

    expect(await gateway.end('SIGTERM')).toBe(0);
    await anna.says(/DIAL_LOST|DIAL_FAILED/);
    const ofAnna = ledger()[0]?.[1];
    expect(ledger().filter(([, id]) => id === ofAnna)).toEqual([
      ['start', ofAnna, '0'],
      ['stop', ofAnna, expect.any(String)],
    ]);
    expect(traces()).toBe(before);
    expect(readdirSync(join(folder, 'state')).filter((name) => name.startsWith('worker-'))).toEqual([]);
  });
});
