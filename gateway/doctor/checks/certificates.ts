import { type Finding, reporter } from '../finding.ts';

/** What is known of the files of EAP-TLS; undefined where it is not offered. */
export type CertificateFacts =
  | undefined
  | { readonly kind: 'unusable'; readonly message: string }
  /** Milliseconds since 1970. */
  | {
      readonly kind: 'read';
      readonly subject: string;
      readonly from: number;
      readonly to: number;
      readonly now: number;
    };

const { ok, warn, fail } = reporter('certificates');
const MONTH = 30 * 86_400_000;
const day = (time: number): string => new Date(time).toISOString().slice(0, 10);

/** Our certificate of EAP-TLS: there, of the key, and of today. */
export const checkCertificates = (facts: CertificateFacts): readonly Finding[] => {
  if (facts === undefined) return [];
  if (facts.kind === 'unusable') return [fail('EAP-TLS is offered, but its files cannot be used.', facts.message)];
  const { subject, from, to, now } = facts;
  const renew =
    'Put a new certificate and its key into place (PPTP_EAP_TLS_CERT, PPTP_EAP_TLS_KEY); they are read again by themselves.';
  if (now > to) return [fail(`The certificate ${subject} expired on ${day(to)}.`, renew)];
  if (now < from)
    return [
      fail(
        `The certificate ${subject} is valid from ${day(from)} on only.`,
        'Set the clock, or make a certificate that is valid now.',
      ),
    ];
  if (now > to - MONTH) return [warn(`The certificate ${subject} expires on ${day(to)}.`, renew)];
  return [ok(`The certificate ${subject} is valid until ${day(to)}.`)];
};
