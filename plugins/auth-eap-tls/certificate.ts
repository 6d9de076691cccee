import type { PeerCertificate } from 'node:tls';
import { printable } from '../../core/bytes/ascii.ts';
import type { AuthDenial } from '../../core/ports/auth.ts';
import type { TlsCertificate } from '../../core/ports/tls-engine.ts';

/** Undefined when the other side sent none. */
export const readCertificate = (certificate: PeerCertificate | undefined): TlsCertificate | undefined => {
  if (certificate?.raw === undefined) return undefined;
  const subject = Object.entries(certificate.subject ?? {}).flatMap(([field, value]) =>
    texts(value).map((text) => `${field}=${text}`),
  );
  return {
    subject: printable(subject.join(',')),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    names: [...texts(certificate.subject?.CN), ...alternativeNames(certificate.subjectaltname ?? '')],
  };
};

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

/** Whether the authority says that it is a server's (RFC 5280 section 4.2.1.12); one that names no purpose does not say so. */
export const isForServers = ({ ext_key_usage: purposes }: PeerCertificate): boolean =>
  purposes?.includes(SERVER_AUTH) === true;

/** A field that occurs more than once is an array, whatever the types say. */
const texts = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((one): one is string => typeof one === 'string' && one !== '');

/** Node quotes what could be mistaken for another entry; such names are nobody's and left out. */
const alternativeNames = (text: string): string[] =>
  text.split(', ').flatMap((entry) => {
    const [, name] = /^(?:email|DNS|othername:\s?(?:UPN|msUPN):):?([^"\s]+)$/.exec(entry) ?? [];
    return name === undefined || name.startsWith('<') ? [] : [name];
  });

interface Refusal {
  readonly denial: AuthDenial;
  readonly reason: string;
}

const REFUSALS = new Map<string, Refusal>([
  ['CERT_HAS_EXPIRED', { denial: 'expired', reason: 'the certificate has expired' }],
  [
    'CERT_NOT_YET_VALID',
    { denial: 'bad-credentials', reason: 'the certificate is not valid yet: is the clock right?' },
  ],
  ['CERT_REVOKED', { denial: 'locked', reason: 'the certificate has been revoked' }],
  ['CRL_HAS_EXPIRED', { denial: 'unavailable', reason: 'our revocation list is out of date: renew PPTP_EAP_TLS_CRL' }],
  ['UNABLE_TO_GET_CRL', { denial: 'unavailable', reason: 'PPTP_EAP_TLS_CRL lacks the list of the authority' }],
  ['INVALID_PURPOSE', { denial: 'bad-credentials', reason: 'the certificate is for another purpose' }],
]);

/** Why OpenSSL refused a certificate; `code` is its verify error. */
export const certificateRefusal = (code: string): Refusal =>
  REFUSALS.get(code) ?? {
    denial: 'bad-credentials',
    reason: `the certificate is not of an authority in PPTP_EAP_TLS_CA (${printable(code, 60)})`,
  };
