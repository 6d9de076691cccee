import type { Ipv4 } from '../bytes/ipv4-address.ts';
import type { Bits64 } from '../bytes/ipv6-address.ts';
import type {
  AuthDenial,
  AuthMethod,
  AuthVerdict,
  Computed,
  ComputeEffect,
  MppeKeyMaterial,
  VerifyEffect,
} from '../ports/auth.ts';
import type { ProfileEncryption, UserProfile } from '../ports/profile.ts';
import type { RandomSource } from '../ports/random.ts';
import type { SetupPhase } from '../ports/telemetry.ts';

/** What we do with encryption on a link: four policies (requirements E9). */
export type EncryptionPolicy = 'required' | 'preferred' | 'permitted' | 'disabled';
export type MppeStrength = 40 | 56 | 128;

/** Something that CCP may agree on: never, when the peer asks for it, or when we ask and the peer takes it. */
export type CcpWish = 'off' | 'allow' | 'prefer';

/** `server` authenticates the other side and assigns its address; `client` is authenticated and asks for one. */
export type LinkRole = 'server' | 'client';

export interface LinkOptions {
  readonly role: LinkRole;
  /** The MRU we ask for, in octets (RFC 1661 section 6.1): 1400 unless the outer path says otherwise. */
  readonly mru: number;
  /** Methods we require (server) or accept (client), strongest first. Empty: no authentication. */
  readonly authMethods: readonly AuthMethod[];
  /** Name in our challenges (server) or our user name (client). */
  readonly localName: string;
  /** Role `client` only. */
  readonly password?: string;
  /** Role `client` only: the password to change to when the server says that `password` has expired. */
  readonly newPassword?: string;
  readonly encryption: EncryptionPolicy;
  /** Strengths we allow, strongest first. */
  readonly mppeStrengths: readonly MppeStrength[];
  /** MPPE and MPPC that keep their state from packet to packet. Default `off`: stateless only. */
  readonly statefulMppe?: CcpWish;
  /** MPPC compression. Default `off`. */
  readonly mppc?: CcpWish;
  /** Restart timer in ms, and counters (RFC 1661 section 4.6): 3000, 10, 2, 5. */
  readonly restartMs: number;
  readonly maxConfigure: number;
  readonly maxTerminate: number;
  readonly maxFailure: number;
  /** LCP Echo-Request every so many ms (0: never); the link is dead after `echoFailures` unanswered ones in a row. */
  readonly echoIntervalMs: number;
  readonly echoFailures: number;
  /** The whole of authentication must be over in this time, in ms. */
  readonly authTimeoutMs: number;
  /**
   * From the opening of LCP, or a new negotiation of it, to an open network, in ms, whatever the peer sends; absent: enough for
   * the restart timers and `authTimeoutMs`, without the network phase, which has limits of its own.
   */
  readonly setupTimeoutMs?: number;
  /** Negotiate IPV6CP too (RFC 5072); as a server only for sessions whose profile has a prefix. Default: no. */
  readonly ipv6?: boolean;
  readonly random: RandomSource;
}

/** Addresses of one session, decided by the gateway after authentication. */
export interface NetworkProfile {
  readonly localAddress: Ipv4;
  readonly peerAddress: Ipv4;
  /** Pushed by IPCP when the peer asks (RFC 1877); at most two each are used. */
  readonly dns: readonly Ipv4[];
  readonly wins: readonly Ipv4[];
  readonly ipv6?: Ipv6Profile;
  /** Narrows what the options of the link say of encryption; it never weakens them. */
  readonly encryption?: ProfileEncryption;
}

/** IPv6 of one session. The identifiers are wishes: IPV6CP may agree on others. */
export interface Ipv6Profile {
  /** A /64 of the session's own. */
  readonly prefix: Bits64;
  readonly localInterfaceId: Bits64;
  /** Suggested to a peer that has none. */
  readonly peerInterfaceId?: Bits64;
}

/** What IPV6CP agreed on, and the prefix of the profile (server). */
export interface LinkIpv6 {
  readonly localInterfaceId: Bits64;
  readonly peerInterfaceId: Bits64;
  readonly prefix?: Bits64;
}

export type LinkInput =
  /** The call is up: LCP starts. */
  | { readonly kind: 'open' }
  /** A PPP frame that is not user data: protocol number and information field (borrowed until return). */
  | { readonly kind: 'frame'; readonly protocol: number; readonly bytes: Uint8Array }
  /** Answer to the effect `verify`. */
  | { readonly kind: 'verdict'; readonly verdict: AuthVerdict }
  /** Answer to the effect `compute`. */
  | { readonly kind: 'computed'; readonly result: Computed }
  /** Answer to the effect `authenticated` (server); NCPs may start. */
  | { readonly kind: 'authorize'; readonly profile: NetworkProfile }
  /** The data path lost synchronisation of stateful MPPE or MPPC: a CCP Reset-Request is due. */
  | { readonly kind: 'reset-needed' }
  /** Any packet arrived from the peer: it is alive, echoes may wait. */
  | { readonly kind: 'alive' }
  /** Too many undecryptable packets, administrator, ...: Terminate-Request, then `closed`. */
  | { readonly kind: 'close'; readonly reason: LinkEnd; readonly detail: string };

/** Why a link ended; the gateway maps it to a ClearReason. */
export type LinkEnd =
  | 'authentication-failed'
  | 'negotiation-failed'
  | 'encryption-required'
  | 'no-address'
  | 'peer-terminated'
  | 'echo-timeout'
  | 'no-answer'
  | 'loopback'
  | 'idle'
  | 'session-timeout'
  | 'quota'
  | 'administrative'
  | 'shutdown';

/** What LCP agreed on, for the data path. */
export interface LinkFraming {
  /** The largest information field the peer accepts. */
  readonly peerMru: number;
  /** We may send one-octet protocol fields / leave out FF 03 (RFC 1661 sections 6.5, 6.6). */
  readonly sendPfc: boolean;
  readonly sendAcfc: boolean;
}

/** What CCP agreed on: MPPE, MPPC or both. */
export interface EncryptionParameters {
  /** Undefined: not encrypted, only compressed. */
  readonly strength: MppeStrength | undefined;
  /** How we send. */
  readonly stateless: boolean;
  /** Empty when `strength` is undefined. */
  readonly keys: MppeKeyMaterial;
  /** We send by MPPC (RFC 2118). */
  readonly compression?: boolean;
  /** How the peer sends; absent: as we do. Peers that agree to one thing and ask for another make them differ. */
  readonly receive?: { readonly stateless: boolean; readonly compression: boolean };
}

export type LinkEffect =
  | { readonly kind: 'send'; readonly protocol: number; readonly bytes: Uint8Array }
  | VerifyEffect
  | ComputeEffect
  | {
      readonly kind: 'attempt-failed';
      readonly method: string;
      readonly identity: string;
      readonly denial: AuthDenial;
      readonly retriesLeft: number;
    }
  /** The peer is who it says; the gateway answers `authorize` (or `close`). */
  | {
      readonly kind: 'authenticated';
      readonly method: string;
      readonly identity: string;
      readonly profile: UserProfile;
    }
  /** A set-up phase began or ended, for the trace and the log. */
  | { readonly kind: 'phase'; readonly phase: SetupPhase; readonly state: 'begin' | 'done' }
  | {
      readonly kind: 'phase';
      readonly phase: SetupPhase;
      readonly state: 'failed';
      readonly error: string;
      readonly detail: string;
    }
  /** LCP opened: use this framing from the next frame on. */
  | { readonly kind: 'framing'; readonly framing: LinkFraming }
  /** CCP opened or closed. `undefined`: user data goes in the clear, if the policy lets it go at all. */
  | { readonly kind: 'encryption'; readonly parameters: EncryptionParameters | undefined }
  /** The peer's CCP Reset-Request: the next packet starts the tables and the history over (RFC 3078 section 8.2). */
  | { readonly kind: 'flush' }
  /** IPCP opened: user data may flow with these addresses. `undefined`: it closed. */
  | {
      readonly kind: 'network';
      readonly network:
        | { readonly localAddress: Ipv4; readonly peerAddress: Ipv4; readonly dns: readonly Ipv4[] }
        | undefined;
    }
  /** IPV6CP opened: IPv6 may flow. `undefined`: it closed; the link goes on without. */
  | { readonly kind: 'ipv6'; readonly ipv6: LinkIpv6 | undefined }
  /** Something the operator may want to know (peer quirk, unexpected option, Identification text). Never a secret. */
  | { readonly kind: 'note'; readonly event: string; readonly detail: string }
  /** A frame that changed nothing, by name (counted, not logged). */
  | { readonly kind: 'ignored'; readonly protocol: number; readonly why: string }
  /** The link is over; nothing follows. */
  | { readonly kind: 'closed'; readonly reason: LinkEnd; readonly detail: string };
