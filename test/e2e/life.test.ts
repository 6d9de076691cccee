import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAIN, notBuilt } from '../support/built.ts';
import { connect, Netns, netnsUnavailable } from '../support/netns.ts';
import { Program } from '../support/program.ts';

const reason = netnsUnavailable('nft') ?? notBuilt();

const SERVER = '203.0.113.1';
const CLIENT = '203.0.113.2';
const INNER = '10.99.0.1';

describe.skipIf(reason !== undefined)(`the life of a gateway${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let server: Netns;
  let client: Netns;
  let folder: string;
  let gateway: Program;
  const programs: Program[] = [];

  const configure = (text: string): void =>
    writeFileSync(join(folder, 'gateway.yaml'), `plugins: [policy-lockout]\n${text}`);
  const env = () => ({
    PPTP_STATE_DIR: join(folder, 'server'),
    PPTP_CONFIG: join(folder, 'gateway.yaml'),
    PPTP_LOG_FORMAT: 'json',
    PPTP_NAT: 'off',
    PPTP_INTRANET_INTERFACE: 'lo',
    PPTP_DRAIN_TIMEOUT: '60',
  });
  const start = async (): Promise<Program> => {
    const program = new Program(server, [process.execPath, MAIN, 'run'], env());
    programs.push(program);
    await program.says(/"gateway.ready"/);
    return program;
  };
  const dial = (name: string): Program => {
    const file = join(folder, 'dialled');
    writeFileSync(file, 'wonderland');
    const command = [
      process.execPath,
      MAIN,
      'dial',
      SERVER,
      '--user',
      'alice',
      '--password-file',
      file,
      '--once',
      '--tun',
      name,
    ];
    const program = new Program(client, command, { PPTP_STATE_DIR: join(folder, name) });
    programs.push(program);
    return program;
  };
  const ask = (method: string, path: string, body = ''): Promise<number> =>
    new Promise((resolve, reject) => {
      const socketPath = join(folder, 'server', 'admin.sock');
      const headers = body === '' ? {} : { 'content-type': 'application/json' };
      const asked = request({ socketPath, method, path, headers, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      asked.on('error', reject);
      asked.end(body);
    });
  const ready = (): Promise<number> => ask('GET', '/readyz');
  const ping = (): void => void client.run('ping', '-c', '1', '-W', '2', INNER);
  const hangUp = (signal: NodeJS.Signals): void => void gateway.child.kill(signal);

  beforeAll(async () => {
    server = new Netns('ls');
    client = new Netns('lc');
    connect(
      { ns: server, device: 'wan0', addresses: [`${SERVER}/24`] },
      { ns: client, device: 'up0', addresses: [`${CLIENT}/24`] },
    );
    folder = mkdtempSync(join(tmpdir(), 'pptp-life-'));
    configure('ppp:\n  echoInterval: 30\n');
    const options = { env: { ...process.env, ...env() }, input: 'wonderland\n' };
    execFileSync(process.execPath, [MAIN, 'users', 'add', 'alice'], options);
    gateway = await start();
  });
  afterAll(async () => {
    for (const program of programs) await program.end('SIGKILL');
    for (const ns of [server, client]) ns?.destroy();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it('reads a configuration with mistakes and then a good one, while a tunnel carries traffic', async () => {
    const up = dial('dial0');
    await up.says(/^connected/);
    ping();
    configure('ppp:\n  echoInterval: often\n');
    hangUp('SIGHUP');
    expect(await gateway.says(/"config.refused"/)).toMatch(/ppp\.echoInterval/);
    ping();
    const settings = 'pluginOptions:\n  policy-lockout: { failures: 3 }\n';
    configure(`ppp:\n  echoInterval: 10\npool:\n  range: 10.98.0.0/24\n${settings}`);
    hangUp('SIGHUP');
    expect(await gateway.says(/"config.reloaded"/)).toMatch(
      /"changed":\["ppp\.echoInterval","pluginOptions\.policy-lockout\.failures"\],"needRestart":\["pool\.range"\]/,
    );
    ping();
    expect(await ready()).toBe(200);
    configure('');
  });

  it('takes no calls after SIGTERM, lets the tunnel go on until the deadline, and ends with 0', async () => {
    hangUp('SIGTERM');
    await gateway.says(/"gateway.draining"/);
    expect(await ready()).toBe(503);
    const late = dial('dial1');
    await late.says(/DIAL_REFUSED.*no-resource/);
    ping();
    // The deadline that was asked for last counts.
    expect(await ask('POST', '/v1/drain', '{"seconds":1}')).toBe(200);
    await programs[1]?.says(/DIAL_LOST/);
    expect(await gateway.end()).toBe(0);
    expect(await gateway.says(/"session.closed"/)).toMatch(/"reason":"shutdown"/);
    expect(gateway.lines.some((line) => /"gateway.stopped"/.test(line))).toBe(true);
  });

  it('ends at once when it is told a second time', async () => {
    gateway = await start();
    const up = dial('dial2');
    await up.says(/^connected/);
    hangUp('SIGTERM');
    await gateway.says(/"gateway.draining"/);
    // What comes within a second is the same wish.
    while (!gateway.ended) {
      hangUp('SIGTERM');
      await pause(100);
    }
    expect(await gateway.end()).toBe(1);
    expect(gateway.lines.some((line) => /"gateway.stopped"/.test(line))).toBe(false);
  });
});
