import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SessionRow, SessionsPage } from '../../gateway/admin/api/sessions.ts';
import { MAIN, notBuilt } from '../support/built.ts';
import { connect, Netns, netnsUnavailable } from '../support/netns.ts';
import { readPcapng } from '../support/pcapng.ts';
import { Program } from '../support/program.ts';
import { type PageMetric, parsePage, sampleOf } from '../support/prometheus-page.ts';

const reason = netnsUnavailable('nft') ?? notBuilt();

const SERVER = '203.0.113.1';
const USERS = ['anna', 'bela'] as const;
const PASSWORD = 'one of many';
const METRICS_PORT = 9464;

/** The process answers no more, as one that hangs. */
const stopped = async <T>(pid: number, work: () => T | Promise<T>): Promise<T> => {
  process.kill(pid, 'SIGSTOP');
  try {
    return await work();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
};

describe.skipIf(reason !== undefined)(`two workers as one gateway${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let hub: Netns;
  let clients: readonly Netns[] = [];
  let folder: string;
  let gateway: Program;
  const programs: Program[] = [];

  const env = () => ({
    PPTP_STATE_DIR: join(folder, 'server'),
    PPTP_LOG_FORMAT: 'json',
    PPTP_NAT: 'off',
    PPTP_INTRANET_INTERFACE: 'lo',
    PPTP_WORKERS: '2',
    PPTP_METRICS_PORT: String(METRICS_PORT),
    PPTP_CAPTURE_DECRYPTED: 'true',
  });
  const verb = (...args: readonly string[]) => {
    const options = { env: { ...process.env, ...env() }, encoding: 'utf8' } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], options);
    return { status, stdout, stderr };
  };
  const json = <T>(...args: readonly string[]): T => JSON.parse(verb(...args, '--json').stdout) as T;
  const tunnels = (): readonly SessionRow[] => json<SessionsPage>('tunnels').sessions;
  const page = (): ReadonlyMap<string, PageMetric> =>
    parsePage(hub.run('curl', '-s', `http://127.0.0.1:${METRICS_PORT}/metrics`));
  const inNs = (ns: Netns, command: readonly string[], more: Readonly<Record<string, string>>): Program => {
    const program = new Program(ns, command, more);
    programs.push(program);
    return program;
  };
  const dial = async (index: number): Promise<Program> => {
    const ns = clients[index];
    if (ns === undefined) throw new Error(`no client ${index}`);
    const command = [process.execPath, MAIN, 'dial', SERVER, '--user', USERS[index] ?? ''];
    const program = inNs(ns, [...command, '--password-file', join(folder, 'password')], {
      PPTP_STATE_DIR: join(folder, `client-${index}`),
    });
    await program.says(/^connected/);
    return program;
  };
  const ping = (index: number, count: number): string =>
    clients[index]?.run('ping', '-c', String(count), '-i', '0.2', '-W', '20', '10.99.0.1') ?? '';
  const pidOf = (worker: number): number => {
    const line = gateway.lines.findLast((one) => one.includes('"worker.ready"') && one.includes(`"worker":${worker}`));
    return Number((JSON.parse(line ?? '{}') as { readonly pid?: number }).pid);
  };

  beforeAll(async () => {
    hub = new Netns('vh');
    hub.ip('link', 'add', 'lan', 'type', 'bridge');
    hub.ip('address', 'add', `${SERVER}/24`, 'dev', 'lan');
    hub.ip('link', 'set', 'lan', 'up');
    folder = mkdtempSync(join(tmpdir(), 'pptp-view-'));
    writeFileSync(join(folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
    clients = USERS.map((user, index) => {
      const ns = new Netns(`v${index}`);
      const address = `203.0.113.${11 + index}/24`;
      connect({ ns, device: 'eth0', addresses: [address] }, { ns: hub, device: `c${index}`, addresses: [] });
      hub.ip('link', 'set', `c${index}`, 'master', 'lan');
      const options = { env: { ...process.env, ...env() }, input: `${PASSWORD}\n` };
      execFileSync(process.execPath, [MAIN, 'users', 'add', user], options);
      return ns;
    });
    gateway = inNs(hub, [process.execPath, MAIN, 'run'], env());
    await gateway.says(/"gateway.ready"/);
    for (const index of USERS.keys()) await dial(index);
  });
  afterAll(async () => {
    for (const program of programs) await program.end('SIGKILL');
    for (const ns of [hub, ...clients]) ns?.destroy();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it('says once that it is ready, and of each line which worker wrote it', () => {
    const events = gateway.lines.map(
      (line) => JSON.parse(line) as { readonly event: string; readonly worker?: number },
    );
    const ready = events.filter(({ event }) => event === 'gateway.ready');
    expect(ready).toEqual([expect.not.objectContaining({ worker: expect.anything() })]);
    const workers = (name: string) => events.filter(({ event }) => event === name).map(({ worker }) => worker);
    expect(workers('worker.ready').toSorted()).toEqual([0, 1]);
    expect(workers('session.up').toSorted()).toEqual([0, 1]);
  });

  it('is asked by one socket, and workers by their own, all for one user alone', () => {
    for (const place of ['admin.sock', 'worker-0/admin.sock', 'worker-1/admin.sock']) {
      expect(lstatSync(join(folder, 'server', place)).mode & 0o777).toBe(0o600);
    }
  });

  it('lists and explains the tunnels of both', () => {
    expect(
      tunnels()
        .map(({ user, worker }) => [user, worker])
        .toSorted(),
    ).toEqual([
      ['anna', expect.any(Number)],
      ['bela', expect.any(Number)],
    ]);
    expect(new Set(tunnels().map(({ worker }) => worker))).toEqual(new Set([0, 1]));
    expect(verb('tunnels').stdout).toMatch(/RATE OUT +DROPPED +WORKER\n/);
    for (const user of USERS) {
      expect(json<object>('explain', user)).toMatchObject({ findings: [{ case: 'healthy' }], record: { user } });
    }
    expect(verb('explain', 'nobody')).toMatchObject({ status: 1, stderr: expect.stringContaining('Nothing is known') });
  });

  it('gives one page of metrics: sums, and processes apart', () => {
    const before = page();
    for (const index of USERS.keys()) expect(ping(index, 5)).toContain(' 0% packet loss');
    const after = page();
    expect(sampleOf(after, 'pptp_tunnels', { state: 'up' })).toBe(2);
    expect(sampleOf(after, 'pptp_control_connections')).toBe(2);
    expect(sampleOf(after, 'pptp_workers_alive')).toBe(2);
    expect(sampleOf(after, 'pptp_build_info')).toBe(1);
    const grown = (name: string, labels: Readonly<Record<string, string>>): number =>
      (sampleOf(after, name, labels) ?? 0) - (sampleOf(before, name, labels) ?? 0);
    expect(grown('pptp_packets_total', { stage: 'tun', direction: 'in' })).toBeGreaterThanOrEqual(10);
    expect(sampleOf(after, 'pptp_tunnel_setup_duration_seconds_count', { outcome: 'ok' })).toBe(2);
    const workers = after.get('process_resident_memory_bytes')?.samples.map(({ labels }) => labels['worker']);
    expect(workers).toEqual(['supervisor', '0', '1']);
    const sizes = after.get('pptp_pool_size')?.samples.map(({ value }) => value);
    // 10.99.0.0/24 without its ends and the gateway's own.
    expect(sizes).toEqual([253]);
  });

  it('logs more in all processes, also in one that comes later', async () => {
    expect(verb('log-level', 'debug').stdout).toBe('log level debug (configured: info)\n');
    for (const worker of [0, 1])
      await gateway.says(new RegExp(`"log.level".*"worker":${worker},|"worker":${worker},.*"log.level"`));
    const pid = pidOf(1);
    process.kill(pid, 'SIGKILL');
    await gateway.says(/"worker.ready".*"restarts":1|"restarts":1.*"worker.ready"/, 30_000);
    const levels = gateway.lines.filter((line) => line.includes('"log.level"') && line.includes('"worker":1'));
    expect(levels).toHaveLength(2);
    expect(verb('log-level', 'info').stdout).toBe('log level info\n');
  });

  it('counts on where a dead worker has stopped', async () => {
    await expect.poll(() => tunnels().length).toBe(2);
    const metrics = page();
    expect(sampleOf(metrics, 'pptp_workers_restarts_total', { worker: '1' })).toBe(1);
    // Two from the beginning, and the one that came again.
    expect(sampleOf(metrics, 'pptp_tunnel_setup_duration_seconds_count', { outcome: 'ok' })).toBe(3);
  });

  it('captures both workers in one file, and goes on when one dies', async () => {
    const file = join(folder, 'both.pcapng');
    const command = [process.execPath, MAIN, 'capture', '--point', 'tun', '--decrypted', '-w', file];
    const capture = inNs(hub, command, env());
    await capture.says(/capturing/);
    for (const index of USERS.keys()) expect(ping(index, 3)).toContain(' 0% packet loss');
    process.kill(pidOf(1), 'SIGKILL');
    await gateway.says(/"capture.worker-lost"/);
    await gateway.says(/"worker.ready".*"restarts":2|"restarts":2.*"worker.ready"/, 30_000);
    await expect.poll(() => tunnels().length).toBe(2);
    for (const index of USERS.keys()) expect(ping(index, 3)).toContain(' 0% packet loss');
    expect(await capture.end('SIGINT')).toBe(0);
    expect(capture.lines.at(-2)).toMatch(/^\d+ packets \(tun \d+\) in \d+ s: stopped$/);
    expect(capture.lines.at(-1)).toMatch(/worker 1 died/);
    const { interfaces, packets, statistics } = readPcapng(readFileSync(file));
    expect(interfaces.map(({ name }) => name)).toEqual(['tun']);
    const echoes = packets.filter(({ bytes }) => bytes[9] === 1 && (bytes[20] === 8 || bytes[20] === 0));
    // Both clients, there and back, three times each before the death and after it.
    expect(echoes).toHaveLength(2 * 2 * 6);
    expect(new Set(packets.map(({ packetId }) => packetId)).size).toBe(packets.length);
    expect(statistics).toEqual([expect.objectContaining({ delivered: packets.length, comment: 'worker 1 died' })]);
    const said = spawnSync('tshark', ['-r', file], { encoding: 'utf8' });
    if (said.error === undefined) expect(said.status).toBe(0);
  });

  it('answers without a worker that hangs, and says so', async () => {
    const before = tunnels();
    // A client that lost its worker may have found the other one.
    const hangs = before[0]?.worker ?? 0;
    const answer = await stopped(pidOf(hangs), () => verb('tunnels', '--json'));
    expect(answer.stderr).toBe(`warning: no answer from worker ${hangs}: what follows lacks its part\n`);
    const others = before.filter(({ worker }) => worker !== hangs).map(({ id }) => ({ id }));
    expect(JSON.parse(answer.stdout)).toMatchObject({ missing: [hangs], sessions: others });
    const metrics = await stopped(pidOf(hangs), () => page());
    expect(sampleOf(metrics, 'pptp_tunnels', { state: 'up' })).toBe(2);
  });

  it('has no traces to show where nobody collects them', () => {
    expect(verb('trace', '--user', 'anna')).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('Nobody collects'),
    });
  });
});
