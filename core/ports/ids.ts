import type { Ipv4 } from '../bytes/ipv4-address.ts';
import type { Brand } from '../time.ts';

/** A PPTP Call ID: 16 bits; zero is never used by us. */
export type CallId = Brand<number, 'CallId'>;
export const callId = (value: number): CallId => (value & 0xffff) as CallId;

/** Names a session for logs, traces and the CLI; unique within a process' life. */
export type SessionId = Brand<string, 'SessionId'>;
export const sessionId = (value: string): SessionId => value as SessionId;

/** One call as GRE sees it: both outer addresses and both Call IDs. */
export interface CallEndpoint {
  /** Our address that the peer called; every reply leaves from it (R38). */
  readonly local: Ipv4;
  readonly peer: Ipv4;
  /** Ours: what the peer puts into its GRE packets. */
  readonly localCallId: CallId;
  /** The peer's: what we put into our GRE packets. */
  readonly peerCallId: CallId;
}

/** Allocates our Call IDs: random, unique, quarantined for a time after release. */
export interface CallIds {
  /** Undefined when none is free. */
  allocate(): CallId | undefined;
  release(id: CallId): void;
}
