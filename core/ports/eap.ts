import type { Machine } from '../machine/machine.ts';
import type {
  AuthDenial,
  AuthRefusal,
  AuthRole,
  AuthVerdict,
  Computed,
  ComputeEffect,
  MppeKeyMaterial,
  VerifyEffect,
} from './auth.ts';
import type { UserProfile } from './profile.ts';
import type { RandomSource } from './random.ts';

export interface EapContext {
  readonly role: AuthRole;
  readonly localName: string;
  /** Role `peer` only. */
  readonly password?: string;
  /** The answer to the Identity request, one character an octet: what the peer says it is, or what we said. */
  readonly identity: string;
  /** Octets of type data that one packet may carry. */
  readonly room: number;
  readonly random: RandomSource;
}

export type EapInput =
  /** Authenticator: the method was chosen and makes its first message. A peer begins with `message`. */
  | { readonly kind: 'start' }
  /** Type data of a Response (authenticator) or a new Request (peer). No effects at all: silently discarded. */
  | { readonly kind: 'message'; readonly identifier: number; readonly bytes: Uint8Array }
  | { readonly kind: 'verdict'; readonly verdict: AuthVerdict }
  | { readonly kind: 'computed'; readonly result: Computed };

export type EapEffect =
  /** Type data for the next Request (authenticator) or for the Response that is due (peer). */
  | { readonly kind: 'message'; readonly bytes: Uint8Array }
  | VerifyEffect
  | ComputeEffect
  | {
      readonly kind: 'attempt-failed';
      readonly identity: string;
      readonly denial: AuthDenial;
      readonly retriesLeft: number;
    }
  /** Authenticator: the host sends Success. Peer: a Success may come now, and is believed. */
  | {
      readonly kind: 'done';
      readonly identity: string;
      readonly profile: UserProfile;
      readonly keys?: MppeKeyMaterial;
    }
  /** Authenticator: the host sends Failure. Peer: the link is given up. */
  | { readonly kind: 'fail'; readonly identity: string; readonly denial: AuthRefusal; readonly detail?: string };

/**
 * One type of EAP. The host (core/machine/eap-*.ts) has Identity, Nak, identifiers, retransmission, Success and Failure;
 * a method has its type data only. One object serves all sessions; `begin` makes the state of one exchange.
 */
export interface EapMethod {
  /** As PPTP_EAP_METHODS names it. */
  readonly name: string;
  /** The EAP Type, 4 or higher (RFC 3748 section 5). */
  readonly type: number;
  /** True when a finished exchange yields MPPE keys. */
  readonly yieldsKeys: boolean;
  begin(context: EapContext): Machine<EapInput, EapEffect>;
}
