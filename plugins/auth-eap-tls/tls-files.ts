import { readFile, stat } from 'node:fs/promises';
import { createSecureContext, type SecureVersion } from 'node:tls';
import { GatewayError } from '../../core/errors.ts';
import { type Log, silentLog } from '../../core/ports/log.ts';

export interface EapTlsOptions {
  /** Our certificate with its intermediate ones, its private key, the authorities that we trust: PEM files. */
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  /** Revocation lists of all these authorities, PEM. */
  readonly crl?: string;
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
  /** Role `peer`: the name that the server's certificate must hold; otherwise the authority alone is trusted. */
  readonly serverName?: string;
}

/** What node:tls needs, as read from the files. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  readonly crl?: string;
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
}

const SETTING = {
  cert: 'PPTP_EAP_TLS_CERT',
  key: 'PPTP_EAP_TLS_KEY',
  ca: 'PPTP_EAP_TLS_CA',
  crl: 'PPTP_EAP_TLS_CRL',
} as const;

type Part = keyof typeof SETTING;

/**
 * The files of EAP-TLS. They are looked at before each handshake and read again when one changed, as revocation lists do;
 * a change that cannot be used keeps what was known so far, and is logged once.
 */
export class TlsFiles {
  private readonly options: EapTlsOptions;
  private readonly log: Log;
  private material: TlsMaterial | undefined;
  private stamp = '';

  constructor(options: EapTlsOptions, log: Log = silentLog) {
    this.options = options;
    this.log = log;
  }

  /** Throws EAP_TLS with what to do. */
  async load(): Promise<TlsMaterial> {
    const { cert, key, ca, crl, minVersion, maxVersion } = this.options;
    const stamp = await this.look();
    const material: TlsMaterial = {
      cert: await read('cert', cert),
      key: await read('key', key),
      ca: await read('ca', ca),
      ...(crl === undefined ? {} : { crl: await read('crl', crl) }),
      minVersion,
      maxVersion,
    };
    check(material, this.options);
    this.material = material;
    this.stamp = stamp;
    return material;
  }

  async current(): Promise<TlsMaterial> {
    const { material } = this;
    if (material === undefined) return this.load();
    const stamp = await this.look();
    if (stamp === this.stamp) return material;
    try {
      const fresh = await this.load();
      this.log.info('eap-tls.reloaded', 'A file of EAP-TLS changed; all of them were read again.');
      return fresh;
    } catch (cause) {
      this.stamp = stamp;
      const why = cause instanceof GatewayError ? cause.message : 'A file of EAP-TLS cannot be read.';
      this.log.error('eap-tls.reload-failed', `${why} What was read before stays in force.`);
      return material;
    }
  }

  private async look(): Promise<string> {
    const { cert, key, ca, crl } = this.options;
    const stamps = [cert, key, ca, ...(crl === undefined ? [] : [crl])].map(async (path) => {
      const seen = await stat(path, { bigint: true }).catch(() => undefined);
      return seen === undefined ? 'missing' : `${seen.ino}:${seen.size}:${seen.mtimeNs}`;
    });
    return (await Promise.all(stamps)).join(' ');
  }
}

const read = async (part: Part, path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    const what = missing ? 'does not exist' : 'cannot be read';
    throw new GatewayError(
      'EAP_TLS',
      `The file ${path} of ${SETTING[part]} ${what}. Put it there or change the setting.`,
      {
        cause,
      },
    );
  }
};

/** Each part alone first, so that the message names the file. */
const check = (material: TlsMaterial, { cert, key, ca, crl }: EapTlsOptions): void => {
  const { minVersion, maxVersion } = material;
  attempt(
    () => createSecureContext({ cert: material.cert }),
    `${SETTING.cert}: ${cert} holds no certificate in PEM form.`,
  );
  attempt(
    () => createSecureContext({ key: material.key }),
    `${SETTING.key}: ${key} holds no private key in PEM form that opens without a passphrase.`,
  );
  attempt(() => {
    if (!material.ca.includes('-----BEGIN')) throw new Error('no PEM');
    createSecureContext({ ca: material.ca });
  }, `${SETTING.ca}: ${ca} holds no certificate in PEM form.`);
  const revoked = material.crl;
  if (revoked !== undefined) {
    attempt(
      () => createSecureContext({ crl: revoked }),
      `${SETTING.crl}: ${crl} holds no revocation list in PEM form.`,
    );
  }
  attempt(
    () => createSecureContext({ ...material, minVersion, maxVersion }),
    `The key ${key} does not belong to the certificate ${cert}. Set ${SETTING.key} and ${SETTING.cert} to a pair.`,
  );
};

const attempt = (work: () => unknown, message: string): void => {
  try {
    work();
  } catch (cause) {
    throw new GatewayError('EAP_TLS', message, { cause });
  }
};
