import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../../config/load.ts';
import { ConfigError } from '../../../../config/problems.ts';
import { ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import { type Lock, lockFits } from '../../../../core/ports/locks.ts';
import { definePlugin, PLUGIN_API } from '../../../../core/ports/plugin.ts';
import { TOKENS } from '../../../../core/tokens.ts';
import type { ConfigLine, PluginLine } from '../../../../gateway/admin/api/operations.ts';
import type { SessionDetail, SessionsPage } from '../../../../gateway/admin/api/sessions.ts';
import { adminRequest } from '../../../../gateway/admin/client.ts';
import { configLines } from '../../../../gateway/admin/routes/config.ts';
import { withOptions } from '../../../../gateway/plugin-loader.ts';
import { loadConfigWithPlugins } from '../../../../gateway/plugins/configure.ts';
import { type AdminRig, adminRig } from '../../../support/admin-rig.ts';
import { GatewayLab } from '../../../support/gateway-lab.ts';
import { testLife } from '../../../support/life.ts';

/** Without it no session can have a rate. */
const rates = withOptions(
  definePlugin({
    name: 'rates',
    api: PLUGIN_API,
    register: ({ bind }) => {
      bind(TOKENS.TrafficNeed).toConstantValue('rates');
    },
  }),
  undefined,
);

let lab: GatewayLab;
let rig: AdminRig;
beforeEach(async () => {
  lab = await GatewayLab.start({ plugins: [rates] });
  rig = await adminRig({ gateway: lab.gateway, clock: lab.clock });
});
afterEach(() => rig.stop());

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
const ask = async <T>(method: Method, path: string, body?: unknown, socket = rig.socket): Promise<T> => {
  const reply = await adminRequest(socket, { method, path, ...(body === undefined ? {} : { body }) });
  return reply.json<T>();
};

it('a rate of one direction is changed and the other stays', async () => {
  await lab.connect();
  const { sessions } = await ask<SessionsPage>('GET', '/v1/sessions');
  const path = `/v1/sessions/${sessions[0]?.id}`;
  const profile = async (body: object) => (await ask<SessionDetail>('PATCH', path, body)).profile;
  expect(await profile({ rateUp: 1_000_000, rateDown: 5_000_000 })).toMatchObject({
    rateUp: 1_000_000,
    rateDown: 5_000_000,
  });
  expect(await profile({ rateDown: 2_000_000 })).toMatchObject({ rateUp: 1_000_000, rateDown: 2_000_000 });
  expect(await profile({ rateUp: null, quotaOctets: 1_000 })).toMatchObject({
    rateUp: null,
    rateDown: 2_000_000,
    quotaOctets: 1_000,
  });
  expect(await profile({ rateDown: null })).toMatchObject({ rateUp: null, rateDown: null, quotaOctets: 1_000 });
});

it('plug-ins are listed with what they bring', async () => {
  const { plugins } = await ask<{ readonly plugins: readonly PluginLine[] }>('GET', '/v1/plugins');
  expect(plugins).toContainEqual({ name: 'rates', source: 'given', binds: ['TrafficNeed'] });
  expect(plugins).toContainEqual({ name: 'auth-pap', source: 'built-in', binds: ['AuthMethod'] });
});

it('the configuration has every setting with its origin, and no secret', async () => {
  const loaded = loadConfig({ env: { PPTP_PORT: '1724', PPTP_TELEMETRY_HASH_KEY: 'wonderland' } });
  const lines = configLines(loaded);
  expect(lines).toContainEqual({
    key: 'listen.port',
    env: 'PPTP_PORT',
    value: '1724',
    origin: expect.stringContaining('PPTP_PORT'),
    reload: false,
  });
  expect(lines.find(({ key }) => key === 'admin.traceLink')).toMatchObject({ env: 'PPTP_TRACE_LINK', reload: true });
  expect(JSON.stringify(lines)).not.toContain('wonderland');
  const shown = await ask<{ readonly config: readonly ConfigLine[] }>('GET', '/v1/config');
  expect(shown.config).toEqual(configLines(rig.deps.life.config()));
});

it('the configuration says of settings of plug-ins, too, whether a reload changes them', async () => {
  const env = { PPTP_PLUGINS: 'policy-sessions,policy-access', PPTP_POLICY_ACCESS_FILE: '/etc/access.yaml' };
  const lines = configLines(await loadConfigWithPlugins({ env }));
  expect(lines.filter(({ reload, key }) => reload && key.startsWith('pluginOptions.')).map(({ key }) => key)).toEqual([
    'pluginOptions.policy-sessions.limit',
    'pluginOptions.policy-sessions.onLimit',
    'pluginOptions.policy-sessions.users',
  ]);
});

describe('locks', () => {
  const until = Date.UTC(2030, 0, 1);
  const [source, other] = [ipv4(0xcb007101), ipv4(0xcb007102)];
  let locks: Lock[];
  let own: AdminRig;
  beforeEach(async () => {
    locks = [
      { what: 'user-and-source', user: 'alice', source, until },
      { what: 'source', source: other, until },
    ];
    const book = {
      list: () => locks,
      clear: (query: Parameters<typeof lockFits>[1]) => {
        const before = locks.length;
        locks = locks.filter((lock) => !lockFits(lock, query));
        return before - locks.length;
      },
    };
    own = await adminRig({ gateway: { ...lab.gateway, locks: book }, clock: lab.clock });
  });
  afterEach(() => own.stop());

  it('are listed and cleared', async () => {
    const iso = '2030-01-01T00:00:00.000Z';
    expect(await ask('GET', '/v1/locks', undefined, own.socket)).toEqual({
      locks: [
        { what: 'user-and-source', user: 'alice', source: '203.0.113.1', until: iso },
        { what: 'source', user: null, source: '203.0.113.2', until: iso },
      ],
    });
    expect(await ask('DELETE', '/v1/locks?source=203.0.113.2', undefined, own.socket)).toEqual({ cleared: 1 });
    expect(await ask('DELETE', '/v1/locks?user=bob', undefined, own.socket)).toEqual({ cleared: 0 });
    expect(await ask('DELETE', '/v1/locks', undefined, own.socket)).toEqual({ cleared: 1 });
    const entries = await own.deps.audit.read({ limit: 3 });
    expect(entries.map(({ action, target }) => [action, target])).toEqual([
      ['lock.clear', {}],
      ['lock.clear', { user: 'bob' }],
      ['lock.clear', { source: '203.0.113.2' }],
    ]);
  });
});

describe('life', () => {
  it('is drained and goes on', async () => {
    await lab.connect();
    expect(await ask('GET', '/v1/life')).toMatchObject({ phase: 'ready', sessions: 1, deadline: null });
    const drained = await ask<{ readonly deadline: string }>('POST', '/v1/drain', { seconds: 300 });
    expect(drained).toMatchObject({ phase: 'draining', thenStop: false, deadline: expect.any(String) });
    expect(await ask('GET', '/v1/gateway')).toMatchObject({
      phase: 'draining',
      deadline: drained.deadline,
      role: 'admin',
      traceLink: null,
    });
    expect(await ask('DELETE', '/v1/drain')).toMatchObject({ phase: 'ready', deadline: null });
    for (const body of [
      { seconds: -1 },
      { seconds: null },
      { seconds: true },
      { seconds: '300' },
      { stop: null },
      [],
    ]) {
      await expect(ask('POST', '/v1/drain', body)).rejects.toMatchObject({ status: 400 });
    }
    expect(await ask('GET', '/v1/life')).toMatchObject({ phase: 'ready' });
  });

  it('a configuration with mistakes is refused part by part', async () => {
    const life = testLife({
      clock: lab.clock,
      reload: () => Promise.reject(new ConfigError([{ key: 'ppp.mru', message: 'must be a whole number.' }])),
    });
    const own = await adminRig({ gateway: lab.gateway, clock: lab.clock, deps: { life } });
    await expect(ask('POST', '/v1/reload', undefined, own.socket)).rejects.toMatchObject({
      status: 409,
      cause: 'CONFIG_INVALID',
      parts: [{ path: 'ppp.mru', message: 'must be a whole number.' }],
    });
    await own.stop();
    expect(await ask('POST', '/v1/reload')).toEqual({ changed: [], needRestart: [], warnings: [] });
  });
});
