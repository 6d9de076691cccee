import { fileURLToPath } from 'node:url';
import { type EapTlsOptions, NodeTlsEngine, TlsFiles } from '../../plugins/auth-eap-tls/index.ts';

/** Who test/vectors/eap-tls has certificates for; see make.sh there. */
export type TestCertificate = 'server' | 'bare' | 'alice' | 'revoked' | 'expired' | 'stranger';

/** A file of test/vectors/eap-tls. */
export const tlsVector = (name: string): string =>
  fileURLToPath(new URL(`../vectors/eap-tls/${name}`, import.meta.url));

export const tlsOptions = (certificate: TestCertificate, changes: Partial<EapTlsOptions> = {}): EapTlsOptions => ({
  cert: tlsVector(`${certificate}.pem`),
  key: tlsVector(`${certificate}.key`),
  ca: tlsVector('ca.pem'),
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ...changes,
});

export const tlsEngine = (certificate: TestCertificate, changes: Partial<EapTlsOptions> = {}): NodeTlsEngine => {
  const options = tlsOptions(certificate, changes);
  return new NodeTlsEngine(new TlsFiles(options), options.serverName);
};
