import type { Ipv4 } from '../bytes/ipv4-address.ts';
import type { SessionView } from '../datapath/session.ts';
import type { AuthDenial } from './auth.ts';
import type { CancelSignal } from './cancel.ts';
import type { UserProfile } from './profile.ts';

/** One attempt to log in. */
export interface Attempt {
  /** As the peer says, before it is proven; absent where it is not known yet. */
  readonly userName: string | undefined;
  /** The peer's outer address. */
  readonly source: Ipv4;
  /** In ms since 1970. */
  readonly at: number;
}

/** A user who has proven who it is and asks to come in. */
export interface AdmissionRequest {
  readonly session: SessionView;
  /** The peer's control address and port. */
  readonly peerName: string;
  readonly identity: string;
  /** Name of the authentication method. */
  readonly method: string;
  /** As the back-end, and the policies before this one, gave it. */
  readonly profile: UserProfile;
  /** In ms since 1970. */
  readonly at: number;
}

export type PolicyAnswer =
  /** With a profile: it replaces the one of the request for the policies that follow and for the session. */
  | { readonly admit: true; readonly profile?: UserProfile }
  /** `denial` is a stable word for metrics and `explain` (`too-many-sessions`), `detail` a sentence for people. */
  | { readonly admit: false; readonly denial: string; readonly detail: string };

/**
 * Decides who may come in and with what. Several: asked in binding order, each with what the ones before left of the
 * profile; the first refusal ends the session (Terminate-Request, then CDN with the result code of `administrative`).
 */
export interface SessionPolicy {
  readonly name: string;
  /** Before a back-end is asked: false answers the peer at once with the denial `locked`. It must return at once. */
  mayTry?(attempt: Attempt): boolean;
  /**
   * When a back-end has judged the proof, right or wrong, and before the peer is told: false is the denial `locked` in its
   * place. For what has changed meanwhile: of many attempts at a time, all were asked about before the first was judged. It
   * must return at once.
   */
  mayPass?(attempt: Attempt): boolean;
  /**
   * How an attempt that a back-end judged went: `denial` is undefined where the proof was right. One that the peer has left
   * after a challenge of a relay counts as `bad-credentials`.
   */
  tried?(attempt: Attempt, denial: AuthDenial | undefined): void;
  /**
   * After the proof, before the address. Asked again when the peer proves itself again on the same session. A rejected
   * promise, and one that takes longer than PPTP_PLUGIN_TIMEOUT, is a refusal (`unavailable`).
   */
  admit?(request: AdmissionRequest, signal: CancelSignal): PolicyAnswer | Promise<PolicyAnswer>;
}
