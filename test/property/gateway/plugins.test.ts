import fc from 'fast-check';
import { Container } from 'inversify';
import { expect, it } from 'vitest';
import { readConfig, withPluginSettings } from '../../../config/load.ts';
import { resolvePluginSettings } from '../../../config/plugin-settings.ts';
import { GatewayError } from '../../../core/errors.ts';
import { silentLog } from '../../../core/ports/log.ts';
import * as kinds from '../../../core/ports/setting-kinds.ts';
import { TOKENS } from '../../../core/tokens.ts';
import { withGiven } from '../../../gateway/plugin-loader.ts';
import { bindPlugins } from '../../../gateway/plugins/bindings.ts';
import { declaredBy, type ImportedPlugin, pluginOf } from '../../../gateway/plugins/import-plugins.ts';
import { GIVEN } from '../../../gateway/plugins/plugin-source.ts';

/** Runs `work`; an operator is told what is wrong, and nothing else may come of it. */
const told = <T>(work: () => T): T | undefined => {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof GatewayError)) throw cause;
    expect(cause.message).not.toBe('');
    return undefined;
  }
};

const anything = fc.anything({
  withNullPrototype: true,
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
});
/** Answers every question with something, or throws. */
const wildcard = anything.map(
  (value) =>
    new Proxy(
      {},
      {
        get: () => value,
        has: () => true,
        ownKeys: () => {
          throw new Error('no keys');
        },
      },
    ),
);
const wildFunction = fc.oneof(
  anything.map((value) => () => value),
  anything.map((value) => () => {
    throw value;
  }),
  anything.map((value) => () => Promise.reject(value)),
);
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 5, arbitrary }, { weight: 1, arbitrary: anything }, { weight: 1, arbitrary: wildFunction });

const kind = fc.record({ expected: maybe(fc.string()), parse: maybe(wildFunction) });
const setting = fc.record(
  { kind: maybe(kind), doc: maybe(fc.string()), default: anything, secret: anything },
  { requiredKeys: ['kind'] },
);
const name = fc.constantFrom('acme', 'a', 'a-b', '__proto__', 'constructor', 'A', '');
const settingName = fc.constantFrom('url', 'baseUrl', 'x', 'constructor', '__proto__', 'a-b', '');
const settings = fc.dictionary(settingName, maybe(setting), { maxKeys: 4 });
const tokens: unknown[] = [...Object.values(TOKENS), undefined, null, 7, Symbol('own'), '', {}];
const register = fc.oneof(
  wildFunction,
  fc
    .array(fc.constantFrom(...tokens), { maxLength: 4 })
    .map((bound) => ({ bind }: { bind: (token: never) => unknown }) => {
      for (const token of bound) bind(token as never);
    }),
);
/** Nearly a plug-in. */
const almost = fc.record(
  {
    name: maybe(name),
    api: maybe(fc.constant(2)),
    register: maybe(register),
    requires: maybe(fc.array(fc.string(), { maxLength: 2 })),
    settings: maybe(settings),
    check: maybe(wildFunction),
  },
  { requiredKeys: ['name', 'api', 'register'] },
);
const exported = fc.oneof(
  { weight: 6, arbitrary: almost },
  { weight: 1, arbitrary: anything },
  { weight: 1, arbitrary: wildcard },
);

it('any default export, with anything as its settings, is a plug-in or an operator is told why not', () => {
  let plugins = 0;
  fc.assert(
    fc.property(exported, anything, fc.boolean(), (thing, given, twice) => {
      const module = twice ? { default: { default: thing } } : { default: thing };
      const imported = told(() => pluginOf(module, './it.mjs', GIVEN));
      if (imported === undefined) return;
      plugins += 1;
      const loaded = told(() => withGiven(imported, given));
      if (loaded !== undefined) told(() => bindPlugins(new Container(), [loaded], silentLog));
    }),
    { numRuns: 2_000 },
  );
  expect(plugins).toBeGreaterThan(20);
});

const SECRET = 'hunter2-the-secret';
const plugin: ImportedPlugin = {
  plugin: {
    name: 'acme',
    api: 2,
    settings: {
      url: { kind: kinds.text(), doc: '' },
      tries: { kind: kinds.integer(0, 9), doc: '', default: 1 },
      flag: { kind: kinds.toggle, doc: '', default: false },
      list: { kind: kinds.list(kinds.ipv4Address), doc: '', default: [] },
      token: { kind: kinds.text(), doc: '', secret: true, default: undefined },
    },
    register: () => undefined,
  },
  source: GIVEN,
};

it('any settings, from anywhere, are read or refused, and a secret is never shown', () => {
  const key = fc.constantFrom('url', 'tries', 'flag', 'list', 'token', 'nothing', '__proto__', 'constructor');
  const value = fc.oneof(fc.constantFrom<fc.JsonValue>('1', 'true', '192.0.2.1', 2, true, []), fc.jsonValue());
  const env = fc.dictionary(
    fc.constantFrom('URL', 'TRIES', 'FLAG', 'LIST', 'TOKEN_FILE', 'NOTHING').map((end) => `PPTP_ACME_${end}`),
    fc.oneof(fc.constantFrom('1', 'tcp://10.0.0.1:1'), fc.string()),
    { maxKeys: 2 },
  );
  const prefix = fc.constantFrom('plugins.acme.', 'pluginOptions.acme.', 'pluginOptions.', '');
  const set = fc.array(fc.tuple(prefix, key, fc.constantFrom('1', '', 'x')), { maxLength: 2 });
  const block = fc.oneof(value, fc.dictionary(key, value, { maxKeys: 3 }), fc.constant({}));
  let accepted = 0;
  fc.assert(
    fc.property(block, env, set, (given, names, flags) => {
      const read = readConfig({
        env: {
          PPTP_ACME_URL: 'http://acme',
          ...names,
          PPTP_PLUGINS: './acme.mjs',
          PPTP_PLUGIN_OPTIONS: JSON.stringify({ acme: given }),
          PPTP_ACME_TOKEN: SECRET,
        },
        set: flags.map(([prefix, setting, text]) => `${prefix}${setting}=${text}`),
      });
      const resolved = resolvePluginSettings([declaredBy(plugin)], read.loaded.pluginInputs);
      expect(JSON.stringify([resolved.problems, resolved.inForce])).not.toContain(SECRET);
      const loaded = told(() => withPluginSettings(read, resolved, []));
      if (loaded === undefined) return;
      accepted += 1;
      // As a worker gets it.
      withGiven(plugin, structuredClone(loaded.config.pluginOptions)['acme']);
    }),
    { numRuns: 200 },
  );
  expect(accepted).toBeGreaterThan(0);
});
