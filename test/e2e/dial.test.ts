import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MAIN, notBuilt } from '../support/built.ts';
import { connect, Netns, netnsUnavailable } from '../support/netns.ts';
import { Program } from '../support/program.ts';

const reason = netnsUnavailable('nft') ?? notBuilt();

const SERVER = '203.0.113.1';
const INNER = '10.99.0.1';
const PASSWORD = 'wonder land';

describe.skipIf(reason !== undefined)(`dial against run${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let server: Netns;
  let client: Netns;
  let router: Netns;
  let folder: string;
  let gateway: Program;
  const programs: Program[] = [];

  /*   client  192.0.2.2 ---- 192.0.2.1 router 203.0.113.254 ---- 203.0.113.1  server (and 10.7.7.7 behind it)   */
  beforeAll(async () => {
    server = new Netns('ds');
    client = new Netns('dc');
    router = new Netns('dr');
    connect(
      { ns: client, device: 'up0', addresses: ['192.0.2.2/24'] },
      { ns: router, device: 'in0', addresses: ['192.0.2.1/24'] },
    );
    connect(
      { ns: router, device: 'out0', addresses: ['203.0.113.254/24'] },
      { ns: server, device: 'wan0', addresses: [`${SERVER}/24`] },
    );
    router.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
    client.ip('route', 'add', 'default', 'via', '192.0.2.1');
    server.ip('route', 'add', 'default', 'via', '203.0.113.254');
    server.ip('address', 'add', '10.7.7.7/32', 'dev', 'lo');
    folder = mkdtempSync(join(tmpdir(), 'pptp-dial-'));
    writeFileSync(join(folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
    const env = { PPTP_STATE_DIR: join(folder, 'server'), PPTP_LOG_FORMAT: 'json', PPTP_DNS: '10.7.7.7' };
    const [program, args] = server.inside(process.execPath, MAIN, 'users', 'add', 'alice');
    execFileSync(program, [...args], { env: { ...process.env, ...env }, input: `${PASSWORD}\n` });
    gateway = new Program(server, [process.execPath, MAIN, 'run'], env);
    await gateway.says(/"gateway.ready"/);
  });
  afterEach(async () => {
    for (const program of programs.splice(0)) await program.end('SIGKILL');
  });
  afterAll(async () => {
    await gateway?.end('SIGKILL');
    for (const ns of [server, client, router]) ns?.destroy();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const dial = (...args: readonly string[]): Program => {
    const env = { PPTP_STATE_DIR: join(folder, 'client') };
    const command = [process.execPath, MAIN, 'dial', SERVER, '--user', 'alice', ...args];
    const program = new Program(client, command, env, `${PASSWORD}\n`);
    programs.push(program);
    return program;
  };
  /** Everything of the client's network that a tunnel touches. */
  const network = (): string => `${client.ip('-o', '-4', 'address')}${client.ip('-4', 'route')}`;
  const records = (): string[] => readdirSync(join(folder, 'client'));

  it('says in one line that it is up, carries pings and TCP, and leaves nothing behind on SIGTERM', async () => {
    const before = network();
    const it = dial('--password-file', join(folder, 'password'), '--route', '10.0.0.0/8');
    expect(await it.says(/^connected/)).toMatch(
      /^connected to 203\.0\.113\.1: address 10\.99\.0\.\d+, server 10\.99\.0\.1, device pptp-dial0, MPPE 128-bit stateless$/,
    );
    expect(await it.says(/^DNS/)).toBe('DNS servers of the tunnel: 10.7.7.7');
    expect(it.lines).toHaveLength(2);
    expect(client.run('ping', '-c', '3', '-i', '0.2', '-W', '20', INNER)).toContain(' 0% packet loss');
    const echo = new Program(server, [process.execPath, '-e', ECHO], {});
    programs.push(echo);
    await echo.says(/ready/);
    expect(client.run(process.execPath, '-e', TALK)).toBe('2000000 octets came back\n');
    expect(client.ip('link', 'show', 'pptp-dial0')).toContain('mtu 1396');

    expect(await it.end('SIGTERM')).toBe(0);
    expect(network()).toBe(before);
    expect(records()).toEqual([]);
    await gateway.says(/"session.closed".*"peer-request"/);
  });

  it('routes everything but the way to the server into the tunnel', async () => {
    const before = network();
    const it = dial('--route', 'default');
    await it.says(/^connected/);
    expect(client.ip('route', 'get', '10.7.7.7')).toContain('dev pptp-dial0');
    expect(client.ip('route', 'get', '198.51.100.77')).toContain('dev pptp-dial0');
    expect(client.ip('route', 'get', SERVER)).toContain('via 192.0.2.1 dev up0');
    expect(client.run('ping', '-c', '2', '-i', '0.2', '-W', '20', '10.7.7.7')).toContain(' 0% packet loss');
    expect(await it.end('SIGINT')).toBe(0);
    expect(network()).toBe(before);
  });

  it('cleans up after one that was killed', async () => {
    const before = network();
    const killed = dial('--route', 'default');
    await killed.says(/^connected/);
    await killed.end('SIGKILL');
    // The device went with the process; the route to the server did not.
    expect(client.ip('route')).toContain(`${SERVER} via 192.0.2.1`);
    expect(records()).toEqual(['dial-pptp-dial0.json']);
    const next = dial();
    await next.says(/^connected/);
    expect(client.ip('route')).not.toContain(`${SERVER} via`);
    expect(await next.end('SIGTERM')).toBe(0);
    expect(network()).toBe(before);
    expect(records()).toEqual([]);
  });

  it('ends with status 1 and one line when the password is wrong', async () => {
    writeFileSync(join(folder, 'wrong'), 'wrong\n', { mode: 0o600 });
    const it = dial('--password-file', join(folder, 'wrong'));
    expect(await it.end()).toBe(1);
    expect(it.lines.at(-1)).toBe(
      `pptp-gateway: DIAL_AUTH: Authentication with ${SERVER}:1723 failed: ms-chap-v2: wrong user name or password.`,
    );
    expect(records()).toEqual([]);
  });

  it('changes a password that has expired, and is let in with the new one from then on', async () => {
    const [program, args] = server.inside(process.execPath, MAIN, 'users', 'add', 'carol', '--must-change');
    const env = { ...process.env, PPTP_STATE_DIR: join(folder, 'server') };
    execFileSync(program, [...args], { env, input: `${PASSWORD}\n` });
    writeFileSync(join(folder, 'next'), 'through the glass\n', { mode: 0o600 });

    const refused = dial('--user', 'carol', '--once');
    expect(await refused.end()).toBe(1);
    expect(refused.lines.at(-1)).toMatch(
      /DIAL_AUTH: .* the password has expired\. Give the next one with --new-password-file\.$/,
    );

    const it = dial('--user', 'carol', '--new-password-file', join(folder, 'next'));
    await it.says(/^connected/);
    expect(it.lines[0]).toBe(`${SERVER} has taken the new password of carol: from now on it is the password`);
    expect(await it.end('SIGTERM')).toBe(0);

    const after = dial('--user', 'carol', '--password-file', join(folder, 'next'), '--once');
    await after.says(/^connected/);
    expect(await after.end('SIGTERM')).toBe(0);
    expect(records()).toEqual([]);
  });

  it('says why it cannot connect, and goes on trying unless it is told not to', async () => {
    const once = dial('--port', '1724', '--once');
    expect(await once.end()).toBe(1);
    expect(once.lines).toEqual([
      `pptp-gateway: DIAL_FAILED: Cannot connect to ${SERVER}:1724 (ECONNREFUSED): nothing listens there: check the ` +
        'address and the port, and that the PPTP server runs.',
    ]);
    const trying = dial('--port', '1724');
    await trying.says(/DIAL_FAILED.*Dialling again in 1\.0 s\./);
    expect(await trying.end('SIGTERM')).toBe(0);
  });

  it('comes back when the server was restarted', async () => {
    const it = dial();
    await it.says(/^connected/);
    await gateway.end('SIGTERM');
    await it.says(/DIAL_LOST: The tunnel to .* ended: Call-Disconnect-Notify: admin-shutdown\. Dialling again/);
    expect(client.ip('-o', 'link')).not.toContain('pptp-dial0');
    it.lines.length = 0;
    const env = { PPTP_STATE_DIR: join(folder, 'server'), PPTP_LOG_FORMAT: 'json' };
    gateway = new Program(server, [process.execPath, MAIN, 'run'], env);
    await it.says(/^connected/, 30_000);
    expect(await it.end('SIGTERM')).toBe(0);
  });
});

/** Sends back what it gets, on the address behind the server. */
const ECHO = `require('node:net').createServer((s) => s.pipe(s)).listen(7, '10.7.7.7', () => console.log('ready'));`;
const TALK = `
  const s = require('node:net').connect(7, '10.7.7.7');
  const sent = require('node:crypto').randomBytes(2_000_000);
  const got = [];
  s.on('data', (d) => got.push(d)).on('end', () => {
    const all = Buffer.concat(got);
    console.log(all.equals(sent) ? all.length + ' octets came back' : 'something else came back');
  });
  s.end(sent);
`;
