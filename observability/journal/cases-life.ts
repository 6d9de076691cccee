import { sharedNat } from './cases-gre.ts';
import type { Case } from './explain.ts';
import type { Facts } from './facts.ts';

const MANY_UNDECRYPTABLE = 10;
const MANY_TOO_BIG = 5;
const SOME_LOST = 20;
const LOSS_RATIO = 0.01;

const endReason = (facts: Facts): string => (facts.over && facts.wasUp ? (facts.record.end?.reason ?? '') : '');

const keysDiffer: Case = (facts) => {
  const ended = facts.says(/could not be decrypted/);
  const dropped = facts.drops('decrypt-failed');
  if (!ended && dropped < MANY_UNDECRYPTABLE) return undefined;
  return {
    case: 'keys-differ',
    severity: ended ? 'failure' : 'warning',
    what: `${dropped === 0 ? 'What' : `${dropped} packets that`} the client sent did not decrypt: the keys of the two sides are not the same, or packets arrive out of order or not at all.`,
    where: 'In MPPE, between the client and the gateway.',
    todo: [
      'If it begins with the first packet, the client derives its keys wrongly (known of ppp 2.5.0 with RADIUS): update it.',
      'If it comes in bursts on a path that loses packets, use stateless encryption: PPTP_MPPE_STATEFUL=off.',
      'Peers say "Protocol-Reject for unsupported protocol 0x..." for the same thing the other way round.',
    ],
    code: 'decrypt-failed',
  };
};

const echoLoss: Case = (facts) => {
  const dead = endReason(facts) === 'link-dead';
  if (!dead && !(facts.wasUp && facts.says(/Echo-Requests in a row|Echo-Reply did not come/i))) return undefined;
  return {
    case: 'echo-loss',
    severity: 'failure',
    what: `The client stopped to answer: ${facts.detail}.`,
    where: `Between ${facts.client} and the gateway, or at the client: it was switched off, lost its network, or a NAT on the way forgot the connection.`,
    todo: [
      'A NAT that forgets idle GRE is kept awake by a shorter PPTP_LCP_ECHO_INTERVAL (below its time-out, often 30 to 60 s).',
      'Clients that come back with a new address dial again; nothing else is to be done.',
    ],
    code: 'link-dead',
  };
};

const spoofed: Case = (facts) => {
  const dropped = facts.drops('spoofed-source');
  if (dropped === 0) return undefined;
  return {
    case: 'spoofed-source',
    severity: 'warning',
    what: `${dropped} packets of the client were dropped because their source is not the address it was given (${facts.record.address ?? 'none'}).`,
    where: 'At the entrance of the tunnel: stage address, direction in.',
    todo: [
      'If the client routes a network behind it, have it masquerade: the gateway takes only the address of the client itself.',
      'A few of these right after the set-up are connections that the client had before; they are harmless.',
    ],
    code: 'spoofed-source',
  };
};

/** The kernel knows the path and refused: one such packet is proof. */
const pathTooNarrow: Case = (facts) => {
  const refused = facts.drops('too-big', 'out', 'gre-socket');
  if (refused === 0) return undefined;
  return {
    case: 'mtu-black-hole',
    severity: 'warning',
    what: `${refused} GRE packets to the client were larger than the path to it takes, and were not sent: connections open, and then pages and downloads hang.`,
    where: `Between the gateway and ${facts.client}, outside the tunnel: it carries ${facts.settings.tunMtu} octets (PPTP_TUN_MTU), and the line has no room for them with their GRE.`,
    todo: [
      'Lower PPTP_TUN_MTU and PPTP_MRU, to 1300 for example; gre.too-big in the log has the size that did not fit.',
      'Leave PPTP_MSS_CLAMP on: it makes TCP keep below.',
    ],
    code: 'too-big',
  };
};

const blackHole: Case = (facts) => {
  if (pathTooNarrow(facts) !== undefined) return undefined;
  const [into, out] = [facts.drops('too-big', 'in'), facts.drops('too-big', 'out')];
  // One now and then is how senders find the size of a path.
  if (into + out < MANY_TOO_BIG) return undefined;
  return {
    case: 'mtu-black-hole',
    severity: 'warning',
    what: `${into + out} packets were too big for the tunnel (${out} to the client, ${into} from it): connections open, and then pages and downloads hang.`,
    where: `In the tunnel: it carries ${facts.settings.tunMtu} octets (PPTP_TUN_MTU), and the client takes ${facts.settings.mru} at most (PPTP_MRU).`,
    todo: [
      'Leave PPTP_MSS_CLAMP on: it makes TCP keep below.',
      'Let ICMP "fragmentation needed" pass in the firewalls of the intranet; without it senders never learn.',
      'If GRE itself is too big for the path (DSL, mobile), lower PPTP_MRU, to 1300 for example.',
    ],
    code: 'too-big',
  };
};

const clearData: Case = (facts) => {
  const dropped = facts.drops('unencrypted');
  if (dropped === 0) return undefined;
  return {
    case: 'clear-data-refused',
    severity: 'warning',
    what: `${dropped} packets of the client were not encrypted and were dropped, because encryption is required.`,
    where: 'At the entrance of the tunnel: stage mppe, direction in.',
    todo: ['A client that goes on like this ignores what was agreed: update it.'],
    code: 'unencrypted',
  };
};

const windowStall: Case = (facts) => {
  const full = facts.record.numbers?.windowDropped ?? 0;
  const queued = facts.drops('queue-full', 'out');
  if (full + queued === 0) return undefined;
  return {
    case: 'window-stall',
    severity: 'warning',
    what: `${Math.max(full, queued)} packets for the client were dropped because the queue in front of it stayed full.`,
    where: 'At the exit of the tunnel: the client acknowledges too slowly for what is sent to it.',
    todo: [
      'With PPTP_GRE_WINDOW=on the gateway keeps to the window of the client; off is faster on long paths.',
      'If the line of the client is full, this is as it should be: TCP slows down.',
    ],
    code: 'queue-full',
  };
};

const lossyPath: Case = (facts) => {
  const { numbers } = facts.record;
  if (numbers === undefined || numbers.lost < SOME_LOST) return undefined;
  const ratio = numbers.lost / (numbers.lost + numbers.packetsIn);
  if (ratio < LOSS_RATIO) return undefined;
  return {
    case: 'lossy-path',
    severity: 'warning',
    what: `${numbers.lost} packets of the client never came (${(ratio * 100).toFixed(1)} %).`,
    where: `Between ${facts.client} and the gateway, outside the tunnel.`,
    todo: [
      'Radio and overloaded lines lose packets; TCP inside the tunnel becomes slow from about 1 % on.',
      'If packets arrive late rather than never ("late" in the drops), raise PPTP_GRE_REORDER_TIMEOUT_MS.',
    ],
    code: 'late',
  };
};

const timeLimit: Case = (facts) => {
  const reason = endReason(facts);
  if (reason !== 'idle' && reason !== 'session-timeout') return undefined;
  return {
    case: 'time-limit',
    severity: 'info',
    what: `The gateway ended the tunnel because its time was over: ${facts.detail}.`,
    where: 'In the gateway.',
    todo: [
      `Nothing, or raise ${reason === 'idle' ? 'PPTP_IDLE_TIMEOUT' : 'PPTP_SESSION_TIMEOUT'} or the user's own limit.`,
    ],
    code: reason,
  };
};

const quotaUsedUp: Case = (facts) =>
  endReason(facts) === 'quota'
    ? {
        case: 'quota-used-up',
        severity: 'info',
        what: `The gateway ended the tunnel: ${facts.detail}.`,
        where: 'In the gateway.',
        todo: ['Nothing, or raise the quota where the user store or the plug-in has it.'],
        code: 'quota',
      }
    : undefined;

const endedHere: Case = (facts) => {
  const reason = facts.record.end?.reason;
  if (!facts.over || (reason !== 'administrative' && reason !== 'shutdown')) return undefined;
  if (facts.note('session.fault') !== undefined || facts.note('session.refused') !== undefined) return undefined;
  return {
    case: 'ended-by-the-gateway',
    severity: facts.wasUp ? 'info' : 'failure',
    what: `The gateway ended the call: ${facts.endDetail}.`,
    where: 'In the gateway.',
    todo: [
      'The newest log-in of a user with a fixed address takes the place of the older one: two devices need two users.',
      'If the gateway was stopped, the client can dial again as soon as it runs.',
    ],
    code: reason,
  };
};

const clientLeft: Case = (facts) => {
  const reason = endReason(facts);
  if (!['peer-request', 'peer-terminated', 'peer-disconnect'].includes(reason)) return undefined;
  return {
    case: 'closed-by-the-client',
    severity: 'info',
    what: `The client hung up after ${Math.round(facts.seconds)} s: ${facts.detail}.`,
    where: `At ${facts.client}.`,
    todo: ['Nothing.'],
    code: reason,
  };
};

const connectionLost: Case = (facts) => {
  if (endReason(facts) !== 'control-lost') return undefined;
  return {
    case: 'connection-lost',
    severity: 'failure',
    what: `The control connection broke, and the tunnel with it: ${facts.detail}.`,
    where: `Between ${facts.client} and the gateway, on TCP port 1723.`,
    todo: [
      'Clients that are switched off or change their network look like this, and dial again.',
      'A firewall that forgets idle TCP connections is kept awake by a shorter PPTP_CONTROL_ECHO_INTERVAL.',
    ],
    code: 'control-lost',
  };
};

/** Said beside the main thing, or in its place when the tunnel was up. Of what is as grave, the surer first. */
export const LIFE_CASES: readonly Case[] = [
  pathTooNarrow,
  keysDiffer,
  echoLoss,
  connectionLost,
  endedHere,
  timeLimit,
  quotaUsedUp,
  clientLeft,
  sharedNat,
  spoofed,
  blackHole,
  clearData,
  windowStall,
  lossyPath,
];
