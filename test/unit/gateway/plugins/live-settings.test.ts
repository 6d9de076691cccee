import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../../config/problems.ts';
import type { LiveOptions } from '../../../../core/ports/live-options.ts';
import { type GatewayPlugin, PLUGIN_API } from '../../../../core/ports/plugin.ts';
import * as kinds from '../../../../core/ports/setting-kinds.ts';
import { withGiven } from '../../../../gateway/plugin-loader.ts';
import { pluginOf } from '../../../../gateway/plugins/import-plugins.ts';
import { prepareSettings } from '../../../../gateway/plugins/live-settings.ts';
import { GIVEN } from '../../../../gateway/plugins/plugin-source.ts';
import { MemoryLog } from '../../../support/memory-log.ts';
import { MemoryTelemetry } from '../../../support/memory-telemetry.ts';

interface AcmeOptions {
  readonly url: string;
  readonly hosts: readonly string[];
  readonly key: string;
  readonly port: number;
}

/** One that is loaded with what it was given; `live` is what its `register` got. */
const acme = (
  name: string,
  given: Readonly<Record<string, unknown>> = {},
  onChange?: (now: AcmeOptions) => unknown,
) => {
  const got: { live?: LiveOptions<AcmeOptions> } = {};
  const plugin: GatewayPlugin<AcmeOptions> = {
    name,
    api: PLUGIN_API,
    settings: {
      url: { kind: kinds.text(), doc: 'Where.', default: 'http://one', live: true },
      hosts: {
        kind: kinds.list(kinds.text()),
        doc: 'Who.',
        default: [],
        live: true,
        liveFor: (from, to) => (from.length === 0) === (to.length === 0),
      },
      key: { kind: kinds.text(), doc: 'What opens it.', default: 'first', secret: true, live: true },
      port: { kind: kinds.integer(1, 99), doc: 'Bound once.', default: 1 },
    },
    check: ({ url, port, key }) => (url === 'http://no' && port === 1 ? [`no with port 1 and ${key}`] : []),
    register: (_bindings, _options, live) => {
      got.live = live;
      if (onChange !== undefined) live.onChange((now) => void onChange(now));
    },
  };
  const loaded = withGiven(pluginOf({ default: plugin }, name, GIVEN), given);
  const bind = (): never => expect.fail('it binds nothing');
  loaded.register({ bind, isBound: () => false });
  const current = (): AcmeOptions => got.live?.current ?? expect.fail('it was not registered');
  return { loaded, current };
};

const bench = () => {
  const log = new MemoryLog();
  const telemetry = new MemoryTelemetry();
  const prepare = (
    plugins: readonly ReturnType<typeof acme>[],
    given: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) =>
    prepareSettings(
      plugins.map(({ loaded }) => loaded),
      given,
      { log, telemetry },
    );
  return { log, telemetry, prepare };
};

describe('settings of plug-ins that a reload gives', () => {
  it('come into force where they are live, and nothing changes before', () => {
    const { prepare } = bench();
    const told: AcmeOptions[] = [];
    const one = acme('acme', { port: '2' }, (now) => told.push(now));
    const before = one.current();
    const commit = prepare([one], { acme: { url: 'http://two', port: '7' } });
    expect([one.current(), told]).toEqual([before, []]);
    commit();
    expect(one.current()).toEqual({ url: 'http://two', hosts: [], key: 'first', port: 2 });
    expect(told).toEqual([one.current()]);
    // What did not change is the same object.
    expect(one.current().hosts).toBe(before.hosts);
  });

  it('go back to the default when nobody gives them any more', () => {
    const { prepare } = bench();
    const one = acme('acme', { url: 'http://two' });
    prepare([one], {})();
    expect(one.current().url).toBe('http://one');
  });

  it('tell nobody where nothing is different', () => {
    const { prepare } = bench();
    const one = acme('acme', { url: 'http://two' }, () => expect.fail('it was told'));
    const before = one.current();
    prepare([one], { acme: { url: 'http://two', port: '7' } })();
    expect(one.current()).toBe(before);
  });

  it('stay where a change of theirs needs a restart', () => {
    const { prepare } = bench();
    const one = acme('acme', { hosts: 'a' });
    prepare([one], { acme: { hosts: 'a,b' } })();
    expect(one.current().hosts).toEqual(['a', 'b']);
    prepare([one], { acme: { hosts: [] } })();
    expect(one.current().hosts).toEqual(['a', 'b']);
  });

  it('are refused for all plug-ins where one refuses, with what each says and no secret', () => {
    const { prepare } = bench();
    const [one, two, three] = [acme('one'), acme('two', { key: 'hunter2' }), acme('three')];
    const before = [one, two, three].map(({ current }) => current());
    let refusal: unknown;
    try {
      prepare([one, two, three], {
        one: { url: 'http://fine' },
        two: { url: 'http://no', key: 'hunter2' },
        three: { url: '' },
      });
    } catch (cause) {
      refusal = cause;
    }
    expect(refusal).toBeInstanceOf(ConfigError);
    const text = String(refusal);
    expect(text).toContain('no with port 1 and [secret]');
    expect(text).toContain('pluginOptions.three.url');
    expect(text).not.toContain('hunter2');
    expect([one, two, three].map(({ current }) => current())).toEqual(before);
  });

  it('are checked with the old values of what needs a restart', () => {
    const { prepare } = bench();
    expect(() => prepare([acme('acme')], { acme: { url: 'http://no', port: '2' } })).toThrow(/no with port 1/);
  });

  it('reach every listener, whatever one of them throws, and the log names the plug-in without its words', async () => {
    const { prepare, log, telemetry } = bench();
    const told: string[] = [];
    const bad = acme('bad', {}, () => {
      throw new TypeError('the key is hunter2');
    });
    const late = acme('late', {}, ({ url }) => told.push(url));
    prepare([bad, late], { bad: { url: 'http://two' }, late: { url: 'http://two' } })();
    expect([told, bad.current().url]).toEqual([['http://two'], 'http://two']);
    const line = log.lines.find(({ event }) => event === 'plugin.settings-failed');
    expect(line).toMatchObject({ level: 'error', fields: { plugin: 'bad', type: 'TypeError' } });
    expect(JSON.stringify(log.lines)).not.toContain('hunter2');
    expect(telemetry.events).toMatchObject([{ name: 'plugin.failed' }]);
  });
});

describe('a listener that is async', () => {
  it('is told of in the log when it rejects, and ends nothing', async () => {
    const { PluginOptions } = await import('../../../../gateway/plugins/plugin-options.ts');
    const options = new PluginOptions({ url: 'one' });
    options.onChange(async () => {
      throw new Error('later');
    });
    const failed: unknown[] = [];
    options.set({ url: 'two' }, (cause) => failed.push(cause));
    await new Promise((resolve) => setImmediate(resolve));
    expect([options.current, failed]).toEqual([{ url: 'two' }, [new Error('later')]]);
  });
});

describe('a plug-in that says "live"', () => {
  const setting = { kind: kinds.text(), doc: 'Where.', default: 'x', live: true };
  const refusal = (plugin: object): string => {
    try {
      pluginOf({ default: { name: 'acme', api: PLUGIN_API, ...plugin } }, 'acme', GIVEN);
      return 'none';
    } catch (cause) {
      return String(cause);
    }
  };

  it('and takes no third argument is told what to do', () => {
    const text = refusal({
      settings: { url: setting, key: setting },
      register: (_: unknown, __: unknown) => undefined,
    });
    expect(text).toMatch(/"url", "key" say "live: true", but "register" does not take the third argument/);
  });

  it('and takes it is one', () => {
    expect(refusal({ settings: { url: setting }, register: (_: unknown, __: unknown, ___: unknown) => 0 })).toBe(
      'none',
    );
    expect(refusal({ settings: { url: { ...setting, live: false } }, register: () => 0 })).toBe('none');
  });

  it('in other words than true and false is none', () => {
    expect(refusal({ settings: { url: { ...setting, live: 'yes' } }, register: () => 0 })).toMatch(/"live" of "url"/);
    const odd = { ...setting, liveFor: true };
    expect(refusal({ settings: { url: odd }, register: (_: unknown, __: unknown, ___: unknown) => 0 })).toMatch(
      /"liveFor" of "url"/,
    );
  });
});
