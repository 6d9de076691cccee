import type { Ipv4 } from '../bytes/ipv4-address.ts';
import type { Session } from '../datapath/session.ts';

/** How the data path finds the session of a packet. Knows only the sessions of this process. */
export interface SessionLookup {
  /** By our Call ID; the caller compares the addresses. */
  byCallId(localCallId: number): Session | undefined;
  /** By the inner address assigned to the peer, or else by the longest of the networks behind peers that holds it. */
  byAddress(address: Ipv4): Session | undefined;
  /** By the /64 delegated to the peer, as two 32-bit halves; absent where IPv6 is not carried. */
  byPrefix?(high: number, low: number): Session | undefined;
}

/** Asks for a session's timers to be looked at no later than `at`. */
export interface Wakeups {
  wake(session: Session, at: number): void;
}

/** Where PPP decode hands frames that are not user data: the session's machines. `bytes` is borrowed until return. */
export interface ControlFrames {
  frame(session: Session, protocol: number, bytes: Uint8Array): void;
}
