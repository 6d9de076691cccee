import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAIN, notBuilt } from '../support/built.ts';
import { connect, Netns, netnsUnavailable, ROOT } from '../support/netns.ts';
import { Program } from '../support/program.ts';

const reason = netnsUnavailable('nft') ?? notBuilt();

const SERVER = '192.0.2.1';
const INNER = '10.99.0.1';
const PASSWORD = 'two by two';
const USERS = ['anna', 'bela'] as const;
type User = (typeof USERS)[number];

/**
 * A sink that writes each record down at once, and whose part in one new worker, whichever is first, does not go on when
 * there is no ink: when all have their tunnels, and the old ones stand still.
 */
const LEDGER = `
import { appendFileSync, unlinkSync } from 'node:fs';
import { definePlugin, PLUGIN_API, TOKENS } from 'pptp-gateway/core';
const file = process.env.LEDGER_FILE;
const note = (kind) => (record) => appendFileSync(file, [kind, record.facts.identity, record.facts.id, record.usage.packetsIn].join(' ') + '\\n');
const takeOver = async () => {
  try {
    unlinkSync(file + '.dry');
  } catch {
    return;
  }
  throw new Error('out of ink');
};
export const plugin = definePlugin({
  name: 'ledger',
  api: PLUGIN_API,
  register({ bind }) {
    bind(TOKENS.AccountingSink).toConstantValue({ name: 'ledger', start: note('start'), interim: note('interim'), stop: note('stop') });
    bind(TOKENS.Lifecycle).toConstantValue({ name: 'ink', start: async () => undefined, stop: async () => undefined, handOver: { takeOver } });
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
  /** Of the whole gateway; the test of one process shows the verb. */
  const upgrade = (): Promise<{ readonly code: number; readonly text: string }> =>
    new Promise((resolve, reject) => {
      const socketPath = join(folder, 'state', 'admin.sock');
      const asked = request({ socketPath, method: 'POST', path: '/v1/upgrade', agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (more: string) => {
          text += more;
        });
        response.on('end', () => resolve({ code: response.statusCode ?? 0, text }));
      });
      asked.on('error', reject);
      asked.end();
    });
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
    const [anna, bela] = await Promise.all([dial('anna'), dial('bela')]);
    for (const user of USERS) await gateway.says(new RegExp(`"session.up".*"user":"${user}"`));
    const workerOf = new Map(told(gateway, 'session.up').map(({ user, worker }) => [user, worker]));
    expect([...workerOf.values()].toSorted()).toEqual([0, 1]);
    const workers = told(gateway, 'worker.ready').map(({ pid }) => pid ?? 0);

    const pings = USERS.map((user) => new Program(netns(user), ['ping', '-i', '0.1', INNER], {}));
    for (const ping of pings) await ping.says(/icmp_seq=5 /);
    expect(await upgrade()).toMatchObject({ code: 200, text: expect.stringContaining('"tunnels":2') });
    await gateway.says(/"upgrade.taken-over"/);
    await gateway.says(/"upgrade.keeps-watch"/);
    await expect.poll(() => told(gateway, 'worker.ready').length).toBe(4);
    for (const pid of workers) await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false);

    // Once more, from the processes that took over: one new worker that cannot leaves all of them as they are.
    writeFileSync(join(folder, 'ledger.dry'), '');
    const dry = await upgrade();
    expect(dry.code).not.toBe(200);
    expect(dry.text).toMatch(/did not take over, and this one goes on: .*out of ink/);
    await gateway.says(/"upgrade.failed"/);
    for (const ping of pings) {
      const answered = (): number[] =>
        ping.lines.flatMap((line) => (/icmp_seq=(\d+) /.exec(line)?.slice(1) ?? []).map(Number));
      await ping.says(new RegExp(`icmp_seq=${Math.max(...answered()) + 5} `));
      await ping.end('SIGINT');
      // What came while nobody read has waited in the kernel. The last ones may be on their way still.
      expect(Math.max(...answered()) - answered().length).toBeLessThanOrEqual(1);
    }
    expect(told(gateway, 'worker.died')).toEqual([]);
    expect([anna.ended, bela.ended, gateway.ended]).toEqual([false, false, false]);
    expect(ledger().map(([kind]) => kind)).toEqual(['start', 'start']);

    // Then one of them dies: the others go on, and take its client.
    const ofBela = told(gateway, 'worker.ready').findLast(({ worker }) => worker === workerOf.get('bela'))?.pid;
    process.kill(ofBela ?? 0, 'SIGKILL');
    await bela.says(/DIAL_LOST/);
    await expect.poll(() => told(gateway, 'session.up').filter(({ user }) => user === 'bela').length).toBe(2);
    await gateway.says(/"worker.ready".*"restarts":1/);
    expect(pingFrom('anna')).toContain(' 0% packet loss');

    expect(await gateway.end('SIGTERM')).toBe(0);
    await anna.says(/DIAL_LOST|DIAL_FAILED/);
    const ofAnna = ledger().filter(([, user]) => user === 'anna');
    const id = ofAnna[0]?.[2];
    expect(ofAnna).toEqual([
      ['start', 'anna', id, '0'],
      ['stop', 'anna', id, expect.any(String)],
    ]);
    expect(traces()).toBe(before);
    expect(readdirSync(join(folder, 'state')).filter((name) => name.startsWith('worker-'))).toEqual([]);
  });
});
