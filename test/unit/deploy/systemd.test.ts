import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../config/load.ts';
import { KEYS } from '../../../config/schema.ts';

const unit = readFileSync('deploy/systemd/pptp-gateway.service', 'utf8');
const lines = unit.split('\n').filter((line) => line !== '' && !/^[#[]/.test(line));
const values = (name: string): readonly string[] =>
  lines.filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1));

describe('the unit', () => {
  test('has settings, each with a value, in the three sections', () => {
    for (const line of lines) expect(line).toMatch(/^[A-Z]\w+=\S/);
    expect(unit.match(/^\[\w+\]$/gm)).toEqual(['[Unit]', '[Service]', '[Install]']);
  });

  test('is told by the gateway how it is, and watches it', () => {
    expect(values('Type')).toEqual(['notify']);
    expect(Number(values('WatchdogSec')[0])).toBeGreaterThanOrEqual(10);
    expect(values('ExecReload')[0]).toContain('kill -HUP $MAINPID');
  });

  test('gives an ordinary user two capabilities and nothing more', () => {
    const both = 'CAP_NET_ADMIN CAP_NET_RAW';
    expect(values('AmbientCapabilities')).toEqual([both]);
    expect(values('CapabilityBoundingSet')).toEqual([both]);
    expect(values('NoNewPrivileges')).toEqual(['yes']);
    const user = values('User')[0];
    expect(readFileSync('deploy/systemd/pptp-gateway.sysusers', 'utf8')).toMatch(new RegExp(`^u ${user} - `, 'm'));
  });

  test('lets it drain before it is killed', () => {
    const { config } = loadConfig({ env: {} });
    expect(Number(values('TimeoutStopSec')[0])).toBeGreaterThanOrEqual(config.drain.timeout + 20 + 30);
  });

  test('leaves it the one device, the network of the host and its own folders', () => {
    expect(values('DeviceAllow')).toEqual(['/dev/net/tun rw']);
    expect(values('ProtectSystem')).toEqual(['strict']);
    expect(values('ReadWritePaths')).toEqual(['/proc/sys/net']);
    expect(`/var/lib/${values('StateDirectory')[0]}`).toBe(KEYS.find(({ path }) => path === 'stateDir')?.default);
    expect(values('PrivateNetwork')).toEqual([]);
  });

  test('sets names that the gateway has', () => {
    const names = values('Environment').map((text) => text.split('=')[0] ?? '');
    const known = [...KEYS.map(({ env }) => env), 'PPTP_CONFIG'];
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
  });
});

const scripts = ['pptp-gateway', 'postinst', 'prerm', 'postrm'].map((name) => `deploy/debian/${name}`);

test.each(scripts)('%s is a script that shells take, and that ends at the first failure', (path) => {
  const script = readFileSync(path, 'utf8');
  expect(script).toMatch(/^#!\/bin\/sh\n/);
  expect(script).toMatch(/^set -eu?$/m);
  expect(() => execFileSync('sh', ['-n', path])).not.toThrow();
});

test('the files of settings of the package hold comments only, in which names are right', () => {
  for (const path of ['deploy/debian/pptp-gateway.yaml', 'deploy/debian/pptp-gateway.env']) {
    const text = readFileSync(path, 'utf8');
    expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
    for (const [name] of text.matchAll(/\bPPTP_[A-Z_]+/g))
      expect(
        KEYS.some(({ env }) => env === name),
        name,
      ).toBe(true);
  }
});
