import type { Direction } from '../outcome.ts';
import type { ClearReason, WanErrors } from '../ports/control.ts';
import type { CallId, CallIds } from '../ports/ids.ts';
import type { RandomSource } from '../ports/random.ts';
import type { PptpMessage } from '../wire/pptp-message.ts';
import type { CollisionOutcome } from './pptp-collision.ts';

/**
 * Voluntary tunnel: the server is the PAC and answers, the client is the PNS and opens the connection and the calls
 * (RFC 2637 section 1.2). The role says which calls a machine asks for: a `pns` with OCRQ, a `pac` with ICRQ. What it may
 * send about one call depends on that call, since a `pac` can be the PNS of a call that another PAC announced: the PAC of
 * a call sends CDN and WEN, the PNS CCR and SLI.
 */
export type ControlRole = 'pac' | 'pns';

export interface ControlOptions {
  readonly role: ControlRole;
  /** Opens the control connection; otherwise it is asked for it. A PNS does unless told otherwise, a PAC does not. */
  readonly originates: boolean;
  /** Said to the peer in Start-Control-Connection messages: at most 64 octets each, and 16 bits. */
  readonly hostName: string;
  readonly vendorName: string;
  readonly firmwareRevision: number;
  /** Calls at once on one control connection, 1 to 65535; the PAC also announces it. */
  readonly maxCalls: number;
  /** Packets we buffer per call, processing delay in 1/10 s, bit/s (RFC 2637 sections 2.7 and 2.8). */
  readonly receiveWindow: number;
  readonly processingDelay: number;
  readonly connectSpeed: number;
  /** Take the calls that the peer announces, as their PNS (section 3.2.3). */
  readonly acceptIncomingCalls: boolean;
  /** Ends the log line about an incoming call that is refused because of that, without a full stop. */
  readonly incomingCallsHint: string;
  /** Times in ms. From `open` to established. */
  readonly startTimeoutMs: number;
  /** Silence after which we send Echo-Request, and how long we wait for the reply. */
  readonly echoIntervalMs: number;
  readonly echoTimeoutMs: number;
  readonly stopTimeoutMs: number;
  /** For the reply to Outgoing-Call-Request and Incoming-Call-Request, and for every other reply. */
  readonly outgoingCallTimeoutMs: number;
  readonly replyTimeoutMs: number;
}

/** RFC 2637 section 3.1.4, but 30 s to the established state as Windows has it, and 3 s and 90 s as mpd has them. */
export const CONTROL_DEFAULTS: Omit<ControlOptions, 'role' | 'originates'> = {
  hostName: 'pptp-gateway',
  vendorName: 'pptp-gateway',
  firmwareRevision: 1,
  maxCalls: 100,
  receiveWindow: 64,
  processingDelay: 0,
  connectSpeed: 100_000_000,
  acceptIncomingCalls: false,
  incomingCallsHint: 'incoming calls are not taken here',
  startTimeoutMs: 30_000,
  echoIntervalMs: 60_000,
  echoTimeoutMs: 60_000,
  stopTimeoutMs: 3_000,
  outgoingCallTimeoutMs: 90_000,
  replyTimeoutMs: 60_000,
};

/** Result and error code of a refusal (`OUTGOING_RESULT`, `GENERAL_ERROR` in core/wire/pptp-message-codes.ts). */
export interface CallRefusal {
  readonly resultCode: number;
  readonly errorCode: number;
  /** For the log and the trace: which limit, and what to do; the peer is told the codes only. */
  readonly why?: string;
}

export interface ControlDeps {
  readonly callIds: CallIds;
  readonly random: RandomSource;
  /** Asked for every call that the peer wants and the machine itself would accept; undefined accepts it. */
  readonly admit?: () => CallRefusal | undefined;
  /** Told of every whole message as it is taken or sent, for traces. */
  readonly seen?: (direction: Direction, message: PptpMessage) => void;
  /** Receiver: asked when a Start-Control-Connection-Request arrives (section 3.1.3); see `StartCollisions`. */
  readonly collide?: () => CollisionOutcome;
}

/** What the telephone line tells of an incoming call, at most 64 octets each. */
export interface IncomingNumbers {
  readonly dialed?: string;
  readonly dialing?: string;
}

/** `none` is a general request, `shutdown` says that we are being shut down (RFC 2637 section 2.3). */
export type ControlStopReason = 'none' | 'shutdown';

export type ControlInput =
  /** The TCP connection is up. */
  | { readonly kind: 'open' }
  /** Octets from the peer, borrowed until return. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** The TCP connection is gone, or the peer ended its direction. */
  | { readonly kind: 'closed'; readonly detail: string }
  | {
      readonly kind: 'clear-call';
      readonly localCallId: CallId;
      readonly reason: ClearReason;
      readonly detail: string;
    }
  /** PNS: `tag` comes back in `call-opened` or `call-failed`. */
  | { readonly kind: 'place-call'; readonly tag: number; readonly phoneNumber?: string }
  /** PAC: asks the PNS to take a call that came in; `tag` comes back as with `place-call`. */
  | { readonly kind: 'place-incoming-call'; readonly tag: number; readonly numbers?: IncomingNumbers }
  /** PAC: counters since the call began. */
  | { readonly kind: 'wan-error'; readonly localCallId: CallId; readonly errors: WanErrors }
  /** PNS: the ACCMs that LCP negotiated. */
  | {
      readonly kind: 'set-link-info';
      readonly localCallId: CallId;
      readonly sendAccm: number;
      readonly receiveAccm: number;
    }
  /** Originator: the peer's own request won (section 3.1.3), or is answered already: close without another message. */
  | { readonly kind: 'yield' }
  /** Clear every call and end the connection in order. */
  | { readonly kind: 'stop'; readonly reason: ControlStopReason }
  /** Take no new calls from now on. `why` ends a log line, without a full stop. */
  | { readonly kind: 'refuse-calls'; readonly why?: string }
  /** Takes calls again. */
  | { readonly kind: 'accept-calls' };

/** What the peer says of itself (RFC 2637 sections 2.1 and 2.2); the texts are safe to log. */
export interface ControlPeer {
  readonly protocolVersion: number;
  readonly framingCapabilities: number;
  readonly bearerCapabilities: number;
  readonly maximumChannels: number;
  readonly firmwareRevision: number;
  readonly hostName: string;
  readonly vendorName: string;
}

export type NoteLevel = 'debug' | 'info' | 'warn';
export type NoteFields = Readonly<Record<string, string | number | boolean>>;

export type ControlEffect =
  /** Octets for the peer; one or more whole messages, owned by the receiver of the effect. */
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  /** The last effect of a connection. `abort`: nothing is to be flushed, the peer is lost or out of step. */
  | { readonly kind: 'close'; readonly abort: boolean; readonly detail: string }
  | { readonly kind: 'established'; readonly peer: ControlPeer }
  /** Precedes the `send` of the reply, so that the data path is ready before the peer can use it. */
  | {
      readonly kind: 'call-opened';
      readonly localCallId: CallId;
      readonly peerCallId: CallId;
      /** The peer's (RFC 2637 sections 2.7 and 2.8): packets, 1/10 s. */
      readonly window: number;
      readonly processingDelay: number;
      readonly serial: number;
      readonly connectSpeed: number;
      readonly tag: number | undefined;
    }
  /** Exactly once for every `call-opened`. */
  | {
      readonly kind: 'call-closed';
      readonly localCallId: CallId;
      readonly peerCallId: CallId;
      readonly reason: ClearReason;
      readonly detail: string;
    }
  /** A call of ours that never opened. `result` is the RFC's name of the code, or what went wrong on our side. */
  | {
      readonly kind: 'call-failed';
      readonly tag: number;
      readonly result: string;
      readonly resultCode: number;
      readonly errorCode: number;
      readonly causeCode: number;
      readonly detail: string;
    }
  | {
      readonly kind: 'link-info';
      readonly localCallId: CallId;
      readonly peerCallId: CallId;
      readonly sendAccm: number;
      readonly receiveAccm: number;
    }
  /** PNS: a Wan-Error-Notify arrived. */
  | { readonly kind: 'wan-errors'; readonly localCallId: CallId; readonly errors: WanErrors }
  /** For the log: `event` is a stable dotted name, `message` a sentence. */
  | {
      readonly kind: 'note';
      readonly level: NoteLevel;
      readonly event: string;
      readonly message: string;
      readonly fields: NoteFields;
    };
