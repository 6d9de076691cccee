import { kinds, type Settings } from 'pptp-gateway/core';

/** In the environment these are PPTP_ACME_WEBHOOK_URL, PPTP_ACME_WEBHOOK_SECRET and so on. */
export interface AcmeOptions {
  readonly url: string;
  readonly secret: string;
  readonly timeoutSeconds: number;
  readonly cacheSeconds: number;
}

const url = kinds.custom('an https URL, or an http URL of this host', (text) => {
  const isSafe = /^(https:\/\/|http:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/])/.test(text);
  return isSafe && URL.canParse(text) ? text : undefined;
});

export const acmeSettings: Settings<AcmeOptions> = {
  url: { kind: url, doc: 'Where the directory answers.' },
  // `secret: true`: it is never shown, and it can come from a file (PPTP_ACME_WEBHOOK_SECRET_FILE).
  secret: { kind: kinds.text(), doc: 'Signs questions and answers; the directory has it too.', secret: true },
  timeoutSeconds: { kind: kinds.integer(1, 30, 'seconds'), doc: 'How long an answer may take.', default: 3 },
  cacheSeconds: { kind: kinds.integer(0, 300, 'seconds'), doc: 'How long a hash is remembered.', default: 30 },
};
