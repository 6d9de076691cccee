import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAIN, notBuilt } from '../support/built.ts';
import { connect, Netns, netnsUnavailable, ROOT } from '../support/netns.ts';
import { Program } from '../support/program.ts';

const reason = netnsUnavailable('nft') ?? notBuilt();

const SERVER = '203.0.113.1';
const INNER = '10.99.0.1';
const PASSWORD = 'one after the other';

/** A sink that writes each record down at once. */
const LEDGER = `
import { appendFileSync } from 'node:fs';
import { definePlugin, PLUGIN_API, TOKENS } from 'pptp-gateway/core';
const note = (kind) => (record) => appendFileSync(process.env.LEDGER_FILE, kind + ' ' + record.facts.id + ' ' + record.usage.packetsIn + '\\n');
export const plugin = definePlugin({
  name: 'ledger',
  api: PLUGIN_API,
  register({ bind }) {
    bind(TOKENS.AccountingSink).toConstantValue({ name: 'ledger', start: note('start'), interim: note('interim'), stop: note('stop') });
  },
});
export default plugin;
`;

describe.skipIf(reason !== undefined)(`upgrade${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let server: Netns;
  let client: Netns;
  let folder: string;
  let gateway: Program;
  let dialler: Program;

  beforeAll(() => {
    server = new Netns('us');
    client = new Netns('uc');
    connect(
      { ns: client, device: 'up0', addresses: ['203.0.113.2/24'] },
      { ns: server, device: 'wan0', addresses: [`${SERVER}/24`] },
    );
    server.ip('route', 'add', 'default', 'via', '203.0.113.2');
    folder = mkdtempSync(join(tmpdir(), 'pptp-upgrade-'));
    const env = { ...process.env, PPTP_STATE_DIR: join(folder, 'state') };
    const [program, args] = server.inside(process.execPath, MAIN, 'users', 'add', 'alice');
    execFileSync(program, [...args], { env, input: `${PASSWORD}\n` });
    writeFileSync(join(folder, 'ledger.mjs'), LEDGER.replace('pptp-gateway/core', join(ROOT, 'dist/core/index.js')));
    writeFileSync(join(folder, 'gateway.yaml'), 'log:\n  level: info\n');
  });
  afterAll(async () => {
    await dialler?.end('SIGKILL');
    await gateway?.end('SIGTERM');
    for (const ns of [server, client]) ns?.destroy();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const setting = (): Record<string, string> => ({
    PPTP_STATE_DIR: join(folder, 'state'),
    PPTP_CONFIG: join(folder, 'gateway.yaml'),
    PPTP_PLUGINS: join(folder, 'ledger.mjs'),
    PPTP_LOG_FORMAT: 'json',
    PPTP_ADMIN_PORT: '0',
    PPTP_DRAIN_TIMEOUT: '0',
    LEDGER_FILE: join(folder, 'ledger'),
  });
  const verb = async (...args: readonly string[]): Promise<{ readonly code: number; readonly text: string }> => {
    // A verb reads its configuration for itself: a mistake in it is none of this one's.
    const { PPTP_CONFIG: _file, PPTP_PLUGINS: _plugins, ...env } = setting();
    const program = new Program(server, [process.execPath, MAIN, ...args], env);
    const code = await program.end();
    return { code, text: program.lines.join('\n') };
  };
  const ledger = (): readonly string[] => readFileSync(join(folder, 'ledger'), 'utf8').trim().split('\n');

  it('a new process goes on with the tunnel: nothing is dialled again, pings pass, one Start and one Stop', async () => {
    const before = server.run('nft', 'list', 'ruleset') + server.ip('-4', 'route');
    gateway = new Program(server, [process.execPath, MAIN, 'run'], setting());
    await gateway.says(/"gateway.ready"/);
    dialler = new Program(
      client,
      [process.execPath, MAIN, 'dial', SERVER, '--user', 'alice'],
      { PPTP_STATE_DIR: join(folder, 'client'), PPTP_ADMIN_PORT: '0' },
      `${PASSWORD}\n`,
    );
    await dialler.says(/^connected/);
    await gateway.says(/"session.up"/);

    const ping = new Program(client, ['ping', '-i', '0.1', '-W', '2', INNER], {});
    await ping.says(/icmp_seq=5 /);
    const upgrade = await verb('upgrade');
    expect(upgrade).toMatchObject({ code: 0, text: expect.stringContaining('serves now') });
    expect(upgrade.text).toMatch(/process \d+ serves now, with 1 tunnel; nothing passed for \d+ ms/);
    await gateway.says(/"upgrade.taken-over"/);
    const seen = Math.max(...ping.lines.map((line) => Number(/icmp_seq=(\d+) /.exec(line)?.[1] ?? 0)));
    await ping.says(new RegExp(`icmp_seq=${seen + 5} `));
    await ping.end('SIGINT');
    const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(ping.lines.join('\n')) ?? [];
    // At most a short gap, and the one that was on its way at the end.
    expect(Number(sent) - Number(received)).toBeLessThanOrEqual(3);
    await gateway.says(/"upgrade.keeps-watch"/);
    expect(dialler.ended).toBe(false);
    expect(gateway.ended).toBe(false);
    expect(ledger().map((line) => line.split(' ')[0])).toEqual(['start']);

    // A new version that does not start leaves the one that serves alone.
    writeFileSync(join(folder, 'gateway.yaml'), 'log:\n  level: loudest\n');
    const failed = await verb('upgrade');
    expect(failed.code).not.toBe(0);
    expect(failed.text).toContain('did not take over, and this one goes on');
    writeFileSync(join(folder, 'gateway.yaml'), 'pool:\n  range: 10.98.0.0/24\n');
    const other = await verb('upgrade');
    expect(other.code).not.toBe(0);
    expect(other.text).toContain('pool cannot change while tunnels are up');
    writeFileSync(join(folder, 'gateway.yaml'), 'log:\n  level: debug\n');
    expect(client.run('ping', '-c', '3', '-i', '0.2', '-W', '20', INNER)).toContain(' 0% packet loss');

    // Once more, from the process that took over; the first one stays the one that signals go to.
    expect(await verb('upgrade')).toMatchObject({ code: 0 });
    expect(client.run('ping', '-c', '3', '-i', '0.2', '-W', '20', INNER)).toContain(' 0% packet loss');
    expect((await verb('sessions', 'list')).text).toContain('alice');
    expect(await gateway.end('SIGTERM')).toBe(0);
    const [start, stop] = ledger();
    expect(ledger()).toHaveLength(2);
    expect(start?.split(' ').slice(0, 2)).toEqual(['start', stop?.split(' ')[1]]);
    // Counted by three processes.
    expect(Number(stop?.split(' ')[2])).toBeGreaterThanOrEqual(Number(received) + 6);
    expect(server.run('nft', 'list', 'ruleset') + server.ip('-4', 'route')).toBe(before);
  });
});
