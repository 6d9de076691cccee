import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../core/errors.ts';
import { type EapTlsOptions, TlsFiles } from '../../../../plugins/auth-eap-tls/index.ts';
import { tlsOptions, tlsVector } from '../../../support/eap-tls-files.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eap-tls-'));
  await writeFile(join(folder, 'rubbish'), 'rubbish\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const complaint = async (changes: Partial<EapTlsOptions>): Promise<string> => {
  const cause: unknown = await new TlsFiles(tlsOptions('server', changes)).load().catch((error: unknown) => error);
  if (!(cause instanceof GatewayError)) throw new Error('it was taken');
  return `${cause.code}: ${cause.message}`;
};

describe('the files of EAP-TLS', () => {
  it('are read when they are right', async () => {
    const material = await new TlsFiles(tlsOptions('server', { crl: tlsVector('crl.pem') })).load();
    expect(material).toMatchObject({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' });
    expect(material.crl).toContain('X509 CRL');
  });

  it.each(['cert', 'key', 'ca', 'crl'] as const)('a missing %s is named with its setting', async (part) => {
    const setting = `PPTP_EAP_TLS_${part.toUpperCase()}`;
    expect(await complaint({ [part]: '/nowhere/x.pem' })).toBe(
      `EAP_TLS: The file /nowhere/x.pem of ${setting} does not exist. Put it there or change the setting.`,
    );
  });

  it.each(['cert', 'key', 'ca', 'crl'] as const)('a %s that is no PEM is named with its setting', async (part) => {
    const file = join(folder, 'rubbish');
    expect(await complaint({ [part]: file })).toMatch(`EAP_TLS: PPTP_EAP_TLS_${part.toUpperCase()}: ${file} holds no`);
  });

  it('a key of another certificate is refused', async () => {
    expect(await complaint({ key: tlsVector('alice.key') })).toMatch(
      /does not belong to the certificate .*server\.pem/,
    );
  });

  it('are read again when one changed; a change that cannot be used leaves what was', async () => {
    const crl = join(folder, 'crl.pem');
    await copyFile(tlsVector('crl.pem'), crl);
    const files = new TlsFiles(tlsOptions('server', { crl }));
    const first = await files.current();
    expect(await files.current()).toBe(first);
    await writeFile(crl, 'rubbish that is longer than nothing');
    expect(await files.current()).toBe(first);
    await writeFile(crl, `${first.crl ?? ''}\n`);
    expect((await files.current()).crl).toBe(`${first.crl ?? ''}\n`);
  });
});
