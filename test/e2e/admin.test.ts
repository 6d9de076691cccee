import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MAIN, notBuilt } from '../support/built.ts';
import { connect, Netns, netnsUnavailable } from '../support/netns.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { Program } from '../support/program.ts';

const reason = netnsUnavailable('nft') ?? notBuilt();

const SERVER = '203.0.113.1';
const CLIENT = '203.0.113.2';

describe.skipIf(reason !== undefined)(`asking a gateway that runs${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let server: Netns;
  let client: Netns;
  let folder: string;
  let gateway: Program;
  let programs: Program[] = [];

  const env = () => ({
    PPTP_STATE_DIR: join(folder, 'server'),
    PPTP_LOG_FORMAT: 'json',
    PPTP_NAT: 'off',
    PPTP_INTRANET_INTERFACE: 'lo',
    PPTP_GRE_SILENCE: '2',
    PPTP_PLUGINS: 'policy-lockout',
    PPTP_ADMIN_PORT: '8723',
  });
  const start = async (): Promise<Program> => {
    const program = new Program(server, [process.execPath, MAIN, 'run'], env());
    await program.says(/"gateway.ready"/);
    return program;
  };
  const verb = (...args: readonly string[]): string =>
    execFileSync(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env() }, encoding: 'utf8' });
  /** A verb in the namespace of the gateway: its exit code, and all that it says. */
  const typed = (...args: readonly string[]): Promise<{ readonly code: unknown; readonly said: string }> =>
    new Promise((resolve) => {
      const [program, all] = server.inside(process.execPath, MAIN, ...args);
      const options = { env: { ...process.env, ...env() }, timeout: PATIENCE_MS };
      execFile(program, [...all], options, (error, out, err) => resolve({ code: error?.code ?? 0, said: out + err }));
    });
  const explanation = (which: string): { readonly findings: readonly { readonly case: string }[] } =>
    JSON.parse(verb('explain', which, '--json'));
  const main = (which: string): string | undefined => explanation(which).findings[0]?.case;
  const dial = (password: string): Program => {
    const file = join(folder, 'dialled');
    writeFileSync(file, password);
    const command = [process.execPath, MAIN, 'dial', SERVER, '--user', 'alice', '--password-file', file, '--once'];
    const program = new Program(client, command, { PPTP_STATE_DIR: join(folder, 'client') });
    programs.push(program);
    return program;
  };
  const socket = (): string => join(folder, 'server', 'admin.sock');

  beforeAll(async () => {
    server = new Netns('as');
    client = new Netns('ac');
    connect(
      { ns: server, device: 'wan0', addresses: [`${SERVER}/24`] },
      { ns: client, device: 'up0', addresses: [`${CLIENT}/24`] },
    );
    folder = mkdtempSync(join(tmpdir(), 'pptp-admin-'));
    const input = 'wonderland\n';
    const options = { env: { ...process.env, ...env() }, input };
    execFileSync(process.execPath, [MAIN, 'users', 'add', 'alice'], options);
    gateway = await start();
  });
  afterEach(async () => {
    for (const program of programs) await program.end('SIGKILL');
    programs = [];
  });
  afterAll(async () => {
    await gateway?.end('SIGKILL');
    for (const ns of [server, client]) ns?.destroy();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it('by a socket that is for its user alone', () => {
    expect(lstatSync(socket()).mode & 0o777).toBe(0o600);
    expect(verb('tunnels')).toBe('no sessions\n');
  });

  it('why a call failed: the password, then a rule that drops GRE', async () => {
    const refused = dial('looking-glass');
    await refused.says(/DIAL_AUTH/);
    await gateway.says(/"session.closed".*"authentication-failed"/);
    expect(main('last-failure')).toBe('wrong-password');
    expect(main('alice')).toBe('wrong-password');

    server.run('nft', 'add table ip gre; add chain ip gre i { type filter hook input priority 0; }');
    server.run('nft', 'add rule ip gre i ip protocol gre drop');
    const silent = dial('wonderland');
    await gateway.says(/"gre.blocked"/);
    expect(main(CLIENT)).toBe('gre-not-arriving');
    await silent.end('SIGTERM');
    await gateway.says(/"session.closed".*"packetsIn":0/);
    expect(main('last-failure')).toBe('gre-not-arriving');
    server.run('nft', 'delete table ip gre');
  });

  it('who is connected', async () => {
    const up = dial('wonderland');
    await up.says(/^connected/);
    const { sessions } = JSON.parse(verb('tunnels', '--json'));
    expect(sessions).toMatchObject([{ state: 'up', user: 'alice', peer: expect.stringContaining(CLIENT) }]);
    expect(main('alice')).toBe('healthy');
    await up.end('SIGTERM');
    await gateway.says(/"session.closed".*"address":"10\./);
    expect(main('alice')).toBe('closed-by-the-client');
  });

  it('with every verb, on its host and from elsewhere', async () => {
    const up = dial('wonderland');
    await up.says(/^connected/);
    const remote = ['--url', 'http://127.0.0.1:8723', '--token-file', join(folder, 'server', 'admin-token')];
    const wanted: readonly (readonly [number, RegExp, string, ...string[]])[] = [
      [0, /^phase +ready since/m, 'status'],
      [0, /^up +\d+ +\d+/m, 'stats'],
      [0, /^\{.*"up":1.*\}\n$/, 'stats', '--watch', '--count', '1', '--json'],
      [0, /^user +alice$/m, 'sessions', 'show', 'alice'],
      [0, /1 session\nSESSION .*\n\w{12} +up +alice /, 'sessions', 'watch', '--count', '1'],
      [0, /^default .* 1 +253/m, 'pools'],
      [0, /^alice .*1 session$/m, 'users', 'list'],
      [0, /^nobody is locked out$/m, 'locks', 'list'],
      [0, /^policy-lockout +shipped/m, 'plugins', 'list', '--running'],
      [0, /^admin\.socket +auto \(.*admin\.sock\)/m, 'config', 'show', '--running'],
      [0, /^ready$/m, 'healthcheck', '--ready'],
      [0, /^nothing has changed$/m, 'reload'],
      [0, /^alice$/m, 'completion', '--values', 'users'],
      [0, /^\w{12} +up +alice /m, 'sessions', 'list', ...remote],
      [4, /wants a token: .*--token-file/, 'pools', ...remote.slice(0, 2)],
      [2, /needs --watch/, 'stats', '--count', '1'],
    ];
    const found = await Promise.all(wanted.map(([, , ...args]) => typed(...args)));
    const tellable = found.map((one, index) => ({ ...one, verb: wanted[index]?.slice(2).join(' ') }));
    expect(tellable).toEqual(
      wanted.map(([code, said, ...args]) => ({ code, said: expect.stringMatching(said), verb: args.join(' ') })),
    );
    expect(await typed('drain', '--wait', '--seconds', '0')).toMatchObject({
      code: 0,
      said: expect.stringMatching(/; 0 sessions$/m),
    });
    expect(await typed('drain', '--cancel')).toMatchObject({ code: 0, said: expect.stringMatching(/^ready since/) });
    const audit = await typed('audit', '--limit', '3', ...remote);
    expect(audit.said.match(/life\.drain|life\.resume|config\.reload/g)).toHaveLength(3);
  });

  it('to log more, by the verb and by SIGUSR2, and it says so', async () => {
    expect(verb('log-level', 'debug', '--for', '1h')).toBe('log level debug, in 3600 s info again\n');
    await gateway.says(/"log.level".*"to":"debug"/);
    gateway.child.kill('SIGUSR2');
    await gateway.says(/"log.level".*"to":"info","by":"SIGUSR2"/);
    expect(verb('log-level')).toBe('log level info\n');
  });

  it('and a second one in the same place does not start, and harms nothing', () => {
    const [program, args] = server.inside(process.execPath, MAIN, 'run');
    const second = spawnSync(program, [...args], { env: { ...process.env, ...env() }, encoding: 'utf8' });
    expect(second.status).toBe(1);
    expect(second.stderr).toMatch(/pptp-gateway: ADMIN_SOCKET: another gateway answers on/);
    expect(verb('tunnels')).toBe('no sessions\n');
  });

  it('after a crash, whose socket is replaced; an orderly end leaves none', async () => {
    await gateway.end('SIGKILL');
    expect(existsSync(socket())).toBe(true);
    gateway = await start();
    expect(verb('tunnels')).toBe('no sessions\n');
    expect(await gateway.end('SIGTERM')).toBe(0);
    expect(existsSync(socket())).toBe(false);
  });
});
