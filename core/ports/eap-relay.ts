import type { SessionView } from '../datapath/session.ts';
import type { AuthDenial, MppeKeyMaterial } from './auth.ts';
import type { CancelSignal } from './cancel.ts';
import type { UserProfile } from './profile.ts';

export interface EapRelayRequest {
  /** The answer to our Identity request, one character an octet. */
  readonly identity: string;
  /** A whole EAP packet of the peer, Code to the end (RFC 3748 section 4): the Identity Response first. */
  readonly message: Uint8Array;
  /** What the last answer of this exchange carried; undefined at first. */
  readonly state: unknown;
  /** Octets of the largest EAP packet that the link takes; the other side must fragment what it sends. */
  readonly mtu?: number;
  readonly session: SessionView;
  readonly peerName: string;
}

export type EapRelayAnswer =
  /**
   * `message` is a whole EAP Request. `patienceSeconds`: how long the user may take before a copy is sent; as configured
   * where it is not said.
   */
  | {
      readonly kind: 'challenge';
      readonly message: Uint8Array;
      readonly state: unknown;
      readonly patienceSeconds?: number;
    }
  /** `message` is the EAP Success, made by the gateway where it is absent. Keys are needed where MPPE is required. */
  | {
      readonly kind: 'accept';
      readonly message?: Uint8Array;
      readonly identity: string;
      readonly profile: UserProfile;
      readonly keys?: MppeKeyMaterial;
    }
  | { readonly kind: 'reject'; readonly message?: Uint8Array; readonly denial: AuthDenial; readonly detail?: string }
  /** Not a user of the other side: the gateway's own EAP methods take over. Only as answer to the first message. */
  | { readonly kind: 'not-mine' };

/**
 * Takes EAP to a server elsewhere (RFC 3579): the gateway passes packets through, and keeps identifiers, retransmission to
 * the peer and time-outs. Where one is bound and `PPTP_EAP_RELAY` is on, the peer's Identity goes to it first.
 */
export interface EapRelay {
  readonly name: string;
  /** Rejects only when the other side cannot be asked; the caller makes `unavailable` of it. */
  ask(request: EapRelayRequest, signal: CancelSignal): Promise<EapRelayAnswer>;
}
