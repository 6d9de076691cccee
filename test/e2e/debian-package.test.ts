import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { buildDeb } from '../../setup/lib/deb.mjs';
import { MAIN, notBuilt } from '../support/built.ts';
import { Machine, machineRoot, machineUnavailable, until } from '../support/machine.ts';
import { connect, Netns } from '../support/netns.ts';
import { Program } from '../support/program.ts';

const reason = machineUnavailable() ?? notBuilt();

const SERVER = '203.0.113.1';
const INNER = '10.99.0.1';
const UNIT = 'pptp-gateway';
const YAML = '/etc/pptp-gateway/pptp-gateway.yaml';

/** For the service of the test: quick ends, a watchdog that does not let us wait, a secret as a credential. */
const DROP_IN = `[Service]
WatchdogSec=5
RestartSec=100ms
LoadCredential=token:/etc/pptp-gateway/token
Environment=PPTP_ADMIN_TOKEN_FILE=%d/token PPTP_DRAIN_TIMEOUT=1
`;

describe.skipIf(reason !== undefined)(`the Debian package${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let folder: string;
  let file: string;
  let server: Netns;
  let client: Netns;
  let machine: Machine;
  const programs: Program[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pptp-package-'));
    const [root] = await Promise.all([
      machineRoot(),
      buildDeb({ output: folder, epoch: 1_700_000_000, compression: 'none' }).then((path) => {
        file = path;
      }),
    ]);
    server = new Netns('ps');
    client = new Netns('pc');
    connect(
      { ns: server, device: 'wan0', addresses: [`${SERVER}/24`] },
      { ns: client, device: 'up0', addresses: ['203.0.113.2/24'] },
    );
    server.ip('route', 'add', 'default', 'via', '203.0.113.2');
    const own = Machine.newFolder();
    mkdirSync(join(own, 'upper', 'root'), { recursive: true });
    copyFileSync(file, join(own, 'upper', 'root', 'package.deb'));
    machine = new Machine(own, { netns: server, root, command: ['/usr/lib/systemd/systemd', '--log-target=journal'] });
    // Degraded: a machine loads no kernel modules.
    await machine.awaits(/running|degraded/, 'sh', '-c', 'systemctl is-system-running || true');
  }, 300_000);

  afterEach(async () => {
    for (const program of programs.splice(0)) await program.end('SIGKILL');
  });
  afterAll(async () => {
    await machine?.end();
    machine?.remove();
    for (const ns of [server, client]) ns?.destroy();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const show = (property: string): Promise<string> => machine.do('systemctl', 'show', '--value', '-p', property, UNIT);
  const JOURNAL = ['journalctl', '--no-pager', '-o', 'cat', '-u', UNIT];
  const dial = (): Program => {
    const password = join(folder, 'password');
    writeFileSync(password, 'wonderland\n');
    const command = [process.execPath, MAIN, 'dial', SERVER, '--user', 'alice', '--password-file', password, '--once'];
    const program = new Program(client, command, { PPTP_STATE_DIR: join(folder, 'client'), PPTP_LOG_FORMAT: 'json' });
    programs.push(program);
    return program;
  };

  test('says what it is and holds what it should, with the modes that it should have', () => {
    const field = (name: string): string => execFileSync('dpkg-deb', ['-f', file, name], { encoding: 'utf8' }).trim();
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
    expect(field('Package')).toBe('pptp-gateway');
    expect(field('Version')).toBe(version);
    expect(field('Depends')).toMatch(/^nodejs \(>= 20\.19[.0]*\), iproute2, nftables,/);
    const rows = execFileSync('dpkg-deb', ['-c', file], { encoding: 'utf8', maxBuffer: 1 << 24 })
      .trim()
      .split('\n');
    const listed = new Map(
      rows.map((row): [string, string] => {
        const [mode = '', owner = '', , , , path = ''] = row.split(/\s+/);
        return [path, `${mode} ${owner}`];
      }),
    );
    const home = './usr/lib/pptp-gateway';
    for (const [path, is] of [
      ['./usr/bin/pptp-gateway', '-rwxr-xr-x root/root'],
      ['./usr/lib/systemd/system/pptp-gateway.service', '-rw-r--r-- root/root'],
      ['./etc/pptp-gateway/pptp-gateway.env', '-rw-r----- root/root'],
      ['./usr/share/man/man1/pptp-gateway.1.gz', '-rw-r--r-- root/root'],
      ['./usr/share/bash-completion/completions/pptp-gateway', '-rw-r--r-- root/root'],
      ['./usr/share/doc/pptp-gateway/sbom.cdx.json', '-rw-r--r-- root/root'],
      [`${home}/dist/gateway/main.js`, '-rw-r--r-- root/root'],
      [`${home}/native/build/Release/pptp_native.node`, '-rw-r--r-- root/root'],
      [`${home}/node_modules/raw-socket/build/Release/raw.node`, '-rw-r--r-- root/root'],
      [`${home}/node_modules/fastify/LICENSE`, '-rw-r--r-- root/root'],
    ] as const)
      expect(listed.get(path), path).toBe(is);
    const odd = [...listed.keys()].filter((path) =>
      /node_modules\/(typescript|vitest|vite)\/|\.d\.[cm]?ts$|\/dist\/test(ing)?\/|\.tsbuildinfo$/.test(path),
    );
    expect(odd).toEqual([]);
    expect(existsSync('dist/pages/index.html')).toBe(listed.has(`${home}/dist/pages/index.html`));
  });

  test('installs into a plain Debian, starts nothing, and its unit is in order', async () => {
    const said = await machine.do('dpkg', '-i', '/root/package.deb');
    expect(said).toContain('Setting up pptp-gateway');
    expect(await machine.do('pptp-gateway', 'version')).toMatch(/^pptp-gateway \d/);
    expect(await show('ActiveState')).toBe('inactive');
    expect(await machine.do('stat', '-c', '%a %U:%G', '/var/lib/pptp-gateway', '/etc/pptp-gateway', YAML)).toBe(
      ['700 pptp-gateway:pptp-gateway', '750 root:pptp-gateway', '640 root:pptp-gateway'].join('\n'),
    );
    // Man pages are left out of this Debian.
    const faults = await machine.run(['systemd-analyze', 'verify', '--man=no', `${UNIT}.service`]);
    expect(faults).toEqual({ status: 0, output: '' });
    // 10 is no protection at all. What it blames is what the gateway is for: capabilities, the network of the host.
    const level = await machine.do('systemd-analyze', 'security', '--no-pager', '--threshold=25', `${UNIT}.service`);
    expect(level).toContain('Overall exposure level');
    // Maintainer scripts can be run again.
    await machine.do('/var/lib/dpkg/info/pptp-gateway.postinst', 'configure', '0.0.1');
    expect(await show('ActiveState')).toBe('inactive');
  });

  test('runs in the sandbox of its unit, with nothing but its two capabilities, and takes a call', async () => {
    const added = await machine.run(['pptp-gateway', 'users', 'add', 'alice'], 'wonderland\n');
    expect(added).toMatchObject({ status: 0 });
    expect(await machine.do('stat', '-c', '%a %U', '/var/lib/pptp-gateway/users.json')).toBe('600 pptp-gateway');
    await machine.do('sh', '-c', 'umask 077; head -c 24 /dev/urandom | base64 >/etc/pptp-gateway/token');
    await machine.do('mkdir', '-p', `/etc/systemd/system/${UNIT}.service.d`);
    await machine.run(['tee', `/etc/systemd/system/${UNIT}.service.d/test.conf`], DROP_IN);
    await machine.do('systemctl', 'daemon-reload');
    await machine.do('systemctl', 'enable', '--now', UNIT);
    const status = await machine.do('cat', `/proc/${await show('MainPID')}/status`);
    expect(status).toMatch(/^CapEff:\s*0000000000003000$/m);
    expect(status).toMatch(/^CapBnd:\s*0000000000003000$/m);
    expect(status).toMatch(/^NoNewPrivs:\s*1$/m);
    expect(status).toMatch(/^Seccomp:\s*2$/m);
    expect(status).not.toMatch(/^Uid:\s*0/m);

    const program = dial();
    await program.says(/^connected/);
    expect(client.attempt('ping', '-c', '1', '-W', '20', INNER)).toMatchObject({ ok: true });
    const { sessions } = JSON.parse(await machine.do('pptp-gateway', 'sessions', 'list', '--json')) as {
      readonly sessions: readonly { readonly user?: string }[];
    };
    expect(sessions).toMatchObject([{ user: 'alice' }]);
    expect(await program.end('SIGTERM')).toBe(0);
  });

  test('has its secret as a credential, which nobody else can read', async () => {
    expect(await show('ActiveState')).toBe('active');
    const where = `/run/credentials/${UNIT}.service/token`;
    const asked = async (token: string): Promise<string> =>
      await machine.do(
        'node',
        '--input-type=module',
        '-e',
        `const { status } = await fetch('http://127.0.0.1:8723/v1/gateway', { headers: { authorization: 'Bearer ${token}' } }); console.log(status)`,
      );
    expect(await asked((await machine.do('cat', where)).trim())).toBe('200');
    expect(await asked('something else')).toBe('401');
    expect(await machine.run(['setpriv', '--reuid', 'nobody', '--clear-groups', 'cat', where])).toMatchObject({
      status: 1,
    });
    expect(await machine.run(['ls', '/var/lib/pptp-gateway/admin-token'])).toMatchObject({ status: 2 });
  });

  test('reads its file again on a reload, keeps what it has when the file is wrong, and no tunnel ends', async () => {
    const program = dial();
    await program.says(/^connected/);
    const before = await show('MainPID');
    await machine.run(['tee', YAML], 'log:\n  level: debug\n');
    await machine.do('systemctl', 'reload', UNIT);
    await machine.awaits(/"config.reloaded".*log\.level/, ...JOURNAL);
    await machine.run(['tee', YAML], 'log:\n  level: loud\n');
    await machine.run(['systemctl', 'reload', UNIT]);
    await machine.awaits(/"config.refused".*log\.level/, ...JOURNAL);
    await machine.run(['tee', YAML], '');
    expect(await show('MainPID')).toBe(before);
    expect(client.attempt('ping', '-c', '1', '-W', '20', INNER)).toMatchObject({ ok: true });
    expect(await program.end('SIGTERM')).toBe(0);
  });

  test('goes on with its tunnels in the program that is installed now, and is the same service', async () => {
    const program = dial();
    await program.says(/^connected/);
    const before = await show('MainPID');
    // What the installation of another version does at its end: the service goes on.
    await machine.do('/var/lib/dpkg/info/pptp-gateway.postinst', 'configure', '0.0.1');
    expect(await show('MainPID')).toBe(before);
    await machine.do('pptp-gateway', 'upgrade');
    await until(
      async () => (await show('MainPID')) !== before,
      () => 'the service has the old process',
    );
    expect(await show('ActiveState')).toBe('active');
    expect(await show('NRestarts')).toBe('0');
    expect(client.attempt('ping', '-c', '1', '-W', '20', INNER)).toMatchObject({ ok: true });
    expect(await program.end('SIGTERM')).toBe(0);
  });

  test('is started again by the watchdog when it hangs', async () => {
    expect(await show('WatchdogUSec')).toBe('5s');
    const before = await show('MainPID');
    await machine.do('sh', '-c', `kill -STOP ${before}`);
    await until(
      async () => (await show('MainPID')) !== before && (await show('ActiveState')) === 'active',
      () => 'it was not started again',
    );
    expect(await show('NRestarts')).toBe('1');
    expect(await machine.do(...JOURNAL)).toContain('Watchdog timeout');
    const program = dial();
    await program.says(/^connected/);
    expect(await program.end('SIGTERM')).toBe(0);
  });

  test('stops in order and leaves nothing behind on the host', async () => {
    expect(server.run('sysctl', '-n', 'net.ipv4.ip_forward').trim()).toBe('1');
    await machine.do('systemctl', 'stop', UNIT);
    expect(await show('Result')).toBe('success');
    expect(await show('ExecMainStatus')).toBe('0');
    expect(server.run('sysctl', '-n', 'net.ipv4.ip_forward').trim()).toBe('0');
    expect(server.ip('-j', 'link', 'show', 'type', 'tun')).not.toContain('pptp');
    expect(server.run('nft', 'list', 'tables').trim()).toBe('');
  });

  test('removed it leaves its configuration and its state, purged not even these', async () => {
    const left = (): readonly string[] =>
      [
        'usr/bin/pptp-gateway',
        'usr/lib/pptp-gateway',
        'usr/lib/systemd/system/pptp-gateway.service',
        'etc/pptp-gateway',
        'var/lib/pptp-gateway',
      ].filter((path) => existsSync(`/proc/${first}/root/${path}`));
    const first = await machine.first();
    await machine.do('systemctl', 'start', UNIT);
    await machine.do('dpkg', '-r', 'pptp-gateway');
    expect(left()).toEqual(['etc/pptp-gateway', 'var/lib/pptp-gateway']);
    expect(readdirSync(`/proc/${first}/root/var/lib/pptp-gateway`)).toContain('users.json');
    expect((await machine.run(['systemctl', 'is-active', UNIT])).output.trim()).not.toBe('active');
    await machine.do('rm', '-r', '/etc/pptp-gateway/token');
    await machine.do('dpkg', '-P', 'pptp-gateway');
    expect(left()).toEqual([]);
  });
});
