import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { LoadedConfig } from '../../../../config/load.ts';
import { runCli } from '../../../../gateway/cli.ts';
import { loadPlugins } from '../../../../gateway/plugin-loader.ts';
import { loadConfigWithPlugins } from '../../../../gateway/plugins/configure.ts';
import type { PluginList } from '../../../../gateway/plugins/list-plugins.ts';
import { memoryTerminal } from '../../../support/memory-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'pptp-verbs-'));
afterAll(() => rmSync(folder, { recursive: true }));
const put = (path: string, content: string): string => {
  writeFileSync(join(folder, path), content);
  return join(folder, path);
};

const token = (name: string): string => `Symbol.for('pptp-gateway/${name}')`;
const TEXT = `{ expected: 'text', parse: (v) => (typeof v === 'string' && v !== '' ? v : undefined) }`;
/** A package with settings that brings a back-end and a pool. */
mkdirSync(join(folder, 'acme'));
put('acme/package.json', JSON.stringify({ name: 'pptp-acme', version: '1.2.3', main: 'index.mjs' }));
put(
  'acme/index.mjs',
  `export default {
    name: 'acme', api: 2,
    settings: {
      url: { kind: ${TEXT}, doc: 'Where.' },
      key: { kind: ${TEXT}, doc: 'What opens it.', secret: true },
      tries: { kind: ${TEXT}, doc: 'How often.', default: '3' },
    },
    check: ({ url }) => (url === 'http://' ? ['url names no host.'] : []),
    register({ bind }) {
      bind(${token('Authenticator')}).toConstantValue({ name: 'acme' });
      bind(${token('AddressPool')}).toDynamicValue(() => { throw new Error('nothing is to be made'); });
      bind(${token('ControlPlugin')}).toConstantValue({});
    },
  };`,
);
const ACME = join(folder, 'acme');
const GOOD = { PPTP_PLUGINS: ACME, PPTP_ACME_URL: 'http://acme', PPTP_ACME_KEY: 'hunter2' };

/** What a verb prints, and its exit code. */
const verb = async (env: Readonly<Record<string, string>>, ...argv: readonly string[]) => {
  const out: string[] = [];
  const err: string[] = [];
  let ran: LoadedConfig | undefined;
  const code = await runCli(argv, {
    version: '1',
    env: { PPTP_GRE_DRIVER: 'raw-socket', ...env },
    terminal: memoryTerminal({ out: (line) => out.push(line), err: (line) => err.push(line) }),
    runGateway: async (loaded) => {
      ran = loaded;
      return 0;
    },
    dial: async () => 0,
    examine: async () => [],
    openUsers: () => expect.fail('nobody asks for users'),
  });
  const text = [...out, ...err].join('\n');
  expect(text).not.toContain('hunter2');
  return { code, out, err: err.join('\n'), text, ran };
};

describe('run', () => {
  it('gets what every place says, ready for workers that look at nothing else', async () => {
    const { ran, code } = await verb(
      { ...GOOD, PPTP_PLUGIN_OPTIONS: '{"acme":{"tries":"1"}}' },
      'run',
      '--set',
      'plugins.acme.tries=2',
    );
    expect([code, ran?.config.pluginOptions]).toEqual([
      0,
      { acme: { url: 'http://acme', key: 'hunter2', tries: '2' } },
    ]);
    // What the supervisor tells a worker.
    const told = structuredClone(ran?.config);
    const [loaded] = await loadPlugins(told?.plugins ?? [], told?.pluginOptions ?? {});
    expect(loaded).toMatchObject({ name: 'acme', source: { packageName: 'pptp-acme', version: '1.2.3' } });
  });

  it('is not begun when something is wrong, all of which is told', async () => {
    const { code, err, ran } = await verb({ ...GOOD, PPTP_ACME_URL: '', PPTP_ACME_TRYS: '1', PPTP_PORT: '0' }, 'run');
    expect([code, ran]).toEqual([1, undefined]);
    expect(err.split('\n').map((line) => line.trim().split(' ')[0])).toEqual([
      'pptp-gateway:',
      'listen.port',
      'pluginOptions.acme.url',
      'PPTP_ACME_TRYS:',
    ]);
  });

  it('says what a plug-in says of its settings together', async () => {
    const { err } = await verb({ ...GOOD, PPTP_ACME_URL: 'http://' }, 'run');
    expect(err).toContain('pluginOptions.acme: url names no host. (the plug-in "acme" (package pptp-acme 1.2.3))');
  });

  it('names a plug-in that cannot be loaded; several, and with others, as a list', async () => {
    const one = await verb({ PPTP_PLUGINS: './gone.mjs' }, 'run');
    expect(one.err).toMatch(/^pptp-gateway: PLUGIN_INVALID: plug-in "\.\/gone\.mjs" cannot be used: there is no file/);
    const two = await verb({ PPTP_PLUGINS: './gone.mjs,./lost.mjs', PPTP_MRU: '1', PPTP_WHOSE: '1' }, 'run');
    expect(two.err.split('\n').map((line) => line.trim().split(/[: ]/)[0])).toEqual([
      'pptp-gateway',
      'ppp.mru',
      'PPTP_PLUGINS',
      'PPTP_PLUGINS',
    ]);
  });

  it('refuses two plug-ins of one name by where they are from', async () => {
    const twin = put('twin.mjs', `export default { name: 'acme', api: 2, register() {} };`);
    const { err } = await verb({ ...GOOD, PPTP_PLUGINS: `${ACME},${twin}` }, 'run');
    expect(err).toContain(
      `plug-in "acme" (${twin}) from ${twin} cannot be used: "acme" (package pptp-acme 1.2.3) from ${ACME} has the same name`,
    );
  });
});

describe('config', () => {
  it('check passes what is right', async () => {
    expect(await verb(GOOD, 'config', 'check')).toMatchObject({ code: 0, out: ['the configuration is valid'] });
  });

  it('show has the settings with their origins', async () => {
    const { out } = await verb(GOOD, 'config', 'show');
    expect(
      out.filter((line) => line.startsWith('pluginOptions.acme.')).map((line) => line.replaceAll(/ +/g, ' ')),
    ).toEqual([
      'pluginOptions.acme.url http://acme (env PPTP_ACME_URL)',
      'pluginOptions.acme.key [secret] (env PPTP_ACME_KEY)',
      'pluginOptions.acme.tries 3 (default)',
    ]);
  });
});

describe('plugins list', () => {
  it('shows each plug-in, what it brings in place of what, and who is asked in which order', async () => {
    const { code, out } = await verb(GOOD, 'plugins', 'list');
    expect(code).toBe(0);
    expect(out.slice(0, 5)).toEqual([
      `acme: path, package pptp-acme 1.2.3, from ${ACME}, interface 2`,
      '  brings    Authenticator, AddressPool, Control',
      '  setting   url = http://acme  (env PPTP_ACME_URL)',
      '  setting   key = [secret]  (env PPTP_ACME_KEY)',
      '  setting   tries = 3  (default; PPTP_ACME_TRIES)',
    ]);
    const text = out.join('\n');
    expect(text).toContain('control-pptp: built-in, interface 2\n  brings    Control (acme has its place)');
    expect(text).toMatch(/Asked in this order:\n {2}Authenticator +acme, backend-user-file\n/);
    expect(text).toMatch(/\n {2}Control +acme$/m);
  });

  it('says which settings a reload changes', async () => {
    const { out } = await verb({ PPTP_PLUGINS: 'policy-sessions' }, 'plugins', 'list');
    expect(out).toContain('  setting   limit = 1  (default; PPTP_POLICY_SESSIONS_LIMIT; live)');
  });

  it('is JSON for programs', async () => {
    const { out } = await verb(GOOD, 'plugins', 'list', '--json');
    const { plugins, order, problems }: PluginList = JSON.parse(out.join('\n'));
    expect(plugins[0]).toEqual({
      name: 'acme',
      kind: 'path',
      specifier: ACME,
      packageName: 'pptp-acme',
      version: '1.2.3',
      file: join(ACME, 'index.mjs'),
      api: 2,
      requires: [],
      bindings: [{ token: 'Authenticator' }, { token: 'AddressPool' }, { token: 'Control' }],
      settings: [
        { setting: 'url', env: 'PPTP_ACME_URL', shown: 'http://acme', origin: 'env PPTP_ACME_URL', live: false },
        { setting: 'key', env: 'PPTP_ACME_KEY', shown: '[secret]', origin: 'env PPTP_ACME_KEY', live: false },
        { setting: 'tries', env: 'PPTP_ACME_TRIES', shown: '3', origin: 'default', live: false },
      ],
    });
    expect(order.find(({ token: name }) => name === 'Control')).toEqual({ token: 'Control', plugins: ['acme'] });
    expect(problems).toEqual([]);
  });

  it('says why one fails, and shows the others', async () => {
    const failing = put(
      'failing.mjs',
      `export default { name: 'failing', api: 2, requires: ['nobody'], register() { throw new Error('no'); } };`,
    );
    const old = put('old.mjs', `export default { name: 'old', api: 1, register() {} };`);
    const env = { PPTP_PLUGINS: [old, failing, ACME].join(','), PPTP_ACME_URL: 'http://acme', PPTP_PORT: 'x' };
    const { code, text } = await verb(env, 'plugins', 'list');
    expect(code).toBe(1);
    expect(text).toMatch(
      /old\.mjs: unknown\n {2}FAILED {4}plug-in .* was made for plug-in interface 1, and this gateway has/,
    );
    expect(text).toMatch(/failing: path, .*\n {2}FAILED {4}plug-in .* its "register" failed: no/);
    expect(text).toMatch(
      /acme: path, .*\n {2}FAILED {4}plug-in "acme" cannot be used: pluginOptions\.acme\.key .* must be set/,
    );
    expect(text).toMatch(/Wrong with the configuration:\n {2}listen\.port/);
    expect(text).toContain('it needs the plug-in "nobody"');
    expect(text).toContain('backend-user-file: built-in');
  });

  it('says where a wrong setting came from, and which names of settings clash', async () => {
    const wrong = await verb({ ...GOOD, PPTP_ACME_URL: '' }, 'plugins', 'list');
    expect(wrong.code).toBe(1);
    expect(wrong.text).toMatch(
      / {2}FAILED {4}plug-in "acme" cannot be used: pluginOptions\.acme\.url \(PPTP_ACME_URL\): must be text; "" from env PPTP_ACME_URL is not/,
    );
    const settings = `{ bUrl: { kind: ${TEXT}, doc: 'One.', default: 'x' } }`;
    const a = put('a.mjs', `export default { name: 'a', api: 2, settings: ${settings}, register() {} };`);
    const ab = put(
      'ab.mjs',
      `export default { name: 'a-b', api: 2, settings: ${settings.replace('bUrl', 'url')}, register() {} };`,
    );
    const { code, text } = await verb({ PPTP_PLUGINS: `${a},${ab}` }, 'plugins', 'list');
    expect(code).toBe(1);
    expect(text).toMatch(/ {2}FAILED {4}.*has the environment name of a setting of the plug-in "a"/);
  });

  it('shows a gateway without plug-ins', async () => {
    const { code, out } = await verb({}, 'plugins', 'list');
    expect([code, out.some((line) => line.includes('AuthMethod'))]).toEqual([0, true]);
  });
});

it('nothing of a plug-in is imported where none is named', async () => {
  const { config, pluginSettings } = await loadConfigWithPlugins({ env: {} });
  expect([config.plugins, config.pluginOptions, pluginSettings]).toEqual([[], {}, []]);
});
