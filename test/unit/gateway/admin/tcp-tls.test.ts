import { copyFileSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TlsSource } from '../../../../gateway/admin/tls-files.ts';
import { adminRig, RIG_TOKENS } from '../../../support/admin-rig.ts';
import { tlsVector } from '../../../support/eap-tls-files.ts';
import { sendRaw, talk } from '../../../support/http-talk.ts';
import { portOf, TcpAdminBench } from '../../../support/tcp-admin-bench.ts';

const { read } = RIG_TOKENS;

let bench: TcpAdminBench;
beforeEach(() => {
  bench = new TcpAdminBench();
});
afterEach(() => bench.stop());

describe('TLS', () => {
  const ca = readFileSync(tlsVector('ca.pem'), 'utf8');
  const tls = { cert: tlsVector('server.pem'), key: tlsVector('server.key') };

  it('carries the same API, from version 1.2 on', async () => {
    const rig = await bench.make({ tcp: { tls } });
    expect((await talk(rig.url, '/v1/gateway', { token: read, ca })).status).toBe(200);
    const old = connectTls({
      port: portOf(rig),
      host: '127.0.0.1',
      ca,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    expect(
      await new Promise((resolve) =>
        old.once('error', () => resolve('refused')).once('secureConnect', () => resolve('taken')),
      ),
    ).toBe('refused');
    expect(await sendRaw(portOf(rig), 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n')).not.toContain('alive');
    expect((await talk(rig.url, '/healthz', { ca })).status).toBe(200);
  });

  it.each([
    ['cannot be read', { cert: '/nowhere/cert.pem', key: tls.key }],
    ['do not belong together', { cert: tls.cert, key: tlsVector('alice.key') }],
  ])('with files that %s says what to do', async (_what, files) => {
    const failed = adminRig({ gateway: bench.lab.gateway, clock: bench.lab.clock, tcp: { tls: files } });
    await expect(failed).rejects.toMatchObject({
      code: 'ADMIN_LISTEN',
      message: expect.stringContaining('PPTP_ADMIN_TLS_CERT'),
    });
  });

  it('takes files that have been replaced, and keeps what it has when they are of no use', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pptp-tls-'));
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    const put = (name: string, at: number): void => {
      copyFileSync(tlsVector(`${name}.pem`), files.cert);
      copyFileSync(tlsVector(`${name}.key`), files.key);
      utimesSync(files.cert, at, at);
    };
    let now = 0;
    put('server', 1);
    const source = new TlsSource(files, () => now);
    const first = await source.load();
    now += 5000;
    expect(await source.renewed()).toBeUndefined();
    put('bare', 2);
    expect(await source.renewed()).toBeUndefined();
    now += 5000;
    const second = await source.renewed();
    expect(second?.cert.equals(first.cert)).toBe(false);
    writeFileSync(files.key, 'half of a k');
    now += 5000;
    await expect(source.renewed()).rejects.toThrow();
    rmSync(folder, { recursive: true });
  });
});
