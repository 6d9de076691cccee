import type { Case } from './explain.ts';
import { type Facts, PHASE_WORDS } from './facts.ts';

const phaseWords = (facts: Facts): string => {
  const name = facts.phase?.name ?? 'control';
  return PHASE_WORDS[name] ?? name;
};

const encryptionRefused: Case = (facts) => {
  if (facts.error !== 'encryption-required') return undefined;
  const keyless = facts.says(/yields no (MPPE )?keys/);
  const { authMethods, strengths } = facts.settings;
  return {
    case: 'encryption-refused',
    severity: 'failure',
    what: keyless
      ? `Encryption is required, and the authentication that was agreed on makes no keys for it: ${facts.detail}.`
      : `Encryption is required, and the client and the gateway found no form of MPPE that both want: ${facts.detail}.`,
    where: keyless
      ? 'Between authentication and CCP: only MS-CHAP and EAP with keys (MS-CHAP-V2, TLS) yield keys for MPPE.'
      : 'In CCP, the agreement on encryption.',
    todo: keyless
      ? [
          `Have the client use MS-CHAP-V2; the gateway allows ${authMethods.join(', ')}.`,
          'Without encryption everybody on the way reads along: PPTP_MPPE=preferred lets such clients in.',
        ]
      : [
          'Switch encryption on in the client: "require encryption" in Windows, `require-mppe-128` for pppd (which needs its MPPE kernel module).',
          `The gateway allows keys of ${strengths.join(', ')} bits (PPTP_MPPE_STRENGTHS); 40 and 56 bits are weak.`,
          'Clients that ask for stateful encryption only: PPTP_MPPE_STATEFUL=allow.',
        ],
    code: 'encryption-required (Windows error 742)',
  };
};

/** The words of pppd, Windows and MikroTik when they hang up for want of encryption. */
const WANTS_ENCRYPTION = /mppe required|encryption|mppe.*(disabled|not)/i;

const encryptionDemanded: Case = (facts) => {
  if (facts.wasUp || facts.error === 'encryption-required') return undefined;
  const hungUp = facts.error === 'peer-terminated' || facts.record.end?.reason === 'peer-request';
  const noCcp = facts.phaseFailed('ccp') || facts.note('ccp.not-encrypted') !== undefined;
  if (!hungUp || !(noCcp || facts.says(WANTS_ENCRYPTION))) return undefined;
  return {
    case: 'encryption-demanded',
    severity: 'failure',
    what: `The client hung up because it wants encryption that the gateway does not give: ${facts.detail}.`,
    where: 'In CCP, the agreement on encryption.',
    todo: [
      `The gateway has PPTP_MPPE=${facts.settings.encryption} and keys of ${facts.settings.strengths.join(', ')} bits (PPTP_MPPE_STRENGTHS).`,
      'Set PPTP_MPPE=required or preferred, and list the key length of the client.',
      'Keys come from MS-CHAP or EAP: with pap or chap-md5 there is no encryption.',
    ],
    code: 'peer-terminated (Windows error 741)',
  };
};

const noAddress: Case = (facts) => {
  if (facts.error !== 'no-address') return undefined;
  if (facts.says(/no inner address (of the pool .* )?is free/)) {
    return {
      case: 'pool-empty',
      severity: 'failure',
      what: facts.says(/PPTP_POOLS/)
        ? `All addresses of the user's pool are in use: ${facts.detail}.`
        : `All addresses of the pool ${facts.settings.pool} are in use.`,
      where: 'In the address pool of the gateway, after a good log-in.',
      todo: [
        'Enlarge PPTP_POOL, or the named pool in PPTP_POOLS: a /23 has room for twice as many clients as a /24.',
        'Look for clients that are connected twice: `pptp-gateway tunnels`. PPTP_IDLE_TIMEOUT ends those that do nothing.',
      ],
      code: 'no-address: exhausted',
    };
  }
  return {
    case: 'fixed-address-unusable',
    severity: 'failure',
    what: `The address of ${facts.user} cannot be given: ${facts.detail}.`,
    where: 'In the address pool of the gateway, after a good log-in.',
    todo: [
      `A fixed address must lie in PPTP_POOL (${facts.settings.pool}), be no other user's, and not be the gateway's.`,
      'Change it in the user file: remove the user and add it with another `--address`.',
    ],
    code: 'no-address',
  };
};

const addressDisagreement: Case = (facts) => {
  if (!facts.says(/the peer insists on|refuses to negotiate our address/)) return undefined;
  return {
    case: 'address-disagreement',
    severity: 'failure',
    what: `The client wants another address than the gateway gives it: ${facts.detail}.`,
    where: 'In IPCP, the agreement on IPv4 addresses.',
    todo: [
      'Have the client obtain its address automatically.',
      'Or give the user the address that the client insists on: `pptp-gateway users add NAME --address ADDRESS`.',
    ],
    code: 'IPCP Configure-Nak of IP-Address (3) (Windows error 720)',
  };
};

const loopback: Case = (facts) => {
  if (!facts.says(/looped/)) return undefined;
  return {
    case: 'loopback',
    severity: 'failure',
    what: `What the gateway sends comes back to it: ${facts.detail}.`,
    where: 'On the path of GRE, or in a peer that sends back what it gets.',
    todo: ['Look for a router that sends GRE of this peer back, and whether the client dials its own address.'],
    code: 'LCP Magic-Number (5)',
  };
};

const HUNG_UP = new Set(['peer-terminated', 'peer-request', 'peer-disconnect', 'control-lost', 'peer-left']);

const peerHungUp: Case = (facts) => {
  if (facts.wasUp || !HUNG_UP.has(facts.error)) return undefined;
  return {
    case: 'peer-hung-up',
    severity: 'failure',
    what: `The client ended the call after ${facts.seconds.toFixed(1)} s, during ${phaseWords(facts)}: ${facts.detail}.`,
    where: `At ${facts.client}: it was the client that ended it.`,
    todo: [
      'The log of the client says why; Windows shows a number (619, 718, 720, 734, 742).',
      'If its user pressed "cancel", nothing is wrong.',
    ],
    code: facts.error,
  };
};

const negotiation: Case = (facts) => {
  if (!['negotiation-failed', 'no-answer', 'link-dead', 'echo-timeout'].includes(facts.error)) return undefined;
  return {
    case: 'negotiation-failed',
    severity: 'failure',
    what: `There was no agreement in ${phaseWords(facts)}: ${facts.detail}.`,
    where: `In phase ${facts.phase?.name ?? 'control'}, ${facts.seconds.toFixed(1)} s after the first octet.`,
    todo: [
      'If GRE is lost on the way now and then, the messages may just not have arrived: compare "lost" in the numbers below.',
      'Otherwise client and gateway want different things: a capture shows each message (`pptp-gateway capture --point ppp`).',
    ],
    code: facts.error,
  };
};

export const NEGOTIATION_CASES: readonly Case[] = [
  encryptionRefused,
  encryptionDemanded,
  noAddress,
  addressDisagreement,
  loopback,
  peerHungUp,
  negotiation,
];
