import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAIN, notBuilt } from '../support/built.ts';
import { connect, Netns, netnsUnavailable } from '../support/netns.ts';
import { Program } from '../support/program.ts';

const reason = netnsUnavailable('nft') ?? notBuilt();

const SERVER = '192.0.2.1';
const PASSWORD = 'many hands';
/** A machine of the site behind the client of anna. */
const INSIDE = '192.168.5.9';
const PROFILES = `
users:
  anna: { pool: staff, routes: [192.168.5.0/24] }
  bela: { routes: [10.50.0.128/25] }
`;

describe.skipIf(reason !== undefined)(`profiles of two workers${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let hub: Netns;
  let client: Netns;
  let lan: Netns;
  let folder: string;
  const programs: Program[] = [];

  /*   site 192.168.5.9 = client 192.0.2.11 ---- hub 192.0.2.1, 10.50.0.1 ---- lan 10.50.0.200   */
  beforeAll(() => {
    hub = new Netns('ph');
    client = new Netns('pc');
    lan = new Netns('pl');
    connect(
      { ns: client, device: 'eth0', addresses: ['192.0.2.11/24'] },
      { ns: hub, device: 'outer', addresses: [`${SERVER}/24`] },
    );
    connect({ ns: hub, device: 'inner', addresses: [] }, { ns: lan, device: 'eth0', addresses: ['10.50.0.200/24'] });
    // As DHCP clients and network managers set it: its route has a metric.
    hub.ip('address', 'add', '10.50.0.1/24', 'dev', 'inner', 'metric', '100');
    client.ip('address', 'add', `${INSIDE}/32`, 'dev', 'lo');
    folder = mkdtempSync(join(tmpdir(), 'pptp-profiles-'));
    writeFileSync(join(folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
    writeFileSync(join(folder, 'profiles.yaml'), PROFILES);
    for (const user of ['anna', 'bela']) {
      const [program, args] = hub.inside(process.execPath, MAIN, 'users', 'add', user);
      const env = { ...process.env, PPTP_STATE_DIR: join(folder, 'state') };
      execFileSync(program, [...args], { env, input: `${PASSWORD}\n` });
    }
  });
  afterAll(async () => {
    for (const program of programs) await program.end('SIGKILL');
    for (const ns of [hub, client, lan]) ns?.destroy();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const start = (ns: Netns, command: readonly string[], env: Readonly<Record<string, string>>): Program => {
    const program = new Program(ns, [process.execPath, MAIN, ...command], env);
    programs.push(program);
    return program;
  };
  const dial = (user: string): Program =>
    start(
      client,
      ['dial', SERVER, '--user', user, '--password-file', join(folder, 'password'), '--route', '10.99.0.0/24'],
      { PPTP_STATE_DIR: join(folder, 'client') },
    );
  const routes = (): string => hub.ip('-4', 'route', 'show', 'table', 'all');
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
  };

  it('give an address of a pool by name and a route to a site while its session lasts, and leave the host its own', async () => {
    const before = [routes(), hub.run('nft', 'list', 'ruleset')];
    const gateway = start(hub, ['run'], {
      PPTP_STATE_DIR: join(folder, 'state'),
      PPTP_LOG_FORMAT: 'json',
      PPTP_WORKERS: '2',
      PPTP_POOLS: 'staff=10.60.0.0/24',
      PPTP_PLUGINS: 'policy-profile',
      PPTP_POLICY_PROFILE_FILE: join(folder, 'profiles.yaml'),
    });
    await gateway.says(/"gateway.ready"/);
    const ready = routes();
    for (const part of ['10.60.0.0/25 dev pptp0', '10.60.0.128/25 dev pptp1']) expect(ready).toContain(part);

    const anna = dial('anna');
    expect(await anna.says(/^connected to/)).toMatch(/address 10\.60\.0\.\d+/);
    await until(() => routes() !== ready);
    expect(routes()).toMatch(/^192\.168\.5\.0\/24 dev pptp[01] scope link src 10\.99\.0\.1/m);
    expect(hub.run('ping', '-c', '2', '-i', '0.2', '-W', '20', INSIDE)).toContain(' 0% packet loss');
    await anna.end('SIGTERM');
    await until(() => !routes().includes('192.168.5.0'));
    expect(routes()).toBe(ready);

    // A part of the network that the host is on itself: its machines stay where they are.
    const bela = dial('bela');
    expect(await gateway.says(/"session.refused"/)).toContain('"route-failed"');
    await bela.end('SIGTERM');
    expect(routes()).toBe(ready);
    expect(hub.run('ping', '-c', '1', '-W', '20', '10.50.0.200')).toContain(' 0% packet loss');

    // What is there when the gateway stops goes with it.
    await dial('anna').says(/^connected to/);
    await until(() => routes().includes('192.168.5.0'));
    expect(await gateway.end('SIGTERM')).toBe(0);
    expect([routes(), hub.run('nft', 'list', 'ruleset')]).toEqual(before);
  });
});
