import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let folder: string;
let log: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pptp-debian-'));
  log = join(folder, 'log');
  mkdirSync(join(folder, 'etc'));
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'var'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A program that writes down how it was called, in place of the real one. */
const stub = (name: string, more = ''): void => {
  writeFileSync(join(folder, 'bin', name), `#!/bin/sh\necho "${name} $*" >>${log}\n${more}\n`);
  chmodSync(join(folder, 'bin', name), 0o755);
};
const called = (): readonly string[] => readFileSync(log, 'utf8').replaceAll(folder, '').split('\n').slice(0, -1);

/** A script of the package with all its places in the folder. */
const run = (script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): void => {
  const text = readFileSync(`deploy/debian/${script}`, 'utf8')
    .replaceAll('/etc/pptp-gateway', join(folder, 'etc'))
    .replaceAll('/var/lib/pptp-gateway', join(folder, 'var'))
    .replaceAll('/usr/bin/node', join(folder, 'bin', 'node'))
    .replaceAll('/run/systemd/system', join(folder, 'absent'));
  execFileSync('/bin/sh', ['-s', '--', ...args], {
    input: text,
    env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
};

describe('the installation', () => {
  beforeEach(() => {
    stub('systemd-sysusers');
    // As the real one: what is not there is an error.
    stub('chown', 'shift; for path; do [ -e "$path" ] || exit 1; done');
  });
  const configure = (): readonly string[] => {
    run('postinst', ['configure', '0.0.9']);
    return called().filter((line) => line.startsWith('chown'));
  };

  test('gives settings to the group of the service', () => {
    for (const name of ['pptp-gateway.yaml', 'pptp-gateway.env']) writeFileSync(join(folder, 'etc', name), '');
    expect(configure()).toEqual([
      'chown root:pptp-gateway /etc',
      'chown root:pptp-gateway /etc/pptp-gateway.yaml',
      'chown root:pptp-gateway /etc/pptp-gateway.env',
    ]);
  });

  test('of a new version goes on where the operator took a file of settings away', () => {
    writeFileSync(join(folder, 'etc', 'pptp-gateway.env'), '');
    expect(configure()).toEqual(['chown root:pptp-gateway /etc', 'chown root:pptp-gateway /etc/pptp-gateway.env']);
  });
});

describe('the command', () => {
  const PROGRAM = '/usr/lib/pptp-gateway/dist/gateway/main.js';
  const settings = '--env-file=/etc/pptp-gateway.env';
  beforeEach(() => {
    stub('node');
    stub('id', 'echo 1000');
    writeFileSync(join(folder, 'etc', 'pptp-gateway.env'), 'PPTP_POOL=10.1.0.0/24\n');
  });
  const nodeOf = (args: readonly string[], env?: Readonly<Record<string, string>>): string | undefined => {
    run('pptp-gateway', args, env);
    return called().find((line) => line.startsWith('node'));
  };

  test('sees the settings of the service, by whatever it was started', () => {
    const expected = `node --enable-source-maps ${settings} ${PROGRAM} sessions list`;
    expect(nodeOf(['sessions', 'list'])).toBe(expected);
    rmSync(log);
    expect(nodeOf(['sessions', 'list'], { INVOCATION_ID: '5f1c' })).toBe(expected);
  });

  test('leaves them to systemd where it is the service', () => {
    expect(nodeOf(['run'], { INVOCATION_ID: '5f1c' })).toBe(`node --enable-source-maps ${PROGRAM} run`);
  });

  test('does without them where they are not to be read', () => {
    rmSync(join(folder, 'etc', 'pptp-gateway.env'));
    expect(nodeOf(['status'])).toBe(`node --enable-source-maps ${PROGRAM} status`);
  });
});
