import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MAIN, notBuilt } from '../support/built.ts';
import { connect, Netns, netnsUnavailable } from '../support/netns.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { Program } from '../support/program.ts';

const reason = netnsUnavailable('nft') ?? notBuilt();

const PASSWORD = 'between sites';
const LOW = {
  name: 'low',
  outer: '192.0.2.2',
  via: '192.0.2.1',
  pool: '10.1.0.0/24',
  inner: '10.1.0.1',
  lan: '10.11.0.1',
};
const HIGH = {
  name: 'high',
  outer: '203.0.113.2',
  via: '203.0.113.1',
  pool: '10.2.0.0/24',
  inner: '10.2.0.1',
  lan: '10.22.0.1',
};
type Site = typeof LOW;

/** Requests and everything else with content wait outside; handshakes of TCP pass. */
const HOLD = `table ip hold {
chain held {
  type filter hook forward priority 0;
  ip saddr ${LOW.outer} tcp dport 1723 tcp flags & psh == psh counter drop comment "low"
  ip saddr ${HIGH.outer} tcp dport 1723 tcp flags & psh == psh counter drop comment "high"
}
}`;

describe.skipIf(reason !== undefined)(`two sites${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let low: Netns;
  let high: Netns;
  let router: Netns;
  let folder: string;
  const programs: Program[] = [];

  /*   low  192.0.2.2 ---- 192.0.2.1 router 203.0.113.1 ---- 203.0.113.2  high; a network behind each   */
  beforeAll(() => {
    low = new Netns('sl');
    high = new Netns('sh');
    router = new Netns('sr');
    const sides = [
      { ns: low, site: LOW, device: 'r0' },
      { ns: high, site: HIGH, device: 'r1' },
    ];
    for (const { ns, site, device } of sides) {
      connect(
        { ns, device: 'wan0', addresses: [`${site.outer}/24`] },
        { ns: router, device, addresses: [`${site.via}/24`] },
      );
      ns.ip('route', 'add', 'default', 'via', site.via);
      ns.ip('address', 'add', `${site.lan}/32`, 'dev', 'lo');
    }
    router.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
    folder = mkdtempSync(join(tmpdir(), 'pptp-sites-'));
    writeFileSync(join(folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
    for (const { ns, site } of sides) {
      const [program, args] = ns.inside(process.execPath, MAIN, 'users', 'add', 'other-site');
      const env = { ...process.env, PPTP_STATE_DIR: join(folder, site.name) };
      execFileSync(program, [...args], { env, input: `${PASSWORD}\n` });
    }
  });
  afterEach(async () => {
    for (const program of programs.splice(0)) await program.end('SIGKILL');
    router.attempt('nft', 'delete', 'table', 'ip', 'hold');
  });
  afterAll(() => {
    for (const ns of [low, high, router]) ns?.destroy();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const start = (ns: Netns, command: readonly string[], env: Readonly<Record<string, string>>): Program => {
    const program = new Program(ns, [process.execPath, MAIN, ...command], env);
    programs.push(program);
    return program;
  };
  const settings = (site: Site): Readonly<Record<string, string>> => ({
    PPTP_STATE_DIR: join(folder, site.name),
    PPTP_LOG_FORMAT: 'json',
    PPTP_POOL: site.pool,
  });
  const run = async (ns: Netns, site: Site, more: Readonly<Record<string, string>> = {}): Promise<Program> => {
    const gateway = start(ns, ['run'], { ...settings(site), ...more });
    await gateway.says(/"gateway.ready"/);
    return gateway;
  };
  const dialling = (other: Site): Readonly<Record<string, string>> => ({
    PPTP_DIAL_SERVER: other.outer,
    PPTP_DIAL_USER: 'other-site',
    PPTP_DIAL_PASSWORD_FILE: join(folder, 'password'),
    PPTP_DIAL_ROUTES: `${other.lan}/32`,
  });
  const ping = (ns: Netns, to: string): string => ns.run('ping', '-c', '3', '-i', '0.2', '-W', '20', to);
  /** TCP connections of control connections in a namespace. */
  const connections = (ns: Netns): string[] =>
    ns
      .run('ss', '-Htn', 'state', 'established', '( sport = 1723 or dport = 1723 )')
      .split('\n')
      .filter((line) => line !== '');

  /** Until both sites have sent something that was held. */
  const bothHeld = async (): Promise<void> => {
    for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; ) {
      const counted = [...router.run('nft', 'list', 'table', 'ip', 'hold').matchAll(/counter packets (\d+)/g)];
      if (counted.length === 2 && counted.every(([, packets]) => packets !== '0')) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error('no requests were held');
  };

  it('dial each other at the same moment: one connection, one tunnel, pings both ways; then the other takes over', async () => {
    writeFileSync(join(folder, 'hold.nft'), HOLD);
    router.run('nft', '-f', join(folder, 'hold.nft'));
    const before = { low: low.ip('-4', 'route'), high: high.ip('-4', 'route') };
    const atLow = await run(low, LOW, dialling(HIGH));
    const atHigh = await run(high, HIGH, dialling(LOW));
    // Both have sent Start-Control-Connection-Request, and neither has seen the other's.
    await bothHeld();
    router.run('nft', 'delete', 'table', 'ip', 'hold');

    await atHigh.says(/"site.up"/, 40_000);
    await atLow.says(/"site.waiting"/);
    await atLow.says(/"site.down".*DIAL_YIELDED/);
    expect(connections(low)).toHaveLength(1);
    expect(connections(high)).toHaveLength(1);
    expect(connections(high)[0]).toMatch(/192\.0\.2\.2:1723\s*$/);
    expect(low.ip('-o', 'link')).not.toContain('pptp-site0');
    expect(high.ip('-o', '-4', 'address', 'show', 'pptp-site0')).toContain('inet 10.1.0.2 peer 10.1.0.1');
    expect(high.ip('route', 'get', LOW.lan)).toContain('dev pptp-site0');
    for (const to of [LOW.inner, LOW.lan]) expect(ping(high, to)).toContain(' 0% packet loss');
    expect(ping(low, '10.1.0.2')).toContain(' 0% packet loss');
    // Clients of the pool get there, too: under the address that the other site gave.
    high.ip('address', 'add', '10.2.0.77/32', 'dev', 'lo');
    expect(high.run('ping', '-c', '1', '-W', '20', '-I', '10.2.0.77', LOW.lan)).toContain(' 0% packet loss');
    high.ip('address', 'del', '10.2.0.77/32', 'dev', 'lo');

    // The site that dialled goes: its own side is taken back, and the other one waits no longer.
    expect(await atHigh.end('SIGTERM')).toBe(0);
    expect(high.ip('-4', 'route')).toBe(before.high);
    expect(readdirSync(join(folder, 'high')).filter((name) => name.startsWith('dial-'))).toEqual([]);
    await run(high, HIGH);
    await atLow.says(/"site.up"/, 60_000);
    for (const to of [HIGH.inner, HIGH.lan]) expect(ping(low, to)).toContain(' 0% packet loss');
    expect(ping(high, '10.2.0.2')).toContain(' 0% packet loss');
    expect(await atLow.end('SIGTERM')).toBe(0);
    expect(low.ip('-4', 'route')).toBe(before.low);
  });

  it('goes on without a site that cannot be dialled', async () => {
    const gateway = await run(low, LOW, { ...dialling(HIGH), PPTP_DIAL_USER: 'nobody' });
    expect(await gateway.says(/"site.down"/)).toContain('DIAL_FAILED');
    await run(high, HIGH);
    expect(await gateway.says(/"site.failed"/, 90_000)).toContain('DIAL_AUTH');
    expect(gateway.ended).toBe(false);
    expect(await gateway.end('SIGTERM')).toBe(0);
  });

  describe('a call that is announced (dial --incoming)', () => {
    const announce = (...flags: readonly string[]): Program => {
      const account = ['--user', 'other-site', '--password-file', join(folder, 'password')];
      const env = { PPTP_STATE_DIR: join(folder, 'client') };
      return start(low, ['dial', HIGH.outer, ...account, '--incoming', ...flags], env);
    };

    it('carries pings where such calls are taken', async () => {
      const gateway = await run(high, HIGH, { PPTP_ACCEPT_INCOMING_CALLS: 'true' });
      const caller = announce();
      await caller.says(/^connected to 203\.0\.113\.2.*MPPE 128-bit/);
      expect(ping(low, HIGH.inner)).toContain(' 0% packet loss');
      expect(ping(high, '10.2.0.2')).toContain(' 0% packet loss');
      expect(await caller.end('SIGTERM')).toBe(0);
      expect(await gateway.says(/"session.closed"/)).toContain('peer-disconnect');
    });

    it('is refused by name where they are not', async () => {
      const gateway = await run(high, HIGH);
      const caller = announce('--once');
      expect(await caller.end()).toBe(1);
      expect(caller.lines.at(-1)).toBe(
        'pptp-gateway: DIAL_REFUSED: The server 203.0.113.2:1723 did not take the call: Incoming-Call-Reply: do-not-accept. ' +
          'It has to be told to take announced calls: a pptp-gateway with PPTP_ACCEPT_INCOMING_CALLS=true.',
      );
      expect(await gateway.says(/"call.refused"/)).toContain('set PPTP_ACCEPT_INCOMING_CALLS=true');
    });
  });
});
