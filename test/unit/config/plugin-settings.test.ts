import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { effectiveLines } from '../../../config/describe.ts';
import { type ConfigSources, readConfig, withPluginSettings } from '../../../config/load.ts';
import { settingEnv } from '../../../config/plugin-names.ts';
import { type DeclaredSettings, resolvePluginSettings } from '../../../config/plugin-settings.ts';
import { ConfigError } from '../../../config/problems.ts';
import { parseIpv4 } from '../../../core/bytes/ipv4-address.ts';
import * as kinds from '../../../core/ports/setting-kinds.ts';

const folder = mkdtempSync(join(tmpdir(), 'pptp-settings-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

const ACME: DeclaredSettings = {
  plugin: 'acme-directory',
  from: 'the plug-in "acme-directory" (package pptp-acme 1.2.3)',
  settings: {
    baseUrl: { kind: kinds.text(), doc: 'Where it answers.' },
    apiToken: { kind: kinds.text(), doc: 'What it is shown.', secret: true, default: undefined },
    retries: { kind: kinds.integer(0, 9), doc: 'How often.', default: 3 },
    servers: { kind: kinds.list(kinds.ipv4Address), doc: 'Which.', default: [] },
    via: { kind: kinds.ipv4Address, doc: 'From where.', default: parseIpv4('192.0.2.1') },
  },
};
const OTHER: DeclaredSettings = { plugin: 'acme', from: 'the plug-in "acme"', settings: {} };

/** The configuration of a gateway that names these plug-ins. */
const load = (sources: Partial<ConfigSources> = {}, declared: readonly DeclaredSettings[] = [ACME]) => {
  const env = { PPTP_PLUGINS: declared.map(({ plugin }) => plugin).join(','), ...sources.env };
  const read = readConfig({ ...sources, env });
  return withPluginSettings(read, resolvePluginSettings(declared, read.loaded.pluginInputs), []);
};
const given = (sources: Partial<ConfigSources>) => load(sources).config.pluginOptions['acme-directory'];
const problems = (sources: Partial<ConfigSources>, declared?: readonly DeclaredSettings[]): readonly string[] => {
  try {
    load(sources, declared);
    return [];
  } catch (error) {
    if (error instanceof ConfigError)
      return error.message
        .split('\n')
        .slice(1)
        .map((line) => line.trim());
    throw error;
  }
};
const URL = { PPTP_ACME_DIRECTORY_BASE_URL: 'http://env' };

test.each([
  ['acme', 'url', 'PPTP_ACME_URL'],
  ['acme-directory', 'baseUrl', 'PPTP_ACME_DIRECTORY_BASE_URL'],
  ['radius', 'nasIPAddress', 'PPTP_RADIUS_NAS_IP_ADDRESS'],
  ['x2', 'ipv4Only', 'PPTP_X2_IPV4_ONLY'],
])('of %s the setting %s is %s', (plugin, setting, name) => {
  expect(settingEnv(plugin, setting)).toBe(name);
});

describe('a setting', () => {
  const yaml = file(
    'plugins.yaml',
    'pluginOptions:\n  acme-directory:\n    baseUrl: http://file\n    retries: 1\n    servers: [192.0.2.7, 192.0.2.8]\n',
  );
  const json = JSON.stringify({ 'acme-directory': { baseUrl: 'http://json', apiToken: 'from-json' } });

  test('of a later place beats those of the earlier ones, one by one', () => {
    const env = { PPTP_CONFIG: yaml };
    expect(given({ env })).toEqual({ baseUrl: 'http://file', retries: 1, servers: ['192.0.2.7', '192.0.2.8'] });
    const both = { ...env, PPTP_PLUGIN_OPTIONS: json };
    expect(given({ env: both })).toMatchObject({ baseUrl: 'http://json', apiToken: 'from-json', retries: 1 });
    const all = { ...both, ...URL };
    expect(given({ env: all })).toMatchObject({ baseUrl: 'http://env', apiToken: 'from-json', retries: 1 });
    const set = ['plugins.acme-directory.baseUrl=http://flag', 'pluginOptions.acme-directory.retries=2'];
    expect(given({ env: all, set })).toMatchObject({ baseUrl: 'http://flag', retries: '2' });
  });

  test('can come from a file, without its last line break', () => {
    const env = { ...URL, PPTP_ACME_DIRECTORY_API_TOKEN_FILE: file('token', 'hunter2\n') };
    expect(given({ env })).toEqual({ baseUrl: 'http://env', apiToken: 'hunter2' });
    expect(problems({ env: { ...env, PPTP_ACME_DIRECTORY_API_TOKEN: 'too' } })).toEqual([
      'pluginOptions.acme-directory.apiToken (PPTP_ACME_DIRECTORY_API_TOKEN): and PPTP_ACME_DIRECTORY_API_TOKEN_FILE are both set; set only one.',
    ]);
    const [gone] = problems({ env: { ...URL, PPTP_ACME_DIRECTORY_API_TOKEN_FILE: join(folder, 'absent') } });
    expect(gone).toMatch(/apiToken \(PPTP_ACME_DIRECTORY_API_TOKEN_FILE\): the file cannot be read: ENOENT/);
  });

  test('is shown with its origin, and a secret is not', () => {
    const env = { ...URL, PPTP_ACME_DIRECTORY_API_TOKEN: 'hunter2', PPTP_CONFIG: yaml };
    const lines = effectiveLines(load({ env })).filter(({ key }) => key.startsWith('pluginOptions.'));
    expect(lines.map(({ key, value, origin }) => [key.split('.').at(-1), value, origin])).toEqual([
      ['baseUrl', 'http://env', 'env PPTP_ACME_DIRECTORY_BASE_URL'],
      ['apiToken', '[secret]', 'env PPTP_ACME_DIRECTORY_API_TOKEN'],
      ['retries', '1', `file ${yaml}`],
      ['servers', '192.0.2.7, 192.0.2.8', `file ${yaml}`],
      ['via', '192.0.2.1', 'default'],
    ]);
    expect(JSON.stringify(effectiveLines(load({ env: URL })))).not.toContain('hunter2');
  });

  test('of a Kubernetes service link is none', () => {
    const port: DeclaredSettings = { ...OTHER, settings: { port: { kind: kinds.integer(1, 9), doc: '', default: 1 } } };
    const { config, warnings } = load({ env: { PPTP_ACME_PORT: 'tcp://10.0.0.1:1812' } }, [port]);
    expect([config.pluginOptions, warnings]).toEqual([
      {},
      ['PPTP_ACME_PORT looks like a service link and is ignored.'],
    ]);
  });
});

describe('what is wrong', () => {
  test('is told all at once, with those of the gateway, and never with a secret', () => {
    const secret: DeclaredSettings = {
      ...OTHER,
      settings: { key: { kind: kinds.integer(1, 9), doc: '', secret: true } },
    };
    const env = { PPTP_MRU: '9', PPTP_ACME_KEY: 'hunter2', PPTP_ACME_DIRECTORY_RETRIES: '10' };
    expect(problems({ env }, [ACME, secret])).toEqual([
      'ppp.mru (PPTP_MRU): must be a whole number from 576 to 1500 (octets), or `auto`; "9" from env PPTP_MRU is not.',
      'pluginOptions.acme-directory.baseUrl (PPTP_ACME_DIRECTORY_BASE_URL): must be set for the plug-in "acme-directory" (package pptp-acme 1.2.3): text of 1 to 1024 characters without line breaks.',
      'pluginOptions.acme-directory.retries (PPTP_ACME_DIRECTORY_RETRIES): must be a whole number from 0 to 9; "10" from env PPTP_ACME_DIRECTORY_RETRIES is not (the plug-in "acme-directory" (package pptp-acme 1.2.3)).',
      'pluginOptions.acme.key (PPTP_ACME_KEY): must be a whole number from 1 to 9; the value given from env PPTP_ACME_KEY is not (the plug-in "acme").',
    ]);
  });

  test('names that nobody has are mistakes, with a suggestion', () => {
    const env = { ...URL, PPTP_ACME_DIRECTORY_RETRYS: '1', PPTP_PROT: '1', PPTP_NOBODY_KNOWS: '1' };
    const set = ['plugins.acme-directory.serverz=1', 'plugins.acmee.x=1'];
    expect(problems({ env, set }, [ACME, OTHER])).toEqual([
      'pluginOptions.acme-directory.serverz: is not a setting of the plug-in "acme-directory" (package pptp-acme 1.2.3). Did you mean servers?',
      'pluginOptions.acmee: the plug-in "acmee" is not loaded: name it in PPTP_PLUGINS. Did you mean acme?',
      'PPTP_ACME_DIRECTORY_RETRYS: is not a setting of the plug-in "acme-directory" (package pptp-acme 1.2.3). Did you mean PPTP_ACME_DIRECTORY_RETRIES?',
      'PPTP_PROT: is not a setting of this gateway or of a plug-in that is loaded. Did you mean PPTP_PORT?',
      'PPTP_NOBODY_KNOWS: is not a setting of this gateway or of a plug-in that is loaded.',
    ]);
  });

  test('a plug-in without settings takes none, and a group must be one', () => {
    expect(problems({ env: { PPTP_PLUGIN_OPTIONS: '{"acme":{"x":1}}' } }, [OTHER])).toEqual([
      'pluginOptions.acme.x: is not a setting of the plug-in "acme". It has none.',
    ]);
    expect(problems({ env: { PPTP_PLUGIN_OPTIONS: '{"acme":7}' } }, [OTHER])).toEqual([
      'pluginOptions.acme: must be a group of settings of the plug-in "acme".',
    ]);
  });

  test('options of plug-ins without any plug-in are mistakes', () => {
    const { problems: found } = readConfig({ env: { PPTP_PLUGIN_OPTIONS: '{"acme":{"x":1}}' } });
    expect(found).toEqual([
      { key: 'pluginOptions.acme', message: 'the plug-in "acme" is not loaded: name it in PPTP_PLUGINS.' },
    ]);
  });

  test('two settings of one environment name are refused', () => {
    const optional = { kind: kinds.text(), doc: '', default: undefined };
    const long: DeclaredSettings = { ...OTHER, settings: { directoryBaseUrl: optional } };
    expect(problems({ env: URL }, [ACME, long])).toEqual([
      'pluginOptions.acme.directoryBaseUrl (PPTP_ACME_DIRECTORY_BASE_URL): has the environment name of a setting of the plug-in "acme-directory" (package pptp-acme 1.2.3): the plug-in "acme" must call it something else.',
    ]);
    const dial: DeclaredSettings = { plugin: 'dial', from: 'the plug-in "dial"', settings: { server: optional } };
    expect(problems({}, [dial])).toEqual([
      'pluginOptions.dial.server (PPTP_DIAL_SERVER): has the environment name of a setting of the gateway itself: the plug-in "dial" must call it something else.',
    ]);
  });

  test('a format that throws refuses', () => {
    const kind = {
      expected: 'nothing',
      parse: (): never => {
        throw new Error('no');
      },
    };
    const thrower: DeclaredSettings = { ...OTHER, settings: { x: { kind, doc: '' } } };
    expect(problems({ env: { PPTP_ACME_X: '1' } }, [thrower])).toEqual([
      'pluginOptions.acme.x (PPTP_ACME_X): must be nothing; "1" from env PPTP_ACME_X is not (the plug-in "acme").',
    ]);
  });
});

describe('environment names that could be taken for others', () => {
  const text = { kind: kinds.text(), doc: '', default: '' };
  const declare = (plugin: string, ...settings: readonly string[]): DeclaredSettings => ({
    plugin,
    from: plugin,
    settings: Object.fromEntries(settings.map((setting) => [setting, text])),
  });

  test.each([
    ['a file of another plug-in', [declare('acme', 'secret'), declare('acme-secret', 'file')], 'PPTP_ACME_SECRET_FILE'],
    [
      'a file of another plug-in, met first',
      [declare('acme-secret', 'file'), declare('acme', 'secret')],
      'PPTP_ACME_SECRET_FILE',
    ],
    ['a file of its own', [declare('acme', 'secret', 'secretFILE')], 'PPTP_ACME_SECRET_FILE'],
    ['a file of the gateway', [declare('dial', 'passwordFile')], 'PPTP_DIAL_PASSWORD_FILE'],
    ['a file that the gateway refuses', [declare('log', 'levelFile')], 'PPTP_LOG_LEVEL_FILE'],
    ['a service link', [declare('acme', 'serviceHost')], 'PPTP_ACME_SERVICE_HOST'],
    ['a service link of another', [declare('acme-service', 'port')], 'PPTP_ACME_SERVICE_PORT'],
  ])('%s is a mistake of the plug-in', (_, declared, env) => {
    expect(problems({}, declared)).toEqual([
      expect.stringMatching(new RegExp(`\\(${env}\\): has the environment name`)),
    ]);
  });

  test('are no mistake where a setting and its own file go together', () => {
    expect(problems({}, [declare('acme', 'key', 'keyFile'), declare('acme-service', 'url')])).toEqual([]);
  });
});
