import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { GatewayError } from '../../core/errors.ts';
import type { TlsMaterial } from './http-post.ts';
import type { WebhookOptions } from './options.ts';

export type TlsFiles = Pick<WebhookOptions, 'caFile' | 'certFile' | 'keyFile'>;

const read = async (setting: string, path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new GatewayError('PLUGIN_INVALID', `webhook: the file ${path} (${setting}) cannot be read`, { cause });
  }
};

/** Throws PLUGIN_INVALID with what to do. */
export const readTlsFiles = async (files: TlsFiles): Promise<TlsMaterial> => {
  const { caFile, certFile, keyFile } = files;
  const material = {
    ...(caFile === undefined ? {} : { ca: await read('PPTP_WEBHOOK_CA_FILE', caFile) }),
    ...(certFile === undefined ? {} : { cert: await read('PPTP_WEBHOOK_CERT_FILE', certFile) }),
    ...(keyFile === undefined ? {} : { key: await read('PPTP_WEBHOOK_KEY_FILE', keyFile) }),
  };
  try {
    createSecureContext(material);
  } catch (cause) {
    throw new GatewayError(
      'PLUGIN_INVALID',
      'webhook: PPTP_WEBHOOK_CA_FILE, PPTP_WEBHOOK_CERT_FILE or PPTP_WEBHOOK_KEY_FILE is not what its name says, ' +
        'or the key is not that of the certificate (all are PEM files)',
      { cause },
    );
  }
  return material;
};
