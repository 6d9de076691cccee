import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../../config/problems.ts';
import type { LiveOptions } from '../../../../core/ports/live-options.ts';
import { type GatewayPlugin, PLUGIN_API } from '../../../../core/ports/plugin.ts';
import * as kinds from '../../../../core/ports/setting-kinds.ts';
import { withGiven } from '../../../../gateway/plugin-loader.ts';
import { pluginOf } from '../../../../gateway/plugins/import-plugins.ts';
import { prepareSettings } from '../../../../gateway/plugins/live-settings.ts';
import { GIVEN } from '../../../../gateway/plugins/plugin-source.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
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
  checkHere?: GatewayPlugin<AcmeOptions>['checkHere'],
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
    ...(checkHere && { checkHere }),
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
  const clock = new ManualClock();
  const prepare = (
    plugins: readonly ReturnType<typeof acme>[],
    given: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) =>
    prepareSettings(
      plugins.map(({ loaded }) => loaded),
      given,
      { log, telemetry, clock },
    );
  return { log, telemetry, clock, prepare };
};

describe('settings of plug-ins that a reload gives', () => {
  it('come into force where they are live, and nothing changes before', async () => {
    const { prepare } = bench();
    const told: AcmeOptions[] = [];
    const one = acme('acme', { port: '2' }, (now) => told.push(now));
    const before = one.current();
    const commit = await prepare([one], { acme: { url: 'http://two', port: '7' } });
    expect([one.current(), told]).toEqual([before, []]);
    commit();
    expect(one.current()).toEqual({ url: 'http://two', hosts: [], key: 'first', port: 2 });
    expect(told).toEqual([one.current()]);
    // What did not change is the same object.
    expect(one.current().hosts).toBe(before.hosts);
  });

  it('go back to the default when nobody gives them any more', async () => {
    const { prepare } = bench();
    const one = acme('acme', { url: 'http://two' });
    (await prepare([one], {}))();
    expect(one.current().url).toBe('http://one');
  });

  it('tell nobody where nothing is different', async () => {
    const { prepare } = bench();
    const one = acme('acme', { url: 'http://two' }, () => expect.fail('it was told'));
    const before = one.current();
    (await prepare([one], { acme: { url: 'http://two', port: '7' } }))();
    expect(one.current()).toBe(before);
  });

  it('stay where a change of theirs needs a restart', async () => {
    const { prepare } = bench();
    const one = acme('acme', { hosts: 'a' });
    (await prepare([one], { acme: { hosts: 'a,b' } }))();
    expect(one.current().hosts).toEqual(['a', 'b']);
    (await prepare([one], { acme: { hosts: [] } }))();
    expect(one.current().hosts).toEqual(['a', 'b']);
  });

  it('are refused for all plug-ins where one refuses, with what each says and no secret', async () => {
    const { prepare } = bench();
    const [one, two, three] = [acme('one'), acme('two', { key: 'hunter2' }), acme('three')];
    const before = [one, two, three].map(({ current }) => current());
    let refusal: unknown;
    try {
      await prepare([one, two, three], {
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

  it('are checked with the old values of what needs a restart', async () => {
    const { prepare } = bench();
    await expect(prepare([acme('acme')], { acme: { url: 'http://no', port: '2' } })).rejects.toThrow(/no with port 1/);
  });

  it('are refused for all where this machine is not as one needs it, which is asked when all else is right', async () => {
    const { prepare } = bench();
    const seen: AcmeOptions[] = [];
    const picky = acme('picky', {}, undefined, async (options) => {
      seen.push(options);
      if (options.key === 'hunter2') throw new Error('no hunter2 here');
      return options.url === 'http://two' ? ['there is no two here'] : [];
    });
    const other = acme('other');
    await expect(
      prepare([picky, other], { picky: { url: 'http://two' }, other: { port: '1', url: '' } }),
    ).rejects.toThrow(/^(?!.*no two)/s);
    expect(seen).toEqual([]);
    const before = other.current();
    const refusal = prepare([picky, other], { picky: { url: 'http://two' }, other: { url: 'http://two' } });
    await expect(refusal).rejects.toThrow(/pluginOptions.picky: there is no two here \(the plug-in "picky"/);
    await expect(prepare([picky], { picky: { key: 'hunter2' } })).rejects.toThrow(/failed: no \[secret\] here/);
    expect([other.current(), seen.map(({ url }) => url)]).toEqual([before, ['http://two', 'http://one']]);
    (await prepare([picky, other], { picky: { url: 'http://three' } }))();
    expect(picky.current().url).toBe('http://three');
  });

  it('are refused where a plug-in never says whether its machine is right', async () => {
    const { prepare, clock } = bench();
    const mute = acme('mute', {}, undefined, () => new Promise(() => undefined));
    const refusal = expect(prepare([mute], { mute: { url: 'http://two' } })).rejects.toThrow(/within 3 s/);
    clock.advance(3_000);
    await refusal;
  });

  it('reach every listener, whatever one of them throws, and the log names the plug-in without its words', async () => {
    const { prepare, log, telemetry } = bench();
    const told: string[] = [];
    const bad = acme('bad', {}, () => {
      throw new TypeError('the key is hunter2');
    });
    const late = acme('late', {}, ({ url }) => told.push(url));
    (await prepare([bad, late], { bad: { url: 'http://two' }, late: { url: 'http://two' } }))();
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
