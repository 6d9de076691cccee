import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAIN, notBuilt } from '../support/built.ts';
import { connect, Netns, netnsUnavailable, ROOT } from '../support/netns.ts';
import { Program } from '../support/program.ts';

const reason = netnsUnavailable('nft') ?? notBuilt();

const SERVER = '192.0.2.1';
const PASSWORD = 'many hands';
const ADMIN_PORT = '8723';
const SOURCES = 100;
const MEGABYTE = 1024 * 1024;

interface Held {
  readonly heapUsed: number;
  readonly held: Readonly<Record<string, number>>;
  readonly files: number;
}

describe.skipIf(reason !== undefined)(`strangers at the door${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let hub: Netns;
  let client: Netns;
  let crowd: Netns;
  let folder: string;
  const programs: Program[] = [];

  beforeAll(() => {
    hub = new Netns('fh');
    client = new Netns('fc');
    crowd = new Netns('fs');
    connect(
      { ns: client, device: 'eth0', addresses: ['192.0.2.2/24'] },
      { ns: hub, device: 'good', addresses: [`${SERVER}/24`] },
    );
    const many = Array.from({ length: SOURCES }, (_, n) => `198.51.100.${100 + n}/24`);
    connect({ ns: crowd, device: 'eth0', addresses: many }, { ns: hub, device: 'bad', addresses: ['198.51.100.1/24'] });
    folder = mkdtempSync(join(tmpdir(), 'pptp-flood-'));
    writeFileSync(join(folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
    const [program, args] = hub.inside(process.execPath, MAIN, 'users', 'add', 'anna');
    const env = { ...process.env, PPTP_STATE_DIR: join(folder, 'state') };
    execFileSync(program, [...args], { env, input: `${PASSWORD}\n` });
  });
  afterAll(async () => {
    for (const program of programs) await program.end('SIGKILL');
    for (const ns of [hub, client, crowd]) ns?.destroy();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const start = (ns: Netns, command: readonly string[], env: Readonly<Record<string, string>> = {}): Program => {
    const program = new Program(ns, [process.execPath, ...command], env);
    programs.push(program);
    return program;
  };
  const support = (name: string): string => join(ROOT, 'test', 'support', name);
  const held = async (): Promise<Held> => JSON.parse(await text(connectTo(join(folder, 'look'))));
  const dial = async (): Promise<Program> => {
    const anna = start(
      client,
      [MAIN, 'dial', SERVER, '--user', 'anna', '--password-file', join(folder, 'password'), '--route', '10.99.0.0/24'],
      { PPTP_STATE_DIR: join(folder, 'client') },
    );
    await anna.says(/^connected to/);
    return anna;
  };
  /** Beside us: the gateway waits for who reads its log, and that is us. */
  const pings = (count: number): Promise<string> => {
    const ping = new Program(client, ['ping', '-q', '-i', '0.05', '-c', `${count}`, '-W', '20', '10.99.0.1'], {});
    programs.push(ping);
    return ping.says(/packet loss/);
  };
  const flood = (connections: number): Program =>
    start(crowd, [
      support('flood.mjs'),
      '198.51.100.1',
      '1723',
      String(connections),
      '3000',
      '198.51.100.100',
      String(SOURCES),
    ]);

  it('change nothing for those who are in, keep nobody out, and leave nothing behind', async () => {
    const gateway = start(hub, ['--expose-gc', '--import', support('inside-look.mjs'), MAIN, 'run'], {
      INSIDE_LOOK: join(folder, 'look'),
      PPTP_STATE_DIR: join(folder, 'state'),
      PPTP_LOG_FORMAT: 'json',
      PPTP_DRAIN_TIMEOUT: '0',
      PPTP_ADMIN_ADDRESS: '0.0.0.0',
      PPTP_ADMIN_PORT: ADMIN_PORT,
      PPTP_MAX_CONNECTIONS: '1000',
    });
    await gateway.says(/"gateway.ready"/);
    const anna = await dial();

    // What is remembered of strangers, and compiled for them, is there once.
    await flood(2_000).says(/"made"/);
    const before = await settledAt(held);

    const strangers = flood(8_000);
    const requests = start(crowd, [support('bad-requests.mjs'), '198.51.100.1', ADMIN_PORT, '1000']);
    // Through the tunnel meanwhile.
    expect(await pings(40)).toContain(' 0% packet loss');
    const statuses: Readonly<Record<string, number>> = JSON.parse(await requests.says(/^\{/));
    expect(Object.keys(statuses).filter((status) => status !== '0' && !status.startsWith('4'))).toEqual([]);
    expect(Object.values(statuses).reduce((sum, number) => sum + number, 0)).toBe(1000);
    // A client of another address comes in, however many are there.
    await anna.end('SIGTERM');
    const again = await dial();
    const made: Readonly<Record<string, number>> = JSON.parse(await strangers.says(/"made"/));
    expect(made['made']).toBe(8_000);
    expect(await pings(5)).toContain(' 0% packet loss');

    const after = await settledAt(held, before);
    expect(after.files).toBeLessThanOrEqual(before.files);
    expect(after.held).toEqual(before.held);
    expect(after.heapUsed - before.heapUsed).toBeLessThan(8 * MEGABYTE);
    await again.end('SIGTERM');
    expect(await gateway.end('SIGTERM')).toBe(0);
  });
});

/** What is held when it changes no more, or is what it was before. */
const settledAt = async (look: () => Promise<Held>, before?: Held): Promise<Held> => {
  const same = (a: Held, b: Held): boolean => a.files === b.files && JSON.stringify(a.held) === JSON.stringify(b.held);
  let last = await look();
  for (let turn = 0; turn < 40; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    const now = await look();
    if (before === undefined ? same(now, last) && turn > 3 : same(now, before)) return now;
    last = now;
  }
  return last;
};
