import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../../config/load.ts';
import { KEYS } from '../../../../config/schema.ts';
import type { GatewayConfig } from '../../../../config/types.ts';
import { liveOptions } from '../../../../gateway/life/gateway-body.ts';

const folder = mkdtempSync(join(tmpdir(), 'pptp-live-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));

const FILTERS = join(folder, 'filters.json');
const ACCESS = join(folder, 'access');
writeFileSync(FILTERS, '{"office": {"default": "deny"}}');
writeFileSync(ACCESS, 'deny 203.0.113.7\n');

type Given = string | { readonly value: string; readonly besides: Readonly<Record<string, string>> };

/** A value that is not the default, of every key that says that it is live. */
const OTHERS: Readonly<Record<string, Given>> = {
  hostName: 'another',
  vendor: 'another',
  'calls.acceptIncoming': 'true',
  'gre.windowQueue': { value: '77', besides: { PPTP_GRE_WINDOW: 'on' } },
  'gre.windowMaxTimeoutMs': { value: '7700', besides: { PPTP_GRE_WINDOW: 'on' } },
  'auth.methods': 'ms-chap-v2,ms-chap-v1',
  'mppe.strengths': '128,56',
  'mppe.stateful': 'allow',
  'pool.dns': '192.0.2.1',
  'pool.wins': '192.0.2.1',
  'filters.file': FILTERS,
  'edge.maxUnauthenticated': '77',
  'edge.maxUnauthenticatedPerAddress': '77',
  'edge.connectRatePerAddress': '77',
  'edge.idleTimeout': '77',
  'edge.allowFrom': '192.0.2.0/24',
  'edge.denyFrom': '192.0.2.0/24',
  'edge.accessFile': ACCESS,
};

/** Live keys that are asked for where they are used, of the configuration that is in force. */
const ASKED: Readonly<Record<string, (config: GatewayConfig) => unknown>> = {
  'drain.timeout': ({ drain }) => drain.timeout,
  'log.level': ({ log }) => log.level,
  'admin.token': ({ admin }) => admin.token,
  'admin.operateToken': ({ admin }) => admin.operateToken,
  'admin.readToken': ({ admin }) => admin.readToken,
  'admin.traceLink': ({ admin }) => admin.traceLink,
  'capture.decrypted': ({ capture }) => capture.decrypted,
};

const optionsOf = (env: Readonly<Record<string, string>>): string =>
  JSON.stringify(liveOptions(loadConfig({ env }).config), (_, value: unknown) =>
    value instanceof Map ? [...value] : value,
  );

describe('keys that a running gateway can be given another value of', () => {
  it.each(
    KEYS.filter(({ path, reload = false }) => reload && ASKED[path] === undefined).map(
      (key) => [key.path, key] as const,
    ),
  )('%s is one of the options that come into force', (path, { env, default: usual }) => {
    const other = OTHERS[path] ?? (typeof usual === 'number' ? String(usual === 60 ? 61 : 60) : 'missing');
    const { value, besides } = typeof other === 'string' ? { value: other, besides: {} } : other;
    expect(optionsOf({ ...besides, [env]: value })).not.toBe(optionsOf(besides));
  });

  it('are all known here', () => {
    const live = new Set(KEYS.flatMap(({ path, reload = false }) => (reload ? [path] : [])));
    expect([...Object.keys(OTHERS), ...Object.keys(ASKED)].filter((path) => !live.has(path))).toEqual([]);
  });
});
