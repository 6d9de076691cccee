import type { Observable } from 'rxjs';
import type { Ipv4 } from '../bytes/ipv4-address.ts';
import type { Direction } from '../outcome.ts';
import type { CallEndpoint } from './ids.ts';
import type { Lifecycle } from './lifecycle.ts';

/** Why a call ended or is to be ended; the control plug-in maps it to a CDN result code (RFC 2637 section 2.13). */
export const CLEAR_REASONS = [
  'peer-request',
  'peer-disconnect',
  'control-lost',
  'authentication-failed',
  'negotiation-failed',
  'encryption-required',
  'peer-terminated',
  'link-dead',
  'no-gre',
  'no-address',
  'idle',
  'session-timeout',
  'quota',
  'administrative',
  'shutdown',
] as const;
export type ClearReason = (typeof CLEAR_REASONS)[number];

/** One control message, as traces show it. */
export interface ControlMessage {
  /** In ms of the gateway's clock. */
  readonly at: number;
  readonly direction: Direction;
  /** "outgoing-call-request" and the like: from the set of RFC 2637 section 2. */
  readonly name: string;
  /** Of a reply or a notification: the code and the RFC's name for it, with the general error if there is one. */
  readonly resultCode?: number;
  readonly result?: string;
  readonly errorCode?: number;
}

/** What traces show of a control connection: its latest messages, oldest first, without echoes. */
export interface ControlRecord {
  readonly messages: readonly ControlMessage[];
  /** What the peer says of itself in Start-Control-Connection messages; safe to log. */
  readonly hostName?: string;
  readonly vendorName?: string;
}

export type CallEvent =
  | {
      readonly kind: 'opened';
      readonly call: CallEndpoint;
      /** The peer's control address and port, for logs ("203.0.113.9:51234"). */
      readonly peerName: string;
      /** The peer's receive window in packets and processing delay in 1/10 s (RFC 2637 section 2.7). */
      readonly window: number;
      readonly processingDelay: number;
      /**
       * When the first octet of the control connection arrived, or of the request for a later call on it; in ms of the
       * gateway's clock.
       */
      readonly since: number;
      /** The messages that led to this call. */
      readonly control?: ControlRecord;
    }
  | { readonly kind: 'link-info'; readonly call: CallEndpoint; readonly sendAccm: number; readonly receiveAccm: number }
  | {
      readonly kind: 'closed';
      readonly call: CallEndpoint;
      readonly reason: ClearReason;
      readonly detail: string;
      /** The messages about this call since it opened. */
      readonly control?: ControlRecord;
    }
  /** A control connection is over and never had a call. */
  | {
      readonly kind: 'no-call';
      readonly local: Ipv4;
      readonly peer: Ipv4;
      readonly peerName: string;
      /** As with `opened`; undefined when no octet came. */
      readonly since: number | undefined;
      /** A stable word: `bad-message`, `start-timeout`, `start-unanswered`, `call-refused`. */
      readonly error: string;
      readonly detail: string;
      readonly control: ControlRecord;
    };

/** Counters of a Wan-Error-Notify (RFC 2637 section 2.14), cumulative since the call began. */
export interface WanErrors {
  readonly crc: number;
  readonly framing: number;
  readonly hardwareOverruns: number;
  readonly bufferOverruns: number;
  readonly timeOuts: number;
  readonly alignment: number;
}

export interface ControlPlugin extends Lifecycle {
  readonly calls$: Observable<CallEvent>;
  /** Open control connections, those without a call included; for metrics. */
  readonly connectionCount?: number;
  /** Clients whose set-up runs, and those that wait for theirs to begin; undefined where nobody has to wait. */
  readonly setups?: { readonly running: number; readonly waiting: number };
  /** The user of the call has proven who it is; said again when it proves itself again. */
  proven?(call: CallEndpoint): void;
  /** The tunnel of the call is up: its set-up is over. */
  settled?(call: CallEndpoint): void;
  /**
   * Ends a call from our side: Call-Disconnect-Notify with the result code of `reason`, or Call-Clear-Request where we are
   * its PNS. A `closed` event follows.
   */
  clear(call: CallEndpoint, reason: ClearReason, detail: string): void;
  /** Reports link errors of a call to its peer; the plug-in limits the rate to one a minute. */
  wanError(call: CallEndpoint, errors: WanErrors): void;
  /** Refuse new calls from now on (drain, shutdown). */
  refuseCalls(): void;
  /** Takes calls again. Absent: calls that are refused are refused for good. */
  acceptCalls?(): void;
}
