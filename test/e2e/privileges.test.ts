import { execFileSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAIN, notBuilt } from '../support/built.ts';
import { connect, Netns, netnsUnavailable } from '../support/netns.ts';
import { Program } from '../support/program.ts';

const NOBODY = 65_534;
const SERVER = '192.0.2.1';
const PASSWORD = 'many hands';
/** CAP_NET_ADMIN and CAP_NET_RAW. */
const KEPT = (1n << 12n) | (1n << 13n);
const PROFILES = 'users:\n  anna: { routes: [192.168.5.0/24] }\n';

const asNobody = (...more: readonly string[]): readonly string[] => [
  'setpriv',
  `--reuid=${NOBODY}`,
  `--regid=${NOBODY}`,
  '--clear-groups',
  ...more,
];

/** Why nobody could run the gateway of this folder. */
const unreachable = (): string | undefined => {
  try {
    execFileSync('setpriv', [...asNobody().slice(1), process.execPath, '-e', `fs.accessSync(${JSON.stringify(MAIN)})`]);
    return undefined;
  } catch {
    return 'an ordinary user cannot read the built gateway, or there is no setpriv';
  }
};
const reason = netnsUnavailable('nft') ?? notBuilt() ?? unreachable();

/** Of the threads of a process, by the name of the field in /proc. */
const threads = (pid: number): readonly ReadonlyMap<string, string>[] =>
  readdirSync(`/proc/${pid}/task`).map((thread) => {
    const lines = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8').split('\n');
    return new Map(lines.map((line): [string, string] => [line.split(':')[0] ?? '', line.split('\t')[1] ?? '']));
  });
const mask = (thread: ReadonlyMap<string, string> | undefined, field: string): bigint =>
  BigInt(`0x${thread?.get(field) ?? '0'}`);

describe.skipIf(reason !== undefined)(`a gateway that is not root${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let hub: Netns;
  let client: Netns;
  let folder: string;
  const programs: Program[] = [];

  beforeAll(() => {
    hub = new Netns('vh');
    client = new Netns('vc');
    connect(
      { ns: client, device: 'eth0', addresses: ['192.0.2.11/24'] },
      { ns: hub, device: 'outer', addresses: [`${SERVER}/24`] },
    );
    folder = mkdtempSync(join(tmpdir(), 'pptp-privileges-'));
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
    writeFileSync(join(folder, 'profiles.yaml'), PROFILES);
    execFileSync('mknod', [join(folder, 'tun'), 'c', '10', '200']);
    chmodSync(join(folder, 'tun'), 0o666);
  });
  afterAll(async () => {
    for (const program of programs) await program.end('SIGKILL');
    for (const ns of [hub, client]) ns?.destroy();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const start = (ns: Netns, command: readonly string[], env: Readonly<Record<string, string>>): Program => {
    const program = new Program(ns, command, env);
    programs.push(program);
    return program;
  };
  /** Where everybody may open /dev/net/tun, as udev has it; a container may have a node of its own. */
  const room = (...command: readonly string[]): readonly string[] => [
    ...['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /dev/net/tun && exec "$@"'],
    ...[join(folder, 'tun'), ...command],
  ];
  const stateOf = (name: string): string => {
    const state = join(folder, name);
    const [program, args] = hub.inside(process.execPath, MAIN, 'users', 'add', 'anna');
    execFileSync(program, [...args], { env: { ...process.env, PPTP_STATE_DIR: state }, input: `${PASSWORD}\n` });
    return state;
  };
  const gatewayEnv = (state: string): Readonly<Record<string, string>> => ({
    PPTP_STATE_DIR: state,
    PPTP_LOG_FORMAT: 'json',
    PPTP_DRAIN_TIMEOUT: '0',
    PPTP_ADMIN_PORT: '0',
    PPTP_PLUGINS: 'policy-profile',
    PPTP_POLICY_PROFILE_FILE: join(folder, 'profiles.yaml'),
  });
  const host = (): readonly string[] => [
    hub.ip('-4', 'route', 'show', 'table', 'all'),
    hub.run('nft', 'list', 'ruleset'),
    hub.run('cat', '/proc/sys/net/ipv4/ip_forward'),
  ];
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  /** A client of anna comes and goes: with a route to what is behind it, which is there as long. */
  const visit = async (): Promise<void> => {
    const routed = (): boolean => host()[0]?.includes('192.168.5.0/24') === true;
    const anna = start(
      client,
      [process.execPath, MAIN, 'dial', SERVER, '--user', 'anna', '--password-file', join(folder, 'password')],
      { PPTP_STATE_DIR: join(folder, 'client') },
    );
    await anna.says(/^connected to/);
    await until(routed);
    await anna.end('SIGTERM');
    await until(() => !routed());
  };

  it.each(['1', '2'])('becomes the user of PPTP_RUN_AS with %s worker(s), and can do all it must', async (workers) => {
    const before = host();
    const state = stateOf(`state-${workers}`);
    const gateway = start(hub, room(process.execPath, MAIN, 'run'), {
      ...gatewayEnv(state),
      PPTP_WORKERS: workers,
      PPTP_RUN_AS: String(NOBODY),
    });
    await gateway.says(/"gateway.ready"/);
    const main = gateway.child.pid ?? 0;
    const pids = [main, ...children(main)];
    expect(pids).toHaveLength(workers === '1' ? 1 : 3);
    for (const pid of pids) {
      const all = threads(pid);
      expect(all.map((thread) => thread.get('Uid'))).toEqual(all.map(() => String(NOBODY)));
      expect(all.map((thread) => thread.get('Groups')?.trim())).toEqual(all.map(() => ''));
      const [first, ...others] = all;
      for (const field of ['CapEff', 'CapPrm', 'CapInh', 'CapAmb', 'CapBnd']) expect(mask(first, field)).toBe(KEPT);
      expect(first?.get('NoNewPrivs')).toBe('1');
      for (const other of others) expect(mask(other, 'CapEff') | mask(other, 'CapPrm')).toBe(0n);
    }
    for (const name of readdirSync(state)) expect(statSync(join(state, name)).uid).toBe(NOBODY);

    await visit();
    if (workers === '2') {
      // A worker that is started again has what it needs.
      process.kill(children(main)[0] ?? 0, 'SIGKILL');
      await gateway.says(/"worker.ready".*"restarts":1/);
      await visit();
    }
    expect(await gateway.end('SIGTERM')).toBe(0);
    expect(host()).toEqual(before);
    expect(readdirSync(state)).toContain('users.json');
  });

  const children = (pid: number): readonly number[] =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

  it('says what is wrong with PPTP_RUN_AS, and leaves nothing behind', async () => {
    const before = host();
    const hidden = join(folder, 'hidden');
    mkdirSync(hidden, { mode: 0o700 });
    const state = stateOf('state-hidden');
    const users = join(hidden, 'users.json');
    writeFileSync(users, readFileSync(join(state, 'users.json')), { mode: 0o600 });
    const gateway = start(hub, [process.execPath, MAIN, 'run'], {
      ...gatewayEnv(state),
      PPTP_USERS_FILE: users,
      PPTP_RUN_AS: String(NOBODY),
    });
    expect(await gateway.says(/RUN_AS/)).toContain('cannot read the user file');
    expect(await gateway.end()).toBe(1);
    expect(host()).toEqual(before);
    const unknown = start(hub, [process.execPath, MAIN, 'run'], { ...gatewayEnv(state), PPTP_RUN_AS: 'no-such-user' });
    await unknown.says(/there is no user "no-such-user"/);
    expect(await unknown.end()).toBe(1);
    expect(host()).toEqual(before);
  });

  const capabilities = '+net_admin,+net_raw';
  it.each([
    ['of its service manager', [`--inh-caps=${capabilities}`, `--ambient-caps=${capabilities}`]],
    ['of its program', []],
  ])('runs with the capabilities %s alone', async (whose, more) => {
    const state = stateOf(`state-${whose.split(' ').at(-1)}`);
    for (const path of [state, ...readdirSync(state).map((name) => join(state, name))]) chownSync(path, NOBODY, NOBODY);
    let node = process.execPath;
    if (more.length === 0) {
      node = join(folder, 'node');
      execFileSync('cp', [process.execPath, node]);
      execFileSync('setcap', ['cap_net_admin,cap_net_raw+ep', node]);
      accessSync(node, constants.X_OK);
    }
    const before = host();
    const gateway = start(hub, room(...asNobody(...more), node, MAIN, 'run'), gatewayEnv(state));
    await gateway.says(/"gateway.ready"/);
    const [first] = threads(gateway.child.pid ?? 0);
    expect([first?.get('Uid'), mask(first, 'CapEff'), mask(first, 'CapAmb')]).toEqual([String(NOBODY), KEPT, KEPT]);
    await visit();
    expect(await gateway.end('SIGTERM')).toBe(0);
    expect(host()).toEqual(before);
  });
});
