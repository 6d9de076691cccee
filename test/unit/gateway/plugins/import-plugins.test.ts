import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { GatewayError } from '../../../../core/errors.ts';
import { loadPlugins } from '../../../../gateway/plugin-loader.ts';
import { findModule } from '../../../../gateway/plugins/find-module.ts';
import { importPlugin } from '../../../../gateway/plugins/import-plugins.ts';
import { SHIPPED } from '../../../../gateway/plugins/shipped.ts';

const folder = mkdtempSync(join(tmpdir(), 'pptp-import-'));
afterAll(() => rmSync(folder, { recursive: true }));

const put = (path: string, content: string | object): string => {
  const whole = join(folder, path);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, typeof content === 'string' ? content : JSON.stringify(content));
  return whole;
};
/** A module whose plug-in has this name. */
const plugin = (name: string, more = ''): string =>
  `export default { name: '${name}', api: 2, register() {}, ${more} };`;

const nameOf = async (specifier: string): Promise<string> => (await importPlugin(specifier)).plugin.name;
const refusal = async (attempt: Promise<unknown>): Promise<string> => {
  try {
    return `not refused: ${JSON.stringify(await attempt)}`;
  } catch (cause) {
    if (cause instanceof GatewayError && cause.code === 'PLUGIN_INVALID') return cause.message;
    throw cause;
  }
};

describe('a path', () => {
  it('may be of a module, an ES one or a CommonJS one', async () => {
    expect(await nameOf(put('one.mjs', plugin('one')))).toBe('one');
    expect(await nameOf(put('two.cjs', plugin('two').replace('export default', 'module.exports =')))).toBe('two');
    const compiled = plugin('three').replace('export default', 'exports.__esModule = true; exports.default =');
    expect(await nameOf(put('three.cjs', compiled))).toBe('three');
  });

  it.each<[string, object, string]>([
    ['"exports" that is a path', { exports: './lib/it.mjs' }, 'lib/it.mjs'],
    ['conditions', { exports: { types: './x.d.ts', require: './no.cjs', import: './lib/it.mjs' } }, 'lib/it.mjs'],
    ['conditions of conditions', { exports: { '.': { node: { import: './lib/it.mjs' } } } }, 'lib/it.mjs'],
    ['a subpath among others', { exports: { './x': './no.mjs', '.': './lib/it.mjs' } }, 'lib/it.mjs'],
    ['"main"', { main: 'lib/it.mjs' }, 'lib/it.mjs'],
    ['"main" without ending', { main: './lib/it', type: 'module' }, 'lib/it.js'],
    ['a folder as "main"', { main: 'lib', type: 'module' }, 'lib/index.js'],
    ['nothing but index.js', { type: 'module' }, 'index.js'],
  ])('may be of the folder of a package with %s', async (what, manifest, at) => {
    const home = what.replaceAll(/\W/g, '-');
    put(`${home}/package.json`, { name: 'pptp-it', version: '1.2.3', ...manifest });
    const file = put(`${home}/${at}`, plugin('it'));
    const { plugin: found, source } = await importPlugin(join(folder, home));
    expect([found.name, source]).toEqual([
      'it',
      { kind: 'path', specifier: join(folder, home), file, packageName: 'pptp-it', version: '1.2.3' },
    ]);
  });

  it.each<[string, object, RegExp]>([
    ['exports nothing', { exports: { './x': './x.mjs' } }, /its package exports no "\." that can be imported/],
    [
      'is not built',
      { exports: './dist/index.js' },
      /exports \.\/dist\/index\.js, which is not there: build the package/,
    ],
    ['leads outside', { exports: './../../etc/passwd' }, /exports no "\."/],
    ['has lost its main', { main: 'gone.js' }, /its main module gone\.js is not there: build the package/],
    ['has nothing', {}, /has no package\.json with "exports" or "main", and no index\.js/],
  ])('is refused where the package %s', async (what, manifest, why) => {
    put(`${what}/package.json`, manifest);
    expect(await refusal(importPlugin(join(folder, what)))).toMatch(why);
  });

  it('is refused where there is nothing, or something else', async () => {
    expect(await refusal(importPlugin('./no-such.mjs'))).toMatch(
      /plug-in "\.\/no-such\.mjs" cannot be used: there is no file/,
    );
    put('broken-json/package.json', '{');
    expect(await refusal(importPlugin(join(folder, 'broken-json')))).toMatch(/its package\.json is no JSON/);
    expect(await refusal(importPlugin(put('syntax.mjs', 'export default {')))).toMatch(/importing it failed: /);
    expect(await refusal(importPlugin(put('throws.mjs', 'throw new Error("no\\nmore")')))).toMatch(
      /importing it failed: no$/,
    );
    expect(await refusal(importPlugin(put('throws-null.mjs', 'throw null')))).toMatch(/importing it failed: null$/);
  });
});

describe('a name', () => {
  it('is that of a plug-in that comes with the gateway', async () => {
    for (const name of SHIPPED.keys())
      expect([name, (await importPlugin(name)).source.kind]).toEqual([name, 'shipped']);
  });

  it('is that of a package beside the gateway or in the working directory, also a linked one', () => {
    const real = put('elsewhere/acme/index.mjs', plugin('acme'));
    put('elsewhere/acme/package.json', {
      name: '@acme/pptp',
      version: '2.0.0',
      exports: { '.': './index.mjs', './*': './*.mjs' },
    });
    put('elsewhere/acme/extra.mjs', plugin('extra'));
    put('work/package.json', {});
    mkdirSync(join(folder, 'work/node_modules/@acme'), { recursive: true });
    symlinkSync(join(folder, 'elsewhere/acme'), join(folder, 'work/node_modules/@acme/pptp'));
    const { source } = findModule('@acme/pptp', join(folder, 'work/deep'));
    expect(source).toEqual({
      kind: 'package',
      specifier: '@acme/pptp',
      file: real,
      packageName: '@acme/pptp',
      version: '2.0.0',
    });
    expect(findModule('@acme/pptp/extra', join(folder, 'work')).source.file).toMatch(/extra\.mjs$/);
    expect(findModule('fast-check').source).toMatchObject({ kind: 'package', packageName: 'fast-check' });
  });

  it('of nothing is refused, and a path without ./ is told apart', async () => {
    expect(await refusal(importPlugin('no-such-plugin'))).toMatch(
      /there is no such package: install it with npm in the gateway's folder or in .*; those that come with the gateway are /,
    );
    expect(await refusal(importPlugin('node:fs'))).toMatch(/there is no such package/);
    expect(await refusal(importPlugin('gateway/cli.ts'))).toMatch(/to load it by its path, write \.\/gateway\/cli\.ts/);
  });
});

describe('what is exported', () => {
  const why = async (source: string): Promise<string> => {
    const message = await refusal(importPlugin(put(`why-${Math.abs(hash(source))}.mjs`, source)));
    return message.replace(/^.* cannot be used: /, '');
  };
  const hash = (text: string): number => [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, 7);

  it.each([
    'export const plugin = 1;',
    'export default undefined;',
    'export default 7;',
    'export default {};',
    'export default class {};',
  ])('must be a plug-in: %s', async (source) => {
    expect(await why(source)).toBe('its default export is not a plug-in (see definePlugin)');
  });

  it.each([
    ['', 'it does not say which plug-in interface it was made for, and this gateway has plug-in interface 2: '],
    ['api: "2",', 'its "api" must be the number of a plug-in interface'],
    [
      'api: 1,',
      'it was made for plug-in interface 1, and this gateway has plug-in interface 2: install a newer version',
    ],
    [
      'api: 3,',
      'it was made for plug-in interface 3, and this gateway has plug-in interface 2: install an older version',
    ],
  ])('must be made for this interface: %s', async (api, message) => {
    expect(await why(`export default { name: 'x', ${api} register() {} };`)).toContain(message);
  });

  it('must have a form that can be used, and all that is wrong is told', async () => {
    const wild = `name: 'Not A Name', register: 1, requires: 'x', check: 1, settings: { 'a-b': {}, ok: { kind: {} } }`;
    expect(await why(`export default { api: 2, ${wild} };`)).toBe(
      [
        '"name" must be lower-case letters, digits and hyphens',
        '"register" must be a function',
        '"requires" must be a list of names of plug-ins',
        '"check" must be a function',
        'the setting "a-b" must be named with letters and digits, like baseUrl',
        'the setting "ok" must have a "kind" (see kinds of pptp-gateway/core)',
      ].join('; '),
    );
  });

  it('may throw when it is looked at', async () => {
    expect(await why(`export default { get api() { throw new Error('look away'); }, register() {} };`)).toContain(
      'look away',
    );
  });
});

describe('what it is given', () => {
  const kind = `kind: { expected: 'tea', parse: (v) => (v === 'tea' ? v : undefined) }`;

  it('is read by its settings, and what it says of them together counts', async () => {
    const source = plugin('choosy', `settings: { drink: { doc: '', ${kind} } }, check: (o) => [o.drink + ' is cold']`);
    const path = put('choosy.mjs', source);
    expect(await refusal(loadPlugins([path], {}))).toMatch(
      /choosy\.drink \(PPTP_CHOOSY_DRINK\): must be set for the plug-in "choosy"/,
    );
    expect(await refusal(loadPlugins([path], { choosy: { drink: 'tea' } }))).toMatch(/tea is cold/);
  });

  it.each([
    ['throws', `check: () => { throw new Error('no') }`, /checking its settings failed: no/],
    ['says nothing that is a list', `check: () => 'fine'`, /its "check" must return a list of sentences/],
  ])('is refused where its check %s', async (what, check, message) => {
    expect(await refusal(loadPlugins([put(`check ${what}.mjs`, plugin('checker', check))], {}))).toMatch(message);
  });

  it('is undefined for a plug-in without settings', async () => {
    const seen = vi.fn();
    vi.stubGlobal('pptpSeen', seen);
    const source = `export default { name: 'bare', api: 2, register(_, options) { pptpSeen(options); } };`;
    const [bare] = await loadPlugins([put('bare.mjs', source)], {});
    bare?.register({ bind: () => expect.fail(), isBound: () => false });
    expect(seen.mock.calls).toEqual([[undefined]]);
    vi.unstubAllGlobals();
  });
});
