import type { Ipv4 } from '../bytes/ipv4-address.ts';
import type { Bits64 } from '../bytes/ipv6-address.ts';
import type { ClearReason } from './control.ts';
import type { CallEndpoint, SessionId } from './ids.ts';
import type { UserProfile } from './profile.ts';

/** One session as listeners, accounting and administration are told of it. Plain data: it may go to another process. */
export interface SessionFacts {
  readonly id: SessionId;
  readonly call: CallEndpoint;
  /** The peer's control address and port ("203.0.113.9:51234"). */
  readonly peerName: string;
  /** What the peer calls itself in the control connection; printable, and absent where it says nothing. */
  readonly hostName?: string;
  /** As proven: the user name, with its domain if it has one. */
  readonly identity: string;
  /** Authentication method by its name: `ms-chap-v2`, `eap`. */
  readonly method: string;
  /** The inner address; undefined while the session is being set up. */
  readonly address: Ipv4 | undefined;
  /** The /64 of the peer; undefined without IPv6. */
  readonly ipv6Prefix: Bits64 | undefined;
  /** "MPPE 128 stateless" and the like, or "none". */
  readonly encryption: string;
  /** As in force now, with all changes. */
  readonly profile: UserProfile;
  /** When the call began, and when its network first came up, in ms since 1970; the latter undefined until then. */
  readonly startedAt: number;
  readonly upAt: number | undefined;
  /** Of the session's trace, for logs elsewhere. */
  readonly traceId: string;
}

/** Inner IP packets that passed: `in` came from the peer. Whole numbers below 2^53. All 0 where nothing counts them. */
export interface SessionUsage {
  readonly octetsIn: number;
  readonly octetsOut: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
}

export interface SessionEnding {
  readonly reason: ClearReason;
  /** For people. */
  readonly detail: string;
}
