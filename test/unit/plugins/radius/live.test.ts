import { describe, expect, it } from 'vitest';
import { parseSettings } from '../../../../config/plugin-settings.ts';
import type { Setting } from '../../../../core/ports/settings.ts';
import { LiveValue } from '../../../../gateway/life/live-value.ts';
import { coaRules } from '../../../../plugins/radius/bind-accounting.ts';
import { authRules } from '../../../../plugins/radius/bind-auth.ts';
import { type RadiusOptions, radiusPlugin } from '../../../../plugins/radius/plugin.ts';
import { accountingServers, clientOptions } from '../../../../plugins/radius/settings.ts';

const settings: Readonly<Record<string, Setting<unknown>>> = radiusPlugin.settings ?? {};
const START = { servers: '192.0.2.1', sharedSecret: 'first', coaClients: '192.0.2.9' };

/** A value that is another one than that of the start. */
const OTHERS: Readonly<Record<string, string>> = {
  servers: '192.0.2.2',
  accountingServers: '192.0.2.3',
  sharedSecret: 'second',
  timeout: '7',
  tries: '7',
  deadTime: '7',
  maxRequests: '7',
  maxWaiting: '7',
  bindAddress: '192.0.2.7',
  requireMessageAuthenticator: 'false',
  methods: 'pap',
  stripDomain: 'true',
  onReject: 'next',
  coaClients: '192.0.2.10',
  coaSecret: 'third',
  coaRequireMessageAuthenticator: 'true',
  coaRequireTimestamp: 'true',
};

const optionsOf = (given: Readonly<Record<string, string>>): RadiusOptions => {
  const { options, problems } = parseSettings({ plugin: 'radius', from: 'it', settings }, given);
  expect(problems).toEqual([]);
  return { ...(options as unknown as RadiusOptions) };
};

describe('live settings of radius', () => {
  const live = new LiveValue(optionsOf(START));
  const [auth, coa] = [authRules(live), coaRules(live)];
  /** What clients, the back-end and CoA look at. */
  const seen = (given: Readonly<Record<string, string>>): string => {
    const options = optionsOf(given);
    live.set(options);
    return JSON.stringify([
      clientOptions('authentication', options.servers, options),
      clientOptions('accounting', accountingServers(options), options),
      { ...auth },
      { ...coa },
    ]);
  };

  it('are those', () => {
    const marked = Object.entries(settings).flatMap(([name, setting]) => (setting.live === true ? [name] : []));
    expect(marked.toSorted()).toEqual(Object.keys(OTHERS).toSorted());
  });

  it.each(Object.entries(OTHERS))('%s changes something', (name, value) => {
    expect(seen({ ...START, [name]: value })).not.toBe(seen(START));
  });

  it.each(['servers', 'methods', 'coaClients'])('%s does not go between none and some', (name) => {
    const setting = settings[name];
    expect([setting?.liveFor?.([], ['x']), setting?.liveFor?.(['x'], []), setting?.liveFor?.(['x'], ['y'])]).toEqual([
      false,
      false,
      true,
    ]);
  });
});
