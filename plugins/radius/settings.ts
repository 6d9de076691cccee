import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import * as kinds from '../../core/ports/setting-kinds.ts';
import type { Settings } from '../../core/ports/settings.ts';
import { RADIUS_KINDS, type RadiusKind } from './auth/index.ts';
import { bothOrNeither } from './both-or-neither.ts';
import type { RadiusClientOptions, RadiusServer } from './client/index.ts';
import type { NasOptions } from './nas.ts';
import { radiusServer } from './server-setting.ts';
import { NAS_PORT_TYPE_VIRTUAL } from './wire/index.ts';

/** What all parts of the plug-in share, and what authentication and EAP need. */
export interface ServerOptions {
  readonly servers: readonly RadiusServer[];
  /** Empty: the hosts of `servers`, at port 1813. */
  readonly accountingServers: readonly RadiusServer[];
  readonly sharedSecret: string;
  readonly timeout: number;
  readonly tries: number;
  readonly deadTime: number;
  readonly maxRequests: number;
  readonly maxWaiting: number;
  readonly bindAddress: Ipv4 | undefined;
  readonly nasIdentifier: string;
  readonly nasAddress: Ipv4 | undefined;
  readonly nasPortType: number;
  readonly requireMessageAuthenticator: boolean;
  readonly methods: readonly RadiusKind[];
  readonly eap: boolean;
  readonly stripDomain: boolean;
  readonly onReject: 'deny' | 'next';
}

const ACCOUNTING_PORT = 1813;

export const SERVER_SETTINGS: Settings<ServerOptions> = {
  servers: {
    kind: kinds.list(radiusServer(1812), 16),
    doc: 'Servers for authentication, each `HOST[:PORT][;weight=N]`, as `192.0.2.1,192.0.2.2;weight=3`. Requests are shared by weight; weight 0 is asked only when no other answers.',
    default: [],
    live: true,
    liveFor: bothOrNeither,
  },
  accountingServers: {
    kind: kinds.list(radiusServer(ACCOUNTING_PORT), 16),
    doc: 'Servers for accounting, written in the same way. Not set: the hosts of `servers`, at port 1813.',
    default: [],
    live: true,
  },
  sharedSecret: {
    kind: kinds.text(128),
    doc: 'The secret that this gateway shares with all its servers. Long and random: 16 characters or more.',
    secret: true,
    live: true,
  },
  timeout: {
    kind: kinds.integer(1, 30, 'seconds'),
    doc: 'Seconds to wait for an answer before a copy is sent. All copies to all servers should fit `PPTP_PLUGIN_TIMEOUT`.',
    default: 2,
    live: true,
  },
  tries: {
    kind: kinds.integer(1, 10),
    doc: 'Copies for one server before the next one is asked.',
    default: 2,
    live: true,
  },
  deadTime: {
    kind: kinds.integer(0, 3600, 'seconds'),
    doc: 'Seconds for which a server that does not answer is asked only when no other is left.',
    default: 60,
    live: true,
  },
  maxRequests: {
    kind: kinds.integer(1, 4096),
    doc: 'Requests on their way to the servers at a time, in each worker; each 256 take a socket a server.',
    default: 256,
    live: true,
  },
  maxWaiting: {
    kind: kinds.integer(0, 65536),
    doc: 'Requests that may wait for a place; what comes then is refused.',
    default: 1024,
    live: true,
  },
  bindAddress: {
    kind: kinds.ipv4Address,
    doc: 'Address that requests leave from. Not set: as routing chooses.',
    default: undefined,
    live: true,
  },
  nasIdentifier: { kind: kinds.text(253), doc: 'NAS-Identifier of this gateway.', default: 'pptp-gateway' },
  nasAddress: {
    kind: kinds.ipv4Address,
    doc: 'NAS-IP-Address of this gateway. Not set: the address that the client called.',
    default: undefined,
  },
  nasPortType: {
    kind: kinds.integer(0, 0xffffffff),
    doc: 'NAS-Port-Type; 5 is Virtual.',
    default: NAS_PORT_TYPE_VIRTUAL,
  },
  requireMessageAuthenticator: {
    kind: kinds.toggle,
    doc: 'Drop answers to Access-Request without Message-Authenticator: they could be forged (BlastRADIUS). `false` only for a server that cannot send it, on a network that nobody else reaches.',
    default: true,
    live: true,
  },
  methods: {
    kind: kinds.list(kinds.oneOf(...RADIUS_KINDS), RADIUS_KINDS.length),
    doc: 'Kinds of proof that are taken to the servers; other back-ends answer the rest.',
    default: RADIUS_KINDS,
    live: true,
    liveFor: bothOrNeither,
  },
  eap: {
    kind: kinds.toggle,
    doc: 'Take EAP to the servers (see `PPTP_EAP_RELAY`): PEAP, TTLS, TLS and whatever else they know.',
    default: true,
  },
  stripDomain: {
    kind: kinds.toggle,
    doc: 'Ask for `CORP\\alice` as `alice`. A realm behind the name (`alice@example.com`) is part of the MS-CHAPv2 proof and always stays.',
    default: false,
    live: true,
  },
  onReject: {
    kind: kinds.oneOf('deny', 'next'),
    doc: 'A user whom the server rejects is denied, or asked for at the next back-end (`next`: the users file knows some whom the server does not).',
    default: 'deny',
    live: true,
  },
};

const doubled = (setting: string, servers: readonly RadiusServer[]): readonly string[] => {
  const names = servers.map(({ host, port }) => `${host}:${port}`);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  return twice === undefined ? [] : [`\`${setting}\` names ${twice} twice: give it a weight instead`];
};

/** Who takes accounting records. A host that judges at two ports takes them at one. */
export const accountingServers = ({ servers, accountingServers: own }: ServerOptions): readonly RadiusServer[] => {
  if (own.length > 0) return own;
  const hosts = servers.map(({ host }) => host);
  return servers
    .filter(({ host }, at) => hosts.indexOf(host) === at)
    .map((server) => ({ ...server, port: ACCOUNTING_PORT }));
};

/** Sentences about settings that do not go together. */
export const checkServers = (options: ServerOptions): readonly string[] => {
  const { servers } = options;
  return [
    ...(servers.length + options.accountingServers.length === 0
      ? ['`servers` must name a RADIUS server (or `accountingServers`, where there is only accounting)']
      : []),
    ...doubled('servers', servers),
    ...doubled('accountingServers', options.accountingServers),
    ...(servers.length > 0 && options.methods.length === 0 && !options.eap
      ? ['`servers` are there, but `methods` is empty and `eap` is off: nothing would be asked of them']
      : []),
  ];
};

export const nasOptions = ({ nasIdentifier, nasAddress, nasPortType }: ServerOptions): NasOptions => ({
  identifier: nasIdentifier,
  address: nasAddress,
  portType: nasPortType,
});

const MILLISECONDS = 1000;

/** Options of a client for these servers. */
export const clientOptions = (
  purpose: string,
  servers: readonly RadiusServer[],
  options: ServerOptions,
): RadiusClientOptions => ({
  purpose,
  servers,
  secret: options.sharedSecret,
  timeoutMs: options.timeout * MILLISECONDS,
  tries: options.tries,
  deadTimeMs: options.deadTime * MILLISECONDS,
  maxOutstanding: options.maxRequests,
  maxWaiting: options.maxWaiting,
  requireMessageAuthenticator: options.requireMessageAuthenticator,
  ...(options.bindAddress === undefined ? {} : { bind: options.bindAddress }),
});
