import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { effectiveLines } from '../../../config/describe.ts';
import { loadConfig } from '../../../config/load.ts';

const folder = mkdtempSync(join(tmpdir(), 'pptp-tokens-'));
afterAll(() => rmSync(folder, { recursive: true }));

const TOKEN = 'wonderland-16-oct';
const load = (env: Readonly<Record<string, string>>) => loadConfig({ env });

describe('the listener of the admin API', () => {
  it('is on the host alone unless the operator says otherwise', () => {
    expect(load({}).config.admin).toMatchObject({ address: '127.0.0.1', port: 8723, token: '' });
    expect(load({ PPTP_ADMIN_PORT: '0' }).config.admin.port).toBe(0);
  });

  it.each(['short', 'fifteen-octets.', 'one with spaces in it', 'wörterbuch-wörterbuch'])(
    'takes no token such as %j, and does not repeat it',
    (token) => {
      expect(() => load({ PPTP_ADMIN_TOKEN: token })).toThrow(/PPTP_ADMIN_TOKEN.*16/s);
      expect(() => load({ PPTP_ADMIN_TOKEN: token })).not.toThrow(new RegExp(token));
    },
  );

  it('reads tokens from files, and shows them nowhere', () => {
    const file = join(folder, 'token');
    writeFileSync(file, `${TOKEN}\n`);
    const loaded = load({ PPTP_ADMIN_READ_TOKEN_FILE: file });
    expect(loaded.config.admin.readToken).toBe(TOKEN);
    expect(JSON.stringify(effectiveLines(loaded))).not.toContain(TOKEN);
  });

  it('wants a token of its own for each role', () => {
    const env = { PPTP_ADMIN_TOKEN: TOKEN, PPTP_ADMIN_READ_TOKEN: TOKEN };
    expect(() => load(env)).toThrow(/admin\.readToken.*must not be the same as admin\.token/s);
    expect(() => load(env)).not.toThrow(new RegExp(TOKEN));
  });

  it('wants both files for TLS', () => {
    expect(() => load({ PPTP_ADMIN_TLS_CERT: '/etc/cert.pem' })).toThrow(/admin\.tlsKey.*admin\.tlsCert does/s);
    expect(() => load({ PPTP_ADMIN_TLS_KEY: '/etc/key.pem' })).toThrow(/admin\.tlsCert.*admin\.tlsKey does/s);
  });

  it('warns when tokens can be read on the way, and of what has no effect', () => {
    const tls = { PPTP_ADMIN_TLS_CERT: '/etc/cert.pem', PPTP_ADMIN_TLS_KEY: '/etc/key.pem' };
    expect(load({ PPTP_ADMIN_ADDRESS: '0.0.0.0' }).warnings).toEqual([expect.stringContaining('PPTP_ADMIN_TLS_CERT')]);
    expect(load({ PPTP_ADMIN_ADDRESS: '0.0.0.0', ...tls }).warnings).toEqual([]);
    expect(load({ PPTP_ADMIN_ADDRESS: '::1' }).warnings).toEqual([]);
    expect(load({ PPTP_ADMIN_PORT: '0', PPTP_ADMIN_TOKEN: TOKEN }).warnings).toEqual([
      expect.stringContaining('admin.port is 0'),
    ]);
  });
});
