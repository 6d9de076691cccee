import {
  aCount,
  aFlag,
  aNumber,
  anInstant,
  anIpv4,
  aRecord,
  aText,
  aWhole,
  maybe,
  type StateOf,
  type StateReader,
  someBits64,
  someOf,
} from '../../core/bytes/state.ts';
import {
  type GreChannelSnapshot,
  type MppeSnapshot,
  readChannelSnapshot,
  readMppeSnapshot,
  readShapeSnapshot,
  type ShapeSnapshot,
} from '../../core/datapath/path-snapshot.ts';
import { profileJson, readProfile } from '../../core/json/profile-json.ts';
import { type LinkSnapshot, readLinkSnapshot } from '../../core/machine/link-snapshot.ts';
import { type CallId, callId, type SessionId, sessionId } from '../../core/ports/ids.ts';
import type { UserProfile } from '../../core/ports/profile.ts';

/** What a tunnel that is up is at one moment, for the process that goes on with it: plain data. */

const counter = aCount(0, Number.MAX_SAFE_INTEGER);
const text = aText(1024);

const aCallId: StateReader<CallId> = (value) => {
  const read = aCount(1, 0xffff)(value);
  return read && { value: callId(read.value) };
};
const aSessionId: StateReader<SessionId> = (value) =>
  typeof value === 'string' && /^[0-9a-f]{1,64}$/.test(value) ? { value: sessionId(value) } : undefined;

const aProfile: StateReader<UserProfile> = (value) => {
  const read = readProfile(withoutHoles(value), 'profile');
  return read.ok ? { value: read.value } : undefined;
};

/** Fields that are undefined are left out, as in JSON. */
const withoutHoles = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutHoles);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, field]) => (field === undefined ? [] : [[name, withoutHoles(field)]])),
  );
};

/** As it is sent. */
export const sentProfile = (profile: UserProfile): unknown => profileJson(profile);

const readUser = aRecord({
  identity: text,
  method: text,
  profile: aProfile,
  routes: someOf(aRecord({ network: anIpv4, prefixLength: aCount(0, 32) }), 16),
  /** When its limits began; undefined: there are none. */
  begunAt: maybe(anInstant),
  /** ms since 1970. */
  startedAt: maybe(aNumber),
  /** Watchers know of it. */
  told: aFlag,
  /** When its last accounting record was made. */
  lastRecordAt: maybe(anInstant),
});
export type UserSnapshot = Omit<StateOf<typeof readUser>, 'profile'> & { readonly profile: UserProfile };

const readIpv6 = aRecord({
  prefix: someBits64,
  localInterfaceId: someBits64,
  fixed: aFlag,
  routed: aFlag,
  up: maybe(aRecord({ prefix: someBits64, localInterfaceId: someBits64, peerInterfaceId: someBits64 })),
});
export type Ipv6Snapshot = StateOf<typeof readIpv6>;

const readTunnel = aRecord({
  id: aSessionId,
  call: aRecord({ local: anIpv4, peer: anIpv4, localCallId: aCallId, peerCallId: aCallId }),
  peerName: text,
  window: aRecord({ packets: counter, processingDelay: counter }),
  attributes: someOf(aRecord({ name: text, value: text }), 64),
  drops: someOf(aRecord({ key: text, count: counter }), 1024),
  openedAt: anInstant,
  upAt: anInstant,
  undecryptable: counter,
  lostReported: counter,
  trace: aRecord({ traceId: text, spanId: text, sampled: aFlag }),
  encryption: text,
  address: anIpv4,
  /** Inner address that packets go to; undefined while IPCP is closed. */
  bound: maybe(anIpv4),
  pool: maybe(text),
  user: readUser,
  ipv6: maybe(readIpv6),
  framing: aRecord({ peerMru: aCount(0, 0xffff), sendPfc: aFlag, sendAcfc: aFlag }),
  usage: maybe(aRecord({ octetsIn: counter, octetsOut: counter, packetsIn: counter, packetsOut: counter })),
  lastUsed: maybe(anInstant),
  link: aWhole<LinkSnapshot>(readLinkSnapshot),
  channel: aWhole<GreChannelSnapshot>(readChannelSnapshot),
  mppe: aWhole<MppeSnapshot>(readMppeSnapshot),
  shape: maybe(aWhole<ShapeSnapshot>(readShapeSnapshot)),
});
/** As it was read. */
export type TunnelSnapshot = StateOf<typeof readTunnel>;
/** As it is sent: its profile is JSON. */
export type SentTunnel = Omit<TunnelSnapshot, 'user'> & {
  readonly user: Omit<TunnelSnapshot['user'], 'profile'> & { readonly profile: unknown };
};

/** Undefined: it is none, or of another version. */
export const readTunnelSnapshot = (value: unknown): TunnelSnapshot | undefined => readTunnel(value)?.value;
