import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MAIN, notBuilt } from '../support/built.ts';
import { connect, Netns, netnsUnavailable } from '../support/netns.ts';
import { Program } from '../support/program.ts';

const reason = netnsUnavailable('nft') ?? notBuilt();

const SERVER = '192.0.2.1';
const PASSWORD = 'many hands';
const USERS = ['anna', 'bela', 'cleo', 'dora'] as const;
type User = (typeof USERS)[number];
const GATEWAY = '10.99.0.1';

interface Line {
  readonly event: string;
  readonly worker?: number;
  readonly pid?: number;
  readonly user?: string;
  readonly address?: string;
  readonly session?: string;
}

describe.skipIf(reason !== undefined)(`a gateway of two workers${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let hub: Netns;
  let folder: string;
  let state: string;
  const clients = new Map<User, Netns>();
  const programs: Program[] = [];

  /*   hub 192.0.2.1 (a bridge) ---- one namespace for each client, 192.0.2.11 and on   */
  beforeAll(() => {
    hub = new Netns('wh');
    hub.ip('link', 'add', 'lan', 'type', 'bridge');
    hub.ip('address', 'add', `${SERVER}/24`, 'dev', 'lan');
    hub.ip('link', 'set', 'lan', 'up');
    folder = mkdtempSync(join(tmpdir(), 'pptp-workers-'));
    state = join(folder, 'state');
    writeFileSync(join(folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
    USERS.forEach((user, i) => {
      const ns = new Netns(`w${i}`);
      connect({ ns, device: 'eth0', addresses: [`192.0.2.${11 + i}/24`] }, { ns: hub, device: `c${i}`, addresses: [] });
      hub.ip('link', 'set', `c${i}`, 'master', 'lan');
      clients.set(user, ns);
      const [program, args] = hub.inside(process.execPath, MAIN, 'users', 'add', user);
      execFileSync(program, [...args], { env: { ...process.env, PPTP_STATE_DIR: state }, input: `${PASSWORD}\n` });
    });
  });
  afterEach(async () => {
    for (const program of programs.splice(0)) await program.end('SIGKILL');
  });
  afterAll(() => {
    for (const ns of [hub, ...clients.values()]) ns?.destroy();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const start = (ns: Netns, command: readonly string[], env: Readonly<Record<string, string>>): Program => {
    const program = new Program(ns, [process.execPath, MAIN, ...command], env);
    programs.push(program);
    return program;
  };
  const run = (more: Readonly<Record<string, string>> = {}): Program =>
    start(hub, ['run'], { PPTP_STATE_DIR: state, PPTP_LOG_FORMAT: 'json', PPTP_WORKERS: '2', ...more });
  const netns = (user: User): Netns => {
    const found = clients.get(user);
    if (found === undefined) throw new Error(`no client ${user}`);
    return found;
  };
  const dial = (user: User): Program =>
    start(netns(user), ['dial', SERVER, '--user', user, '--password-file', join(folder, 'password'), '--tun', 'tun0'], {
      PPTP_STATE_DIR: join(folder, user),
    });
  const ping = (from: Netns, to: string): string => from.run('ping', '-c', '3', '-i', '0.2', '-W', '20', to);
  /** Lines of the log about an event, in order. */
  const told = (gateway: Program, event: string): Line[] =>
    gateway.lines.filter((line) => line.includes(`"event":"${event}"`)).map((line): Line => JSON.parse(line));
  const workerPids = (gateway: Program): ReadonlyMap<number | undefined, number | undefined> =>
    new Map(told(gateway, 'worker.ready').map(({ worker, pid }) => [worker, pid]));
  const alive = (pid: number): boolean => existsSync(`/proc/${pid}`);

  /** What a gateway may change on its host. */
  const traces = (): Readonly<Record<string, unknown>> => ({
    links: hub.ip('-o', 'link').split('\n').length,
    addresses: hub.ip('-o', '-4', 'address'),
    routes: hub.ip('-4', 'route', 'show', 'table', 'all'),
    tables: hub.run('nft', 'list', 'tables'),
    forwarding: hub.run('sysctl', '-n', 'net.ipv4.ip_forward'),
    // A socket of a process that was killed stays until the next one takes its place.
    state: readdirSync(state).filter((name) => name !== 'admin.sock'),
    processes: execFileSync('ip', ['netns', 'pids', hub.name], { encoding: 'utf8' }),
  });

  it('spreads its clients, lets them talk to each other, and loses of a killed worker only its own', async () => {
    const before = traces();
    const gateway = run();
    await gateway.says(/"gateway.ready"/);
    const dialled: Program[] = [];
    for (const user of USERS) {
      const client = dial(user);
      dialled.push(client);
      await client.says(/^connected to/);
    }
    const ups = told(gateway, 'session.up');
    const workerOf = new Map(ups.map(({ user, worker }) => [user, worker]));
    const addressOf = new Map(ups.map(({ user, address = '' }) => [user, address]));
    expect([...workerOf.values()].toSorted()).toEqual([0, 0, 1, 1]);
    expect(new Set(addressOf.values()).size).toBe(4);
    for (const user of USERS) expect(ping(netns(user), GATEWAY)).toContain(' 0% packet loss');
    for (const address of addressOf.values()) expect(ping(hub, address)).toContain(' 0% packet loss');
    // From a tunnel of one worker into one of the other.
    const [of0, of1] = [0, 1].map((worker) => USERS.filter((user) => workerOf.get(user) === worker));
    const [first, other, kept] = [of0?.[0], of0?.[1], of1?.[0]];
    if (first === undefined || other === undefined || kept === undefined) throw new Error('nobody is there');
    for (const user of [first, kept]) netns(user).ip('route', 'add', '10.99.0.0/24', 'dev', 'tun0');
    expect(ping(netns(first), addressOf.get(kept) ?? '')).toContain(' 0% packet loss');

    // One process dies: the tunnels of the other one do not notice.
    const pids = workerPids(gateway);
    const stays = new Program(netns(kept), ['ping', '-c', '25', '-i', '0.2', '-W', '2', GATEWAY], {});
    await stays.says(/icmp_seq=3/);
    process.kill(pids.get(0) ?? 0, 'SIGKILL');
    await gateway.says(/"worker.died".*"signal":"SIGKILL"/);
    for (const user of [first, other]) {
      const client = dialled[USERS.indexOf(user)];
      await client?.says(/DIAL_LOST/);
      await gateway.says(new RegExp(`"event":"session.up".*"user":"${user}".*`));
    }
    expect(await stays.end()).toBe(0);
    expect(stays.lines.find((line) => line.includes('packet loss'))).toContain(' 0% packet loss');
    expect(told(gateway, 'worker.died')).toEqual([expect.objectContaining({ worker: 0, connections: 2 })]);
    // Its successor takes calls, and those who lost their tunnel have another.
    await gateway.says(/"worker.ready".*"restarts":1/, 30_000);
    for (const user of [first, other]) {
      const client = dialled[USERS.indexOf(user)];
      while (client !== undefined && client.lines.filter((line) => line.startsWith('connected to')).length < 2) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(ping(netns(user), GATEWAY)).toContain(' 0% packet loss');
    }
    expect(told(gateway, 'session.closed').filter(({ user }) => user === kept)).toEqual([]);

    // The end: every client is told, and the host is as it was.
    const all = [...pids.values(), ...workerPids(gateway).values()];
    expect(await gateway.end('SIGTERM')).toBe(0);
    for (const client of dialled) await client.says(/DIAL_LOST|DIAL_FAILED/);
    for (const client of dialled) await client.end('SIGKILL');
    expect(all.filter((pid) => pid === undefined || alive(pid))).toEqual([]);
    expect(traces()).toEqual(before);
  });

  it('ends with its supervisor, also when that one is killed', async () => {
    const before = traces();
    const gateway = run();
    await gateway.says(/"gateway.ready"/);
    const client = dial('anna');
    await client.says(/^connected to/);
    const pids = [...workerPids(gateway).values()].map((pid) => pid ?? 0);
    const [supervisor] = readFileSync(`/proc/${pids[0]}/stat`, 'utf8').split(' ').slice(3, 4).map(Number);
    process.kill(supervisor ?? 0, 'SIGKILL');
    await client.says(/DIAL_LOST/);
    for (const pid of pids) while (alive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
    await client.end('SIGKILL');
    expect(traces()).toEqual(before);
  });

  it('is told once by a terminal, which tells all of its processes', async () => {
    const before = traces();
    const gateway = run();
    await gateway.says(/"gateway.ready"/);
    const client = dial('anna');
    await client.says(/^connected to/);
    for (const pid of [...workerPids(gateway).values()]) process.kill(pid ?? 0, 'SIGINT');
    expect(await gateway.end('SIGINT')).toBe(0);
    expect(told(gateway, 'worker.died')).toEqual([]);
    expect(told(gateway, 'session.closed')).toEqual([expect.objectContaining({ reason: 'shutdown' })]);
    await client.end('SIGKILL');
    expect(traces()).toEqual(before);
  });

  it('that cannot start says why, and leaves nothing', async () => {
    const before = traces();
    const other = start(hub, ['run'], {
      PPTP_STATE_DIR: join(folder, 'first'),
      PPTP_LOG_FORMAT: 'json',
      PPTP_POOL: '10.98.0.0/24',
      PPTP_TUN_NAME: 'other0',
    });
    await other.says(/"gateway.ready"/);
    const taken = run();
    expect(await taken.end()).toBe(1);
    expect(taken.lines.at(-1)).toMatch(/^pptp-gateway: PORT_TAKEN: /);
    expect(await other.end('SIGTERM')).toBe(0);
    const broken = run({ PPTP_PLUGINS: './no-such-plug-in.mjs' });
    expect(await broken.end()).toBe(1);
    expect(broken.lines.at(-1)).toMatch(/^pptp-gateway: PLUGIN_INVALID: /);
    expect(traces()).toEqual(before);
  });
});
