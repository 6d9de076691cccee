import type { ProfileName } from './types.ts';

/** Values for a kind of use. Only keys that any operator may set, so that nothing happens that is not documented. */
export interface Preset {
  /** Whom it is for, and what it is after. */
  readonly sense: string;
  /** What else the operator of such a gateway decides, which no preset can know. */
  readonly besides: string;
  /** By key. What is not here keeps its default. */
  readonly values: Readonly<Record<string, { readonly value: unknown; readonly why: string }>>;
}

const one = (value: unknown, why: string) => ({ value, why });

/** The profiles that PPTP_PROFILE names. docs/profiles.md is generated from here (`node setup/docs.mjs`). */
export const PRESETS: Readonly<Record<Exclude<ProfileName, 'none'>, Preset>> = {
  'road-warrior': {
    sense:
      'People with laptops and telephones, behind routers of hotels and mobile networks, who come and go. Their clients ' +
      'open one call on each connection; a client that has gone without a word should not hold its address for long.',
    besides: 'Addresses and DNS (`PPTP_POOL`, `PPTP_DNS`), users, and a policy against guessing (docs/policies.md).',
    values: {
      'calls.maxPerConnection': one(1, 'What these clients need; more would only serve an attacker.'),
      'listen.maxConnectionsPerAddress': one(256, 'A hotel, or a mobile network, is one address.'),
      'ppp.echoInterval': one(20, 'Keeps the GRE entries of routers alive, some of which last for 30 seconds.'),
      'ppp.echoFailures': one(3, 'A client that has left is noticed within a minute and 20 seconds.'),
      'ppp.idleTimeout': one(14_400, 'A tunnel that nothing has passed for four hours is forgotten, not used.'),
      'gre.reorderTimeoutMs': one(500, 'Radio links deliver late rather than never.'),
    },
  },
  site: {
    sense:
      'A few other gateways with networks behind them, over lines that stay. Addresses are routed, not translated; a dead ' +
      'line is noticed within half a minute, because the other side is to dial again at once; log-ins are those of machines.',
    besides:
      'Which networks are behind which user (profiles, docs/sites.md), and the other direction: `PPTP_DIAL_SERVER`.',
    values: {
      'network.nat': one('off', 'Both sides route, so that each host is seen with its own address.'),
      'listen.maxConnections': one(128, 'Sites are few; the rest of the world needs no connection.'),
      'listen.maxConnectionsPerAddress': one(8, 'One site is one address.'),
      'calls.maxPerConnection': one(4, 'A site needs one tunnel, and another while the first is given up.'),
      'control.echoInterval': one(15, 'A dead line shows on the control connection within 30 seconds.'),
      'control.echoTimeout': one(15, 'As above.'),
      'ppp.echoInterval': one(10, 'A dead line shows in the tunnel within 30 to 40 seconds.'),
      'ppp.echoFailures': one(3, 'As above.'),
      'ppp.authTimeout': one(20, 'Machines do not look for their password.'),
      'ppp.mru': one('auto', 'All that the line carries: 1460 octets on Ethernet.'),
      'auth.maxAttempts': one(1, 'A machine that sends a wrong password sends it again.'),
    },
  },
  'legacy-clients': {
    sense:
      'Old systems that can do no better: Windows before 2000, printers, tills and telephones. They may use MS-CHAPv1, keys ' +
      'of 40 and 56 bits, and encryption and compression with a history. Each of these is weak or costly; all but compression ' +
      'is warned about at every start. Encryption is still required.',
    besides:
      'A pool of its own without a way to what matters; take it back when the last of these clients has gone. MS-CHAPv1 has ' +
      'keys of 128 bits only (docs/authentication.md): who knows neither MS-CHAPv2 nor 128 bits does not get in.',
    values: {
      'auth.methods': one(['ms-chap-v2', 'ms-chap-v1'], 'Windows 95 and NT 4 speak MS-CHAPv1 only.'),
      'mppe.strengths': one([128, 56, 40], 'Export versions have no more than 40 or 56 bits.'),
      'mppe.stateful': one('allow', 'Some know no other mode; they get it when they ask.'),
      'mppe.mppc': one('allow', 'Some insist on compression.'),
      'ppp.authTimeout': one(120, 'Slow lines, and people who type.'),
      'ppp.maxConfigure': one(20, 'Some answer the first requests too late.'),
      'ppp.maxFailure': one(10, 'Some need many hints before they give way.'),
    },
  },
  lab: {
    sense:
      'A closed network where clients and this gateway are tried out. Everything that it can speak is spoken, unencrypted ' +
      'tunnels too, everything is logged, and captures may show what tunnels hide. Never on a network with strangers.',
    besides: 'A state folder that may be thrown away (`PPTP_STATE_DIR`).',
    values: {
      'auth.methods': one(['ms-chap-v2', 'eap', 'ms-chap-v1', 'chap-md5', 'pap'], 'Whatever a client can do.'),
      'mppe.policy': one('permitted', 'Clients without encryption get in.'),
      'mppe.strengths': one([128, 56, 40], 'Whatever a client can do.'),
      'mppe.stateful': one('allow', 'As above.'),
      'mppe.mppc': one('allow', 'As above.'),
      'calls.acceptIncoming': one(true, 'Calls of a PAC are tried, too.'),
      'calls.idQuarantine': one(5, 'Many short calls in a row do not run out of Call IDs.'),
      'capture.decrypted': one(true, '`capture --decrypted` works.'),
      'log.level': one('debug', 'Everything is told.'),
      'metrics.port': one(9464, 'The metrics can be looked at, on this host.'),
    },
  },
};
