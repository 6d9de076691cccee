import type { Observable } from 'rxjs';
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
  'administrative',
  'shutdown',
] as const;
export type ClearReason = (typeof CLEAR_REASONS)[number];

export type CallEvent =
  | {
      readonly kind: 'opened';
      readonly call: CallEndpoint;
      /** The peer's control address and port, for logs ("203.0.113.9:51234"). */
      readonly peerName: string;
      /** The peer's receive window in packets and processing delay in 1/10 s (RFC 2637 section 2.7). */
      readonly window: number;
      readonly processingDelay: number;
      /** When the first octet of the control connection arrived, in ms of the gateway's clock. */
      readonly since: number;
    }
  | { readonly kind: 'link-info'; readonly call: CallEndpoint; readonly sendAccm: number; readonly receiveAccm: number }
  | { readonly kind: 'closed'; readonly call: CallEndpoint; readonly reason: ClearReason; readonly detail: string };

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
  /**
   * Ends a call from our side: Call-Disconnect-Notify with the result code of `reason`, or Call-Clear-Request where we are
   * its PNS. A `closed` event follows.
   */
  clear(call: CallEndpoint, reason: ClearReason, detail: string): void;
  /** Reports link errors of a call to its peer; the plug-in limits the rate to one a minute. */
  wanError(call: CallEndpoint, errors: WanErrors): void;
  /** Refuse new calls from now on (drain, shutdown). */
  refuseCalls(): void;
}
