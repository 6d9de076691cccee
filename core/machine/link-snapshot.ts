import {
  aCount,
  aFlag,
  aNumber,
  anInstant,
  anIpv4,
  aRecord,
  aText,
  maybe,
  oneOfState,
  type StateOf,
  someBits64,
  someBytes,
  someOf,
} from '../bytes/state.ts';
import { STATES } from './negotiation-table.ts';

/**
 * What a link is at one moment, for the process that goes on with it: plain data without options and methods, which that
 * process has of its own. One that is undefined has no such moment: its set-up is not over, or it ends.
 */

const u32 = aCount(0, 0xffffffff);
const octet = aCount(0, 0xff);
const few = aCount(0, 1_000_000);
const text = aText(512);
/** A PPP information field. */
const frame = someBytes(0, 4096);

export const readNegotiation = aRecord({
  state: oneOfState(...STATES),
  restartCount: aCount(-1_000_000, 1_000_000),
  request: frame,
  answered: aFlag,
  refused: aFlag,
  identifier: octet,
  peerIdentifier: octet,
  farewell: text,
  naksSent: few,
  refusalsSent: few,
  refusalsReceived: few,
});
export type NegotiationSnapshot = StateOf<typeof readNegotiation>;

/** Methods by their names. */
const readLcpOptions = aRecord({
  mru: maybe(aCount(1, 0xffff)),
  magic: u32,
  askPfc: aFlag,
  askAcfc: aFlag,
  candidates: someOf(text, 16),
  peerNamed: someOf(text, 16),
  loops: few,
  peerMru: aCount(0, 0xffff),
  peerMagic: u32,
  sendPfc: aFlag,
  sendAcfc: aFlag,
  peerAsksFor: maybe(text),
});
export type LcpOptionsSnapshot = StateOf<typeof readLcpOptions>;

const readEcho = aRecord({ lastHeard: maybe(anInstant), unanswered: few });
export type EchoSnapshot = StateOf<typeof readEcho>;

const readLcp = aRecord({
  negotiation: readNegotiation,
  options: readLcpOptions,
  echo: readEcho,
  now: maybe(anInstant),
  notes: few,
  rejects: few,
  rejectsSince: maybe(anInstant),
});
export type LcpSnapshot = StateOf<typeof readLcp>;

const bits = maybe(u32);
const readCcpOptions = aRecord({
  offering: aFlag,
  pleaded: aFlag,
  modest: aFlag,
  compress: aFlag,
  asked: bits,
  settled: bits,
  ours: bits,
  peers: bits,
  peerAsked: text,
});
export type CcpOptionsSnapshot = StateOf<typeof readCcpOptions>;

const readCcp = aRecord({
  negotiation: readNegotiation,
  options: readCcpOptions,
  now: anInstant,
  cause: text,
  over: aFlag,
  resetIdentifier: octet,
  resetAnswered: aFlag,
  resetAfter: anInstant,
});
export type CcpSnapshot = StateOf<typeof readCcp>;

const readIpcpOptions = aRecord({ tellAddress: aFlag, refusedAddress: maybe(anIpv4) });
export type IpcpServerSnapshot = StateOf<typeof readIpcpOptions>;

const readIpcp = aRecord({
  negotiation: readNegotiation,
  options: readIpcpOptions,
  cause: text,
  closedByPeer: aFlag,
});
export type IpcpSnapshot = StateOf<typeof readIpcp>;

const readIpv6cpOptions = aRecord({ local: someBits64, peer: someBits64, lastNak: maybe(someBits64), tell: aFlag });
export type Ipv6cpOptionsSnapshot = StateOf<typeof readIpv6cpOptions>;

const readIpv6cp = aRecord({
  negotiation: readNegotiation,
  options: readIpv6cpOptions,
  now: maybe(anInstant),
  up: aFlag,
  over: aFlag,
});
export type Ipv6cpSnapshot = StateOf<typeof readIpv6cp>;

const strength = oneOfState(40, 56, 128);
const key = someBytes(0, 64);
const readKeys = aRecord({ send: key, receive: key, strengths: maybe(someOf(strength, 3)) });

const servers = someOf(anIpv4, 16);
const readIpv6Profile = aRecord({
  prefix: someBits64,
  localInterfaceId: someBits64,
  peerInterfaceId: maybe(someBits64),
});
const readNetworkProfile = aRecord({
  localAddress: anIpv4,
  peerAddress: anIpv4,
  dns: servers,
  wins: servers,
  ipv6: maybe(readIpv6Profile),
  encryption: maybe(aRecord({ required: aFlag, strengths: maybe(someOf(strength, 3)) })),
});
export type NetworkProfileSnapshot = StateOf<typeof readNetworkProfile>;

const readNetwork = aRecord({
  /** Early Configure-Requests of the peer, by protocol. */
  held: someOf(aRecord({ protocol: aCount(0, 0xffff), frame }), 8),
  profile: readNetworkProfile,
  ccp: maybe(readCcp),
  ipcp: maybe(readIpcp),
  ipv6cp: maybe(readIpv6cp),
  encrypted: aFlag,
  now: anInstant,
});
export type NetworkSnapshot = StateOf<typeof readNetwork>;

export const LINK_TIMERS = [
  'lcp',
  'echo',
  'establish',
  'auth',
  'authorize',
  'ccp',
  'ipcp',
  'ipv6cp',
  'ccp-grace',
  'network',
] as const;

const readAuth = aRecord({ method: maybe(text), attemptsLeft: aNumber });
export type AuthSnapshot = StateOf<typeof readAuth>;

const readLink = aRecord({
  now: anInstant,
  lcp: readLcp,
  auth: readAuth,
  network: readNetwork,
  timers: someOf(aRecord({ name: oneOfState(...LINK_TIMERS), at: anInstant }), LINK_TIMERS.length),
  phases: someOf(oneOfState('control', 'lcp', 'auth', 'address', 'ccp', 'ipcp', 'ipv6cp'), 8),
  lastDenial: text,
  peerSaidGoodbye: text,
  keys: maybe(readKeys),
  owed: few,
});
export type LinkSnapshot = StateOf<typeof readLink>;

/** Undefined: it is none, or of another version. */
export const readLinkSnapshot = (value: unknown): LinkSnapshot | undefined => readLink(value)?.value;
