import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { JSON_KINDS, type JsonKind } from '../../core/json/proof-json.ts';
import * as kinds from '../../core/ports/setting-kinds.ts';
import type { Settings } from '../../core/ports/settings.ts';

export interface WebhookOptions {
  readonly url: URL;
  readonly secret: string;
  readonly proofs: readonly JsonKind[];
  readonly timeoutSeconds: number;
  readonly traffic: boolean;
  readonly fixedAddresses: ReadonlySet<Ipv4>;
  readonly connections: number;
  readonly queue: number;
  readonly clockToleranceSeconds: number;
  readonly cacheSeconds: number;
  readonly cacheRejectSeconds: number;
  readonly cacheEntries: number;
  readonly events: boolean;
  readonly eventQueue: number;
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly serverName: string | undefined;
  readonly allowPlainHttp: boolean;
  readonly allowPlainPap: boolean;
}

const url = kinds.custom('an http or https URL without user name, password and fragment', (text) => {
  let parsed: URL;
  try {
    parsed = new URL(text);
  } catch {
    return undefined;
  }
  const plain = parsed.username === '' && parsed.password === '' && parsed.hash === '';
  return plain && (parsed.protocol === 'https:' || parsed.protocol === 'http:') ? parsed : undefined;
});

export const webhookSettings: Settings<WebhookOptions> = {
  url: { kind: url, doc: 'Where the service answers.', live: true },
  secret: {
    kind: secretText(),
    doc: 'Signs questions and answers (HMAC-SHA256). The service has it too.',
    secret: true,
    live: true,
  },
  proofs: {
    kind: kinds.list(kinds.oneOf(...JSON_KINDS), JSON_KINDS.length, 1),
    doc: 'Kinds of proof that the service is asked about.',
    default: ['ms-chap-v2'],
    live: true,
  },
  fixedAddresses: {
    kind: kinds.ipv4Set(),
    doc: 'Addresses that the service gives its users: nobody else is given them.',
    default: new Set(),
    live: true,
  },
  traffic: {
    kind: kinds.toggle,
    doc: 'Profiles of the service may have a rate, a quota or a filter: each packet passes the stages for them.',
    default: true,
  },
  timeoutSeconds: {
    kind: kinds.integer(1, 60, 'seconds'),
    doc: 'How long an answer may take, with the wait for a free connection.',
    default: 5,
    live: true,
  },
  connections: { kind: kinds.integer(1, 256), doc: 'Connections to the service at a time.', default: 8, live: true },
  queue: {
    kind: kinds.integer(0, 10_000),
    doc: 'Questions that may wait for a free connection.',
    default: 256,
    live: true,
  },
  clockToleranceSeconds: {
    kind: kinds.integer(1, 3600, 'seconds'),
    doc: 'How far the service’s clock may be from ours: the age at which a signed answer is refused.',
    default: 60,
    live: true,
  },
  cacheSeconds: {
    kind: kinds.integer(0, 3600, 'seconds'),
    doc: 'How long a secret that the service told is good for further log-ins without a question; 0: never.',
    default: 10,
    live: true,
  },
  cacheRejectSeconds: {
    kind: kinds.integer(0, 60, 'seconds'),
    doc: 'How long `unknown-user` and `locked` are remembered; 0: never.',
    default: 0,
    live: true,
  },
  cacheEntries: {
    kind: kinds.integer(1, 100_000),
    doc: 'Users that are remembered at most.',
    default: 1000,
    live: true,
  },
  events: { kind: kinds.toggle, doc: 'Also tell the service which sessions come up and go down.', default: false },
  eventQueue: {
    kind: kinds.integer(1, 100_000),
    doc: 'Events that may wait for the service.',
    default: 1000,
    live: true,
  },
  caFile: {
    kind: kinds.absolutePath,
    doc: 'Certificates (PEM) of the authorities that the service’s certificate may come from, instead of the usual ones.',
    default: undefined,
  },
  certFile: { kind: kinds.absolutePath, doc: 'Our client certificate (PEM).', default: undefined },
  keyFile: { kind: kinds.absolutePath, doc: 'Its private key (PEM).', default: undefined },
  serverName: {
    kind: kinds.text(253),
    doc: 'The name in the service’s certificate, where it is not that of the URL.',
    default: undefined,
    live: true,
  },
  allowPlainHttp: {
    kind: kinds.toggle,
    doc: 'Let the URL be http to another machine: who is on the way reads proofs, and secrets that the service tells.',
    default: false,
    live: true,
  },
  allowPlainPap: {
    kind: kinds.toggle,
    doc: 'Send the passwords of PAP over http.',
    default: false,
    live: true,
  },
};

function secretText() {
  const { parse } = kinds.text();
  return {
    expected: 'text of 16 to 1024 characters without line breaks',
    parse: (value: unknown) => {
      const text = parse(value);
      return text !== undefined && text.length >= 16 ? text : undefined;
    },
  };
}

const isLoopback = ({ hostname }: URL): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);

/** Sentences about settings that do not go together. */
export const checkWebhookOptions = (options: WebhookOptions): readonly string[] => {
  const { url: target, proofs, allowPlainHttp, allowPlainPap, caFile, certFile, keyFile, serverName } = options;
  const plain = target.protocol === 'http:';
  const faults: string[] = [];
  if (plain && !isLoopback(target) && !allowPlainHttp) {
    faults.push('url is http to another machine: make it https, or set allowPlainHttp where the way there is safe');
  }
  if (plain && proofs.includes('pap') && !allowPlainPap) {
    faults.push('PAP sends passwords, and url is http: make it https, leave pap out of proofs, or set allowPlainPap');
  }
  if (plain && (caFile ?? certFile ?? keyFile ?? serverName) !== undefined) {
    faults.push('caFile, certFile, keyFile and serverName are for https, and url is http');
  }
  if ((certFile === undefined) !== (keyFile === undefined)) faults.push('certFile and keyFile go together');
  return faults;
};
