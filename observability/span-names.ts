// Every span of a tunnel and everything on it, as data: docs/traces.md is made from it, and a test holds what the gateway
// reports against it.
import { LATER_SPANS, type LaterSpan, SETUP_PHASES, type SetupPhase } from '../core/ports/telemetry.ts';

interface AttributeDescription {
  readonly type: 'string' | 'int' | 'double' | 'boolean';
  /** Of OpenTelemetry's semantic conventions; all others are our own. */
  readonly convention?: true;
  readonly meaning: string;
}

export const ATTRIBUTES = {
  'session.id': { type: 'string', convention: true, meaning: 'The call, also in every log line about it (`session`).' },
  'network.transport': { type: 'string', convention: true, meaning: '`tcp`: of the control connection.' },
  'network.type': { type: 'string', convention: true, meaning: '`ipv4`: of the outer network.' },
  'network.protocol.name': { type: 'string', convention: true, meaning: '`pptp`.' },
  'network.local.address': { type: 'string', convention: true, meaning: 'Our outer address.' },
  'network.peer.address': { type: 'string', convention: true, meaning: 'Outer address of the other side.' },
  'network.peer.port': { type: 'int', convention: true, meaning: 'Its TCP port.' },
  'client.address': { type: 'string', convention: true, meaning: 'Outer address of the side that calls.' },
  'server.address': { type: 'string', convention: true, meaning: 'Outer address of the side that is called.' },
  'network.io.direction': { type: 'string', convention: true, meaning: '`receive` or `transmit`, seen from here.' },
  'user.name': {
    type: 'string',
    convention: true,
    meaning: 'The name the peer gave or proved; `user.hash` instead, or nothing, as `PPTP_TELEMETRY_USER_NAMES` says.',
  },
  'error.type': { type: 'string', convention: true, meaning: 'On spans that failed: see the words below.' },
  'pptp.call.id': { type: 'int', meaning: 'Our Call ID.' },
  'pptp.peer_call.id': { type: 'int', meaning: 'The Call ID of the peer.' },
  'pptp.peer.host_name': { type: 'string', meaning: 'Host name in the Start-Control-Connection message of the peer.' },
  'pptp.peer.vendor': { type: 'string', meaning: 'Vendor string in that message ("Microsoft", "linux", "MikroTik").' },
  'pptp.result_code': { type: 'int', meaning: 'Result Code or Reason of a control message (RFC 2637 section 2).' },
  'pptp.result': { type: 'string', meaning: 'The name that the RFC has for it.' },
  'pptp.error_code': { type: 'int', meaning: 'General Error Code of the message (RFC 2637 section 2.16).' },
  'pptp.backend.name': { type: 'string', meaning: 'Which back-end was asked.' },
  'pptp.backend.answer': {
    type: 'string',
    meaning: '`accepted`, `unknown-user` (the next back-end is asked), `failed`, or why it refused.',
  },
  'pptp.plugin.port': {
    type: 'string',
    meaning: 'What the plug-in was asked as: `session-policy`, `authenticator`, `eap-relay` or `address-pool`.',
  },
  'pptp.policy.name': {
    type: 'string',
    meaning: 'The policy that did not let the user in; `gateway` for the profile itself.',
  },
  'pptp.policy.denial': { type: 'string', meaning: 'Its word for that, as in the log line `session.refused`.' },
  'pptp.address.fixed': { type: 'boolean', meaning: 'The user has an address of its own.' },
  'pptp.address.refusal': {
    type: 'string',
    meaning: 'Why there is none: `exhausted`, `in-use`, `outside-pool`, `no-such-pool` or `unavailable`.',
  },
  'pptp.end.reason': { type: 'string', meaning: 'Why the call ended, as in the log line `session.closed`.' },
  'pptp.limit': { type: 'string', meaning: '`idle`, `session-timeout`, `quota` or `undecryptable`.' },
  'pptp.note': { type: 'string', meaning: 'A sentence for people.' },
  'pptp.trace.suppressed': { type: 'int', meaning: 'Spans or traces of this kind that were left out before this one.' },
  'pptp.tunnel.seconds': { type: 'double', meaning: 'How long the call lasted.' },
  'ppp.auth.protocol': { type: 'string', meaning: 'Authentication method: `ms-chap-v2`, `eap`, `pap`, ...' },
  'ppp.auth.proof': {
    type: 'string',
    meaning: 'What the back-ends were asked about; differs from the method under EAP.',
  },
  'ppp.auth.round': { type: 'int', meaning: 'Number of the round on this link, from 1.' },
  'ppp.auth.rounds': { type: 'int', meaning: 'How many rounds there were.' },
  'ppp.auth.retries_left': { type: 'int', meaning: 'How often the peer may try again.' },
  'ppp.packet.identifier': { type: 'int', meaning: 'Identifier octet; an answer carries that of its question.' },
  'ppp.packet.detail': {
    type: 'string',
    meaning: 'Configuration options with their values, or the type of an EAP packet.',
  },
  'ppp.echo.lost': { type: 'int', meaning: 'LCP Echo-Requests in a row without an answer.' },
  'ppp.lcp.identification': { type: 'string', meaning: 'What the peer said in LCP Identification ("MSRASV5.10").' },
  'ppp.lcp.time_remaining': { type: 'string', meaning: 'What the peer said in LCP Time-Remaining.' },
  'ppp.mppe.key_bits': { type: 'int', meaning: 'Length of the MPPE session keys; 0 is compression alone.' },
  'ppp.mppe.stateless': { type: 'boolean', meaning: 'How we send.' },
  'ppp.mppc': { type: 'boolean', meaning: 'We compress what we send.' },
  'ppp.ipcp.address': { type: 'string', meaning: 'Inner IPv4 address of the client.' },
  'ppp.ipv6.prefix': { type: 'string', meaning: 'Inner IPv6 prefix of the client.' },
  'mppe.reset.by': { type: 'string', meaning: 'Who asked to begin anew: `gateway` or `peer`.' },
  'gre.packets.received': { type: 'int', meaning: 'GRE packets of the call, lone acknowledgments not counted.' },
  'gre.packets.sent': { type: 'int', meaning: 'The same, to the peer.' },
  'gre.octets.received': { type: 'int', meaning: 'Their payloads in octets.' },
  'gre.octets.sent': { type: 'int', meaning: 'The same, to the peer.' },
  'gre.packets.lost': { type: 'int', meaning: 'Numbers that never came.' },
} as const satisfies Readonly<Record<string, AttributeDescription>>;
export type AttributeName = keyof typeof ATTRIBUTES;

/** Attributes of the set-up's root that every span of the tunnel's later life repeats. */
export const IDENTITY_ATTRIBUTES: ReadonlySet<string> = new Set<AttributeName>([
  'session.id',
  'client.address',
  'server.address',
  'network.peer.address',
  'user.name',
]);

/** What any span may have: `error.type` when it failed, the rest where it begins a trace. */
export const COMMON_ATTRIBUTES: ReadonlySet<string> = new Set<AttributeName>(['error.type', 'pptp.trace.suppressed']);

export interface SpanDescription {
  readonly parent: string;
  /** It may be below these, too. */
  readonly alsoBelow?: readonly string[];
  readonly meaning: string;
  readonly attributes: readonly AttributeName[];
  /** Kinds of events it may have; see `EVENTS`. */
  readonly events?: readonly (keyof typeof EVENTS)[];
}

/** Kinds of span events, each a pattern of names. */
export const EVENTS = {
  control: {
    pattern: /^pptp\.[a-z]+(-[a-z]+)+$/,
    shown: '`pptp.outgoing-call-request`, ...',
    meaning: 'A control message (RFC 2637 section 2), at the time it came or went. Echoes are left out.',
    attributes: ['network.io.direction', 'pptp.result_code', 'pptp.result', 'pptp.error_code'],
  },
  packet: {
    pattern: /^(lcp|ccp|ipcp|ipv6cp|chap|pap|eap)\.[a-z]+(-[a-z]+)*$/,
    shown: '`lcp.configure-request`, `chap.challenge`, `eap.nak`, ...',
    meaning: 'A packet of a PPP control or authentication protocol. Of authentication packets only what kind they are.',
    attributes: ['network.io.direction', 'ppp.packet.identifier', 'ppp.packet.detail'],
  },
  note: {
    pattern: /^(lcp|ccp|ipcp|ipv6cp|gre|eap|auth|mppe|ppp)\.[a-z]+(-[a-z0-9]+)*$/,
    shown: '`lcp.identification`, `ccp.not-encrypted`, `gre.blocked`, ...',
    meaning: 'Something that was noticed; the same event is in the log, most of them at level debug.',
    attributes: ['pptp.note'],
  },
} as const satisfies Readonly<
  Record<
    string,
    {
      readonly pattern: RegExp;
      readonly shown: string;
      readonly meaning: string;
      readonly attributes: readonly AttributeName[];
    }
  >
>;

const ROOT = 'pptp.tunnel.setup';

const CONNECTION: readonly AttributeName[] = [
  'session.id',
  'network.transport',
  'network.type',
  'network.protocol.name',
  'network.local.address',
  'network.peer.address',
  'network.peer.port',
  'client.address',
  'server.address',
  'user.name',
  'pptp.call.id',
  'pptp.peer_call.id',
  'pptp.peer.host_name',
  'pptp.peer.vendor',
];

const PHASES: Readonly<Record<SetupPhase, SpanDescription>> = {
  control: {
    parent: ROOT,
    meaning: 'From the first octet on TCP port 1723 to the reply that opens the call.',
    attributes: [],
    events: ['control'],
  },
  lcp: {
    parent: ROOT,
    meaning: 'LCP, from the first Configure-Request to Opened.',
    attributes: [],
    events: ['packet'],
  },
  auth: {
    parent: ROOT,
    meaning: 'Authentication, all rounds of it.',
    attributes: ['ppp.auth.protocol', 'ppp.auth.rounds', 'ppp.auth.retries_left', 'user.name'],
    events: ['packet'],
  },
  address: {
    parent: ROOT,
    meaning: 'The policies are asked, and the inner address is leased, and the IPv6 prefix. Servers only.',
    attributes: [
      'pptp.policy.name',
      'pptp.policy.denial',
      'ppp.ipcp.address',
      'ppp.ipv6.prefix',
      'pptp.address.fixed',
      'pptp.address.refusal',
    ],
  },
  ccp: {
    parent: ROOT,
    meaning: 'CCP: encryption and compression. One that ends in `not-encrypted` does not end the set-up.',
    attributes: ['ppp.mppe.key_bits', 'ppp.mppe.stateless', 'ppp.mppc'],
    events: ['packet'],
  },
  ipcp: { parent: ROOT, meaning: 'IPCP, until it is open.', attributes: ['ppp.ipcp.address'], events: ['packet'] },
  ipv6cp: {
    parent: ROOT,
    meaning: 'IPV6CP, beside IPCP; it may end after the root. One that ends in `no-ipv6` does not end the set-up.',
    attributes: ['ppp.ipv6.prefix'],
    events: ['packet'],
  },
};

const LATER: Readonly<Record<LaterSpan, SpanDescription>> = {
  renegotiation: {
    parent: '',
    meaning: 'The peer or we negotiate again: from the first phase that begins anew until the tunnel is whole.',
    attributes: [],
    events: ['packet', 'note'],
  },
  mppe_reset: {
    parent: '',
    meaning: 'A CCP Reset-Request: one side lost synchronisation of stateful MPPE or MPPC.',
    attributes: ['mppe.reset.by'],
  },
  echo_loss: {
    parent: '',
    meaning:
      'LCP echoes stayed without an answer: from the first lost one until the peer was heard again, or given up.',
    attributes: ['ppp.echo.lost'],
  },
  password_change: { parent: '', meaning: 'A user changed an expired password.', attributes: [] },
  limit_reached: {
    parent: '',
    meaning: 'The tunnel ends because a limit is reached.',
    attributes: ['pptp.limit', 'pptp.note'],
  },
  prefix_withdrawn: {
    parent: '',
    meaning: 'IPV6CP closed while the tunnel lives: no IPv6 any more.',
    attributes: ['ppp.ipv6.prefix'],
  },
  routes: {
    parent: '',
    meaning: '`pptp-gateway dial`: address, routes and name servers are set on the host.',
    attributes: [],
  },
  end: {
    parent: '',
    meaning: 'The tear-down of a tunnel that was up, with its last numbers.',
    attributes: [
      'pptp.end.reason',
      'pptp.note',
      'pptp.tunnel.seconds',
      'gre.packets.received',
      'gre.packets.sent',
      'gre.octets.received',
      'gre.octets.sent',
      'gre.packets.lost',
    ],
    events: ['control'],
  },
};

/** Stands for every span of a plug-in: their names are the plug-ins'. */
const PLUGIN_SPAN = 'pptp.plugin.NAME';

/** Every span of a tunnel by its name. */
export const SPANS: ReadonlyMap<string, SpanDescription> = new Map<string, SpanDescription>([
  [
    ROOT,
    {
      parent: '',
      meaning:
        'The set-up, from the first octet on TCP port 1723 to IPCP open or to the failure. Kind SERVER; CLIENT with `dial`.',
      attributes: [
        ...CONNECTION,
        'ppp.auth.protocol',
        'ppp.lcp.identification',
        'ppp.lcp.time_remaining',
        'ppp.mppe.key_bits',
        'ppp.mppe.stateless',
        'ppp.mppc',
        'ppp.ipcp.address',
        'pptp.policy.name',
        'pptp.policy.denial',
        ...LATER.end.attributes.filter((name) => name !== 'pptp.note'),
      ],
      events: ['control', 'packet', 'note'],
    },
  ],
  ...SETUP_PHASES.map((phase) => [`pptp.setup.${phase}`, PHASES[phase]] as const),
  [
    'pptp.auth.round',
    {
      parent: 'pptp.setup.auth',
      meaning: 'One attempt: from the challenge to the verdict, or to the Nak that refuses the EAP method.',
      attributes: ['ppp.auth.round', 'ppp.auth.protocol', 'ppp.auth.proof', 'ppp.auth.retries_left', 'user.name'],
      events: ['packet'],
    },
  ],
  [
    'pptp.auth.backend',
    {
      parent: 'pptp.auth.round',
      meaning: 'One question to one back-end.',
      attributes: ['pptp.backend.name', 'pptp.backend.answer', 'ppp.auth.proof'],
    },
  ],
  [
    'pptp.auth.task',
    {
      parent: 'pptp.auth.round',
      meaning: 'A step of a TLS handshake (EAP-TLS), or a question to an EAP relay.',
      attributes: [],
    },
  ],
  [
    PLUGIN_SPAN,
    {
      parent: 'pptp.setup.address',
      alsoBelow: ['pptp.renegotiation.address', 'pptp.auth.backend', 'pptp.auth.task'],
      meaning:
        'One question to an object of a plug-in: a session policy, or an address pool that does not answer at once; below `pptp.auth.backend` a back-end, below `pptp.auth.task` an EAP relay. NAME is its own, `address-pool` of a pool. What is built in has none.',
      attributes: ['pptp.plugin.port'],
    },
  ],
  ...LATER_SPANS.map((name) => [`pptp.tunnel.${name}`, LATER[name]] as const),
  ...SETUP_PHASES.filter((phase) => phase !== 'control').map(
    (phase) =>
      [
        `pptp.renegotiation.${phase}`,
        { ...PHASES[phase], parent: 'pptp.tunnel.renegotiation', meaning: `As \`pptp.setup.${phase}\`, later.` },
      ] as const,
  ),
]);

/** What is known of a span of that name. */
export const describeSpan = (name: string): SpanDescription | undefined =>
  SPANS.get(name.startsWith('pptp.plugin.') ? PLUGIN_SPAN : name);
