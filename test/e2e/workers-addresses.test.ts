import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MAIN, notBuilt } from '../support/built.ts';
import { connect, Netns, netnsUnavailable } from '../support/netns.ts';
import { Program } from '../support/program.ts';

const reason = netnsUnavailable('nft') ?? notBuilt();

const SERVER = '192.0.2.1';
const LAN = '10.50.0.9';
const GATEWAY = '10.99.0.1';
const PASSWORD = 'many hands';
/** Both in the slice of worker 0, whose pool is 10.99.0.0/25. */
const FIXED = { anna: '10.99.0.20', bela: '10.99.0.40' } as const;
type User = keyof typeof FIXED;

interface Line {
  readonly event: string;
  readonly worker?: number;
  readonly pid?: number;
  readonly user?: string;
  readonly address?: string;
}

describe.skipIf(reason !== undefined)(`addresses of two workers${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let hub: Netns;
  let lan: Netns;
  let folder: string;
  let state: string;
  const clients: Netns[] = [];
  const programs: Program[] = [];

  /*   clients 192.0.2.11, .12, .13 ---- (a bridge) hub 192.0.2.1, 10.50.0.1 ---- lan 10.50.0.9, no route back to the pool   */
  beforeAll(() => {
    hub = new Netns('ah');
    lan = new Netns('al');
    hub.ip('link', 'add', 'outer', 'type', 'bridge');
    hub.ip('address', 'add', `${SERVER}/24`, 'dev', 'outer');
    hub.ip('link', 'set', 'outer', 'up');
    connect(
      { ns: hub, device: 'inner', addresses: ['10.50.0.1/24'] },
      { ns: lan, device: 'eth0', addresses: [`${LAN}/24`] },
    );
    folder = mkdtempSync(join(tmpdir(), 'pptp-addresses-'));
    state = join(folder, 'state');
    writeFileSync(join(folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
    for (let i = 0; i < 3; i += 1) {
      const ns = new Netns(`a${i}`);
      connect({ ns, device: 'eth0', addresses: [`192.0.2.${11 + i}/24`] }, { ns: hub, device: `c${i}`, addresses: [] });
      hub.ip('link', 'set', `c${i}`, 'master', 'outer');
      clients.push(ns);
    }
    for (const [user, address] of Object.entries(FIXED)) {
      const [program, args] = hub.inside(process.execPath, MAIN, 'users', 'add', user, '--address', address);
      execFileSync(program, [...args], { env: { ...process.env, PPTP_STATE_DIR: state }, input: `${PASSWORD}\n` });
    }
  });
  afterEach(async () => {
    for (const program of programs.splice(0)) await program.end('SIGKILL');
  });
  afterAll(() => {
    for (const ns of [hub, lan, ...clients]) ns?.destroy();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const start = (ns: Netns, command: readonly string[], env: Readonly<Record<string, string>>): Program => {
    const program = new Program(ns, [process.execPath, MAIN, ...command], env);
    programs.push(program);
    return program;
  };
  const client = (which: number): Netns => {
    const found = clients[which];
    if (found === undefined) throw new Error(`no client ${which}`);
    return found;
  };
  const dial = (which: number, user: User): Program =>
    start(
      client(which),
      [
        'dial',
        SERVER,
        '--user',
        user,
        '--password-file',
        join(folder, 'password'),
        '--tun',
        'tun0',
        '--route',
        '10.50.0.0/24',
        '--route',
        '10.99.0.0/24',
      ],
      { PPTP_STATE_DIR: join(folder, `client${which}`) },
    );
  const told = (gateway: Program, event: string): Line[] =>
    gateway.lines.filter((line) => line.includes(`"event":"${event}"`)).map((line): Line => JSON.parse(line));
  const workerOf = (gateway: Program, user: User): number | undefined =>
    told(gateway, 'session.up').findLast((line) => line.user === user)?.worker;
  const ping = (from: Netns, to: string): string => from.run('ping', '-c', '3', '-i', '0.2', '-W', '20', to);
  const passes = ' 0% packet loss';
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const routes = (): string => hub.ip('-4', 'route');

  it('are lent, routed and masqueraded; the newest log-in wins; loans outlive the owner and end with the borrower', async () => {
    const before = [hub.ip('-4', 'route', 'show', 'table', 'all'), hub.run('nft', 'list', 'ruleset')];
    const gateway = start(hub, ['run'], {
      PPTP_STATE_DIR: state,
      PPTP_LOG_FORMAT: 'json',
      PPTP_WORKERS: '2',
      PPTP_INTRANET_INTERFACE: 'inner',
    });
    await gateway.says(/"gateway.ready"/);
    expect(routes()).toContain('10.99.0.0/25 dev pptp0');
    expect(routes()).toContain('10.99.0.128/25 dev pptp1');

    const first = dial(0, 'anna');
    await first.says(/^connected to/);
    const second = dial(1, 'bela');
    await second.says(/^connected to/);
    const [borrower, lender]: readonly [User, User] =
      workerOf(gateway, 'anna') === 1 ? ['anna', 'bela'] : ['bela', 'anna'];
    expect([workerOf(gateway, borrower), workerOf(gateway, lender)]).toEqual([1, 0]);
    expect(routes()).toContain(`${FIXED[borrower]} dev pptp1`);
    for (const [which, other] of [
      [0, 'bela'],
      [1, 'anna'],
    ] as const) {
      // The gateway, the intranet behind NAT, and the client of the other worker.
      for (const there of [GATEWAY, LAN, FIXED[other]]) expect(ping(client(which), there)).toContain(passes);
    }
    // Nobody but the intranet opens connections to clients, and it does.
    lan.ip('route', 'add', '10.99.0.0/24', 'via', '10.50.0.1');
    for (const there of Object.values(FIXED)) expect(ping(lan, there)).toContain(passes);
    lan.ip('route', 'del', '10.99.0.0/24');

    // The one with the loan comes again from elsewhere: its older tunnel gives way, whichever worker has it.
    const again = dial(2, borrower);
    await again.says(/^connected to/);
    expect(ping(client(2), LAN)).toContain(passes);
    const place = borrower === 'anna' ? first : second;
    await place.says(/DIAL_LOST/);
    await place.end('SIGKILL');
    expect(ping(client(2), LAN)).toContain(passes);
    expect(workerOf(gateway, borrower)).toBe(0);
    expect(routes()).not.toContain(FIXED[borrower]);

    // Lent once more, because worker 1 has no connection now; then the owner dies, and the loan goes on.
    await again.end('SIGTERM');
    const back = dial(2, borrower);
    await back.says(/^connected to/);
    expect(workerOf(gateway, borrower)).toBe(1);
    const ready = (): readonly Line[] => told(gateway, 'worker.ready');
    const kill = async (worker: number): Promise<void> => {
      const count = ready().length;
      process.kill(ready().findLast((line) => line.worker === worker)?.pid ?? 0, 'SIGKILL');
      await until(() => ready().length > count);
    };
    await kill(0);
    expect(routes()).toContain(`${FIXED[borrower]} dev pptp1`);
    expect(ping(client(2), LAN)).toContain(passes);
    // It ends with its borrower; the client comes again and has the address again.
    const ups = (): number => told(gateway, 'session.up').filter(({ user }) => user === borrower).length;
    const upsBefore = ups();
    await kill(1);
    await until(() => ups() > upsBefore && client(2).attempt('ping', '-c', '1', '-W', '1', LAN).ok);
    expect(told(gateway, 'session.up').findLast(({ user }) => user === borrower)?.address).toBe(FIXED[borrower]);
    expect(await gateway.end('SIGTERM')).toBe(0);
    expect([hub.ip('-4', 'route', 'show', 'table', 'all'), hub.run('nft', 'list', 'ruleset')]).toEqual(before);
  });
});
