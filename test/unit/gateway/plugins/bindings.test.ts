import { Container, type ServiceIdentifier } from 'inversify';
import { describe, expect, it } from 'vitest';
import { definePlugin, PLUGIN_API, type PluginBindings } from '../../../../core/ports/plugin.ts';
import { TOKENS } from '../../../../core/tokens.ts';
import { builtIn, type LoadedPlugin, withOptions } from '../../../../gateway/plugin-loader.ts';
import { bindPlugins, checkBindings } from '../../../../gateway/plugins/bindings.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

/** Something to bind, by its name. */
const thing = <T>(name: string): T => ({ name }) as T;

const plugin = (name: string, register: (bindings: PluginBindings) => unknown): LoadedPlugin =>
  withOptions(definePlugin({ name, api: PLUGIN_API, register: (bindings) => void register(bindings) }), undefined, {
    kind: 'package',
    specifier: name,
    packageName: `pptp-${name}`,
    version: '1.0.0',
  });

/** Binds what a gateway cannot be without. */
const devices = builtIn(
  plugin('devices', ({ bind }) => {
    bind(TOKENS.Tun).toConstantValue(thing('own tun'));
    bind(TOKENS.GreSocket).toConstantValue(thing('own gre'));
    bind(TOKENS.Control).toConstantValue(thing('own control'));
  }),
);

class Bench {
  readonly container = new Container({ defaultScope: 'Singleton' });
  readonly log = new MemoryLog();

  bind(...plugins: readonly LoadedPlugin[]): this {
    const claims = bindPlugins(this.container, plugins, this.log);
    checkBindings(this.container, claims);
    return this;
  }

  names(token: ServiceIdentifier<unknown>): readonly string[] {
    return this.container.getAll(token).map((one) => String(Reflect.get(Object(one), 'name')));
  }
}

const ONE: readonly (readonly [string, ServiceIdentifier<unknown>])[] = [
  ['Control', TOKENS.Control],
  ['Tun', TOKENS.Tun],
  ['GreSocket', TOKENS.GreSocket],
];

describe('of what there is one of', () => {
  it.each(ONE)("the operator's %s takes the place of the built-in one, in any order", (name, token) => {
    const acme = plugin('acme', ({ bind }) => bind(token).toConstantValue(thing('acme')));
    for (const plugins of [
      [acme, devices],
      [devices, acme],
    ]) {
      const bench = new Bench().bind(...plugins);
      expect(bench.names(token)).toEqual(['acme']);
      expect(bench.log.lines).toMatchObject([
        { level: 'info', event: 'plugin.replaces', fields: { plugin: 'acme', token: name, instead: 'devices' } },
      ]);
    }
  });

  it("the gateway's own steps back, too", () => {
    const bench = new Bench();
    bench.container.bind(TOKENS.AddressPool).toConstantValue(thing('own pool'));
    bench.bind(
      plugin('acme', ({ bind }) => bind(TOKENS.AddressPool).toConstantValue(thing('acme pool'))),
      devices,
    );
    expect(bench.container.get(TOKENS.AddressPool)).toEqual({ name: 'acme pool' });
    expect(bench.log.lines[0]?.message).toBe(
      '"acme" (package pptp-acme 1.0.0) brings AddressPool in place of the gateway\'s own',
    );
  });

  it('what steps back is never made', () => {
    const own = builtIn(
      plugin('own', ({ bind }) => bind(TOKENS.MppeKernel).toDynamicValue(() => expect.fail('it was made'))),
    );
    const acme = plugin('acme', ({ bind }) => bind(TOKENS.MppeKernel).toConstantValue(thing('acme')));
    expect(new Bench().bind(acme, own, devices).names(TOKENS.MppeKernel)).toEqual(['acme']);
  });

  it("two operators' are refused by their packages, and one twice", () => {
    const pool = (name: string) => plugin(name, ({ bind }) => bind(TOKENS.AddressPool).toConstantValue(thing(name)));
    expect(() => new Bench().bind(pool('a'), pool('b'), devices)).toThrow(
      'plug-in "a" (package pptp-a 1.0.0) and "b" (package pptp-b 1.0.0) cannot be used: both bind AddressPool, of which there is one in a gateway: leave one of them out of PPTP_PLUGINS',
    );
    const greedy = plugin('greedy', ({ bind }) => {
      bind(TOKENS.MppeKernel).toConstantValue(thing('1'));
      bind(TOKENS.MppeKernel).toConstantValue(thing('2'));
    });
    expect(() => new Bench().bind(greedy, devices)).toThrow(
      '"greedy" (package pptp-greedy 1.0.0) cannot be used: it binds MppeKernel twice',
    );
  });
});

describe('what is refused by the name of its package', () => {
  const acme = '"acme" (package pptp-acme 1.0.0)';
  const refused = (register: (bindings: PluginBindings) => unknown, message: string): void => {
    expect(() => new Bench().bind(plugin('acme', register), devices)).toThrow(
      `plug-in ${acme} cannot be used: ${message}`,
    );
  };

  it('a register that throws, or takes its time', () => {
    refused(() => {
      throw new Error('no database');
    }, 'its "register" failed: no database');
    const late = {
      ...plugin('acme', () => 0),
      register: (async () => Promise.reject(new Error('late'))) as () => void,
    };
    expect(() => new Bench().bind(late, devices)).toThrow(`${acme} cannot be used: its "register" must not be async`);
  });

  it('a token that is none, and one that the gateway gives', () => {
    refused(({ bind }) => bind(Reflect.get(TOKENS, 'Authenticater')), 'it binds undefined, which is no token');
    refused(
      ({ bind }) => bind(TOKENS.Clock).toConstantValue(thing('c')),
      'it binds Clock, which the gateway gives and nobody can replace',
    );
  });

  it('something that wants to be given what nobody brings', () => {
    const database = Symbol('acme/database');
    const wants = ({ bind }: PluginBindings) =>
      bind(TOKENS.Stage).toResolvedValue<[unknown]>(() => thing('s'), [database]);
    refused(wants, 'it needs acme/database, which nobody binds: load the plug-in that does, too');
    const alias = ({ bind }: PluginBindings) => bind(TOKENS.Stage).toService(database);
    refused(alias, 'it needs acme/database, which nobody binds');
    const other = plugin('other', ({ bind }) => bind(database).toConstantValue('there'));
    expect(new Bench().bind(plugin('acme', wants), other, devices).names(TOKENS.Stage)).toEqual(['s']);
  });

  it('something that may do without', () => {
    const maybe = plugin('maybe', ({ bind }) =>
      bind(TOKENS.Stage).toResolvedValue<[string | undefined, unknown[]]>(
        (one, many) => thing(`${String(one)} ${many.length}`),
        [
          { serviceIdentifier: Symbol('a'), optional: true },
          { serviceIdentifier: Symbol('b'), isMultiple: true },
        ],
      ),
    );
    expect(new Bench().bind(maybe, devices).names(TOKENS.Stage)).toEqual(['undefined 0']);
  });

  it('what throws when it is made', () => {
    const fail = (): never => {
      throw new Error('out of stock');
    };
    refused(({ bind }) => bind(TOKENS.Stage).toDynamicValue(fail), 'making its Stage failed: out of stock');
    refused(({ bind }) => bind(TOKENS.Stage).toResolvedValue(fail), 'making its Stage failed: out of stock');
    class Thrower {
      constructor() {
        fail();
      }
    }
    refused(({ bind }) => bind(TOKENS.Lifecycle).to(Thrower as never), 'making its Lifecycle failed: out of stock');
  });

  it('a method of a name that there is already', () => {
    const methods = builtIn(plugin('own', ({ bind }) => bind(TOKENS.AuthMethod).toConstantValue(thing('pap'))));
    const twin = plugin('acme', ({ bind }) => bind(TOKENS.AuthMethod).toConstantValue(thing('pap')));
    expect(() => new Bench().bind(twin, methods, devices)).toThrow(
      `plug-in ${acme} and the built-in "own" cannot be used: both bring the AuthMethod "pap"`,
    );
  });
});

it('a gateway without a control connection is none', () => {
  const halves = plugin('halves', ({ bind }) => {
    bind(TOKENS.Tun).toConstantValue(thing('t'));
    bind(TOKENS.GreSocket).toConstantValue(thing('g'));
  });
  expect(() => new Bench().bind(halves)).toThrow(
    'halves cannot be used: none of them binds Control, which a gateway needs',
  );
});

it('several of what may be several are asked in the order of loading', () => {
  const backEnd = (name: string, requires: readonly string[] = []): LoadedPlugin => ({
    ...plugin(name, ({ bind }) => bind(TOKENS.Authenticator).toConstantValue(thing(name))),
    requires,
  });
  const bench = new Bench().bind(backEnd('a', ['b']), backEnd('b'), builtIn(backEnd('file')), devices);
  expect(bench.names(TOKENS.Authenticator)).toEqual(['b', 'a', 'file']);
});
