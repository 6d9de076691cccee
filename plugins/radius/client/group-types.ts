import type { Attribute, RadiusPacket, SealFault } from '../wire/index.ts';

/** What hides and reveals: the secret, and the authenticator of the request. */
export interface Seal {
  readonly secret: Uint8Array;
  /** 16 octets. */
  readonly authenticator: Uint8Array;
}

export interface RadiusRequest {
  /** Access-Request, Accounting-Request or Status-Server. */
  readonly code: number;
  /** Asked for anew for each server that is tried, since what is hidden depends on the seal. */
  attributes(seal: Seal): readonly Attribute[];
  /** Only this server, by its place in the list: it alone knows the State that the request carries. */
  readonly only?: number;
}

export interface RadiusAnswer {
  /** Verified: it was made for this request by somebody who knows the secret. */
  readonly packet: RadiusPacket;
  /** Place in the list of servers. */
  readonly server: number;
  /** Of the request, to reveal what is hidden in the answer. */
  readonly seal: Seal;
}

export interface GroupOptions {
  /** At least one. Weight 0: asked only when no other lives. */
  readonly servers: readonly { readonly weight: number }[];
  readonly secret: Uint8Array;
  /** Between two copies, in ms. */
  readonly timeoutMs: number;
  /** Copies for one server; at least 1. */
  readonly tries: number;
  readonly deadTimeMs: number;
  /** Requests on their way at a time. */
  readonly maxOutstanding: number;
  /** Requests that wait for a place. */
  readonly maxWaiting: number;
  /** Answers to an Access-Request without Message-Authenticator are dropped; those to EAP are in any case. */
  readonly requireMessageAuthenticator: boolean;
  /** Accounting-Request carries a Message-Authenticator, too; true when it is not said. */
  readonly signRequests?: boolean;
}

export type GroupInput =
  /** `id` is new, and names the request in effects. */
  | { readonly kind: 'ask'; readonly id: number; readonly request: RadiusRequest }
  /** Nobody wants the answer any more; that the server answers is of interest yet. */
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'datagram'; readonly server: number; readonly socket: number; readonly bytes: Uint8Array }
  /** ICMP says that nobody listens there, or there is no way to it. */
  | { readonly kind: 'unreachable'; readonly server: number };

export type RequestFailure =
  /** No server has answered. */
  | 'no-answer'
  /** So many requests wait already. */
  | 'busy'
  /** It has more than 4096 octets. */
  | 'too-large';

/** Why an answer does not count. */
export type ReplyDrop =
  | SealFault
  /** This request had been answered: a copy of it was. */
  | 'duplicate'
  /** The request had been given up, or taken to another server. */
  | 'late'
  /** Nothing was asked under this identifier. */
  | 'unsolicited'
  /** No answer to such a request. */
  | 'wrong-code';

export type GroupEffect =
  | { readonly kind: 'send'; readonly server: number; readonly socket: number; readonly bytes: Uint8Array }
  | { readonly kind: 'answered'; readonly id: number; readonly answer: RadiusAnswer }
  | { readonly kind: 'failed'; readonly id: number; readonly why: RequestFailure }
  | { readonly kind: 'dropped'; readonly server: number; readonly why: ReplyDrop }
  | { readonly kind: 'server-dead' | 'server-alive'; readonly server: number }
  /** It has answered nothing since a request began that is over, dead or not: another way to it may be better. */
  | { readonly kind: 'silent'; readonly server: number };
