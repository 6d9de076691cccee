import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { effectiveLines } from '../../../config/describe.ts';
import { type ConfigSources, loadConfig } from '../../../config/load.ts';
import { PRESETS } from '../../../config/presets.ts';
import { profilesPage } from '../../../config/profiles-page.ts';
import { KEYS, keyByPath } from '../../../config/schema.ts';
import { PROFILE_NAMES } from '../../../config/types.ts';

const folder = mkdtempSync(join(tmpdir(), 'pptp-presets-'));
afterAll(() => rmSync(folder, { recursive: true }));

const load = (profile: string, sources: Partial<ConfigSources> = {}) =>
  loadConfig({ ...sources, env: { PPTP_PROFILE: profile, ...sources.env } });

describe.each(Object.entries(PRESETS))('the profile %s', (name, { values }) => {
  test('sets keys that there are, to values that they take and that are not their defaults', () => {
    expect(Object.keys(values).length).toBeGreaterThan(0);
    for (const [path, { value, why }] of Object.entries(values)) {
      const key = keyByPath.get(path);
      expect(key?.kind.parse(value), path).toEqual(value);
      expect(value, path).not.toEqual(key?.default);
      expect(key?.sensitive, path).not.toBe(true);
      expect(why, path).toMatch(/^[A-Z`].*\.$/);
    }
  });

  test('is a complete configuration: its own values with their origin, defaults for all else', () => {
    const { values: inForce, origins } = load(name);
    for (const { path, default: initial } of KEYS.filter((key) => key.path !== 'profile')) {
      const preset = values[path];
      expect(inForce.get(path), path).toEqual(preset === undefined ? initial : preset.value);
      expect(origins.get(path), path).toEqual(preset === undefined ? { kind: 'default' } : { kind: 'profile', name });
    }
  });
});

describe('a profile', () => {
  test('is between the defaults and the file; environment and flags beat both', () => {
    const file = join(folder, 'a.yaml');
    writeFileSync(file, 'profile: site\nppp:\n  echoFailures: 7\n');
    const { config, origins } = loadConfig({ env: { PPTP_AUTH_TIMEOUT: '33' }, file, set: ['auth.maxAttempts=2'] });
    expect(config.ppp).toMatchObject({ echoInterval: 10, echoFailures: 7, authTimeout: 33 });
    expect(config.auth.maxAttempts).toBe(2);
    expect(origins.get('profile')).toEqual({ kind: 'file', name: file });
    expect(origins.get('ppp.echoFailures')).toEqual({ kind: 'file', name: file });
    expect(origins.get('ppp.echoInterval')).toEqual({ kind: 'profile', name: 'site' });
  });

  test('is named by the last place that names one', () => {
    const file = join(folder, 'b.yaml');
    writeFileSync(file, 'profile: lab\n');
    const named = { profile: 'none' };
    expect(loadConfig({ env: { PPTP_PROFILE: 'site' }, file }).config.network.nat).toBe('off');
    expect(loadConfig({ env: { PPTP_PROFILE: 'site' }, file, named }).config.network.nat).toBe('auto');
    expect(() => load('road_warrior')).toThrow('profile (PPTP_PROFILE): must be');
  });

  test('gives way like a default where keys are checked against each other', () => {
    const { config } = load('road-warrior', { env: { PPTP_MAX_CONNECTIONS: '100' } });
    expect(config.listen).toMatchObject({ maxConnections: 100, maxConnectionsPerAddress: 256 });
  });

  test('shows as the origin of its values', () => {
    const line = effectiveLines(load('road-warrior')).find(({ key }) => key === 'ppp.idleTimeout');
    expect(line).toEqual({ key: 'ppp.idleTimeout', value: '14400', origin: 'profile road-warrior' });
  });
});

describe('what is weak', () => {
  const weak = (name: string) => load(name).warnings.map((line) => line.split(' ')[0]);

  test('in the profile legacy-clients is warned about, one by one, and encryption stays', () => {
    expect(load('legacy-clients').config.mppe.policy).toBe('required');
    expect(weak('legacy-clients')).toEqual(['auth.methods', 'mppe.stateful', 'mppe.strengths']);
  });

  test('in the profile lab is warned about, too', () => {
    expect(weak('lab')).toEqual([
      ...['auth.methods', 'auth.methods', 'auth.methods'],
      ...['mppe.stateful', 'mppe.policy', 'mppe.strengths'],
    ]);
  });

  test.each(['none', 'road-warrior', 'site'])('is not in %s', (name) => {
    expect(weak(name)).toEqual([]);
    expect(load(name).config.mppe).toMatchObject({ policy: 'required', strengths: [128], stateful: 'off' });
  });
});

test('every name has its values, and docs/profiles.md says them: node setup/docs.mjs', () => {
  expect(['none', ...Object.keys(PRESETS)]).toEqual([...PROFILE_NAMES]);
  expect(readFileSync('docs/profiles.md', 'utf8')).toBe(profilesPage());
});
