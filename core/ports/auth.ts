import type { Ipv4 } from '../bytes/ipv4-address.ts';
import type { SessionView } from '../datapath/session.ts';
import type { Machine } from '../machine/machine.ts';
import type { CancelSignal } from './cancel.ts';
import type { UserProfile } from './profile.ts';
import type { RandomSource } from './random.ts';
import type { PhaseSpan } from './telemetry.ts';

/** Master session keys for MPPE, 16 octets each, named from our side: `send` encrypts what we send (RFC 3079 section 3.3). */
export interface MppeKeyMaterial {
  readonly send: Uint8Array;
  readonly receive: Uint8Array;
  /** Key lengths in bits that these keys serve for; absent: all. */
  readonly strengths?: readonly (40 | 56 | 128)[];
}

/** A proof that yields nothing but the identity. */
export type NoGrant = Readonly<Record<never, never>>;

/**
 * What a back-end is asked and answers, per kind of proof. Open: an authentication package adds its kind by declaration
 * merging.
 */
export interface AuthKinds {
  /** RFC 1334 section 2: the password itself, as octets. */
  pap: {
    readonly request: { readonly userName: string; readonly password: Uint8Array };
    readonly grant: NoGrant;
  };
  /** RFC 1994 section 4.1; also EAP-MD5. `response` is 16 octets. */
  'chap-md5': {
    readonly request: {
      readonly userName: string;
      readonly identifier: number;
      readonly challenge: Uint8Array;
      readonly response: Uint8Array;
    };
    readonly grant: NoGrant;
  };
  /** RFC 2433: challenge of 8 octets, NT response of 24. Both directions begin with the same key (RFC 3079 section 2). */
  'ms-chap-v1': {
    readonly request: { readonly userName: string; readonly challenge: Uint8Array; readonly ntResponse: Uint8Array };
    readonly grant: { readonly keys: MppeKeyMaterial };
  };
  /** Change of an expired password (RFC 2433 section 10, code 6): 516 and 16 octets encrypted with the old hash. */
  'ms-chap-v1-change': {
    readonly request: {
      readonly userName: string;
      readonly challenge: Uint8Array;
      readonly encryptedPassword: Uint8Array;
      readonly encryptedHash: Uint8Array;
      readonly ntResponse: Uint8Array;
    };
    readonly grant: { readonly keys: MppeKeyMaterial };
  };
  /** Change of an expired password (RFC 2759 section 7): 516 and 16 octets encrypted with the old hash. */
  'ms-chap-v2-change': {
    readonly request: AuthKinds['ms-chap-v2']['request'] & {
      readonly encryptedPassword: Uint8Array;
      readonly encryptedHash: Uint8Array;
    };
    readonly grant: AuthKinds['ms-chap-v2']['grant'];
  };
  /** A verified client certificate (EAP-TLS): may this identity come in, and with which profile? */
  certificate: {
    readonly request: { readonly userName: string; readonly subject: string; readonly fingerprint: string };
    readonly grant: NoGrant;
  };
  'ms-chap-v2': {
    readonly request: {
      /** As the peer sent it, domain included ("CORP\\alice"); the back-end looks up and hashes the part behind it. */
      readonly userName: string;
      readonly authenticatorChallenge: Uint8Array;
      readonly peerChallenge: Uint8Array;
      readonly ntResponse: Uint8Array;
    };
    readonly grant: {
      /** "S=" and 40 upper-case hexadecimal digits (RFC 2759 section 5). */
      readonly authenticatorResponse: string;
      /** From the authenticator's side. */
      readonly keys: MppeKeyMaterial;
    };
  };
}
export type AuthKind = keyof AuthKinds;
/**
 * `proof-refused`: a proof of a kind we do not take (LAN Manager). `change-refused`: the proof of a password change is
 * right, but the new password is not one we take.
 */
export const AUTH_DENIALS = [
  'bad-credentials',
  'expired',
  'locked',
  'unavailable',
  'proof-refused',
  'change-refused',
] as const;
export type AuthDenial = (typeof AUTH_DENIALS)[number];

export type AuthVerdict<K extends AuthKind = AuthKind> =
  | {
      readonly ok: true;
      readonly identity: string;
      readonly profile: UserProfile;
      readonly grant: AuthKinds[K]['grant'];
    }
  | { readonly ok: false; readonly denial: AuthDenial };

/** `unknown-user` passes the question on to the next back-end; the peer is told what a wrong password is told. */
export type BackEndAnswer<K extends AuthKind = AuthKind> =
  | AuthVerdict<K>
  | { readonly ok: false; readonly denial: 'unknown-user' };

/** Whose proof it is, for back-ends that tell somebody else: not proven, and not to be trusted. */
export interface ProofOrigin {
  readonly session: SessionView;
  /** The peer's control address and port ("203.0.113.9:51234"). */
  readonly peerName: string;
}

/** Back-end: knows users, not frames. */
export interface Authenticator {
  readonly name: string;
  supports(kind: AuthKind): boolean;
  /** Fixed addresses of its users, kept out of the pool's free choice. */
  reservedAddresses?(): ReadonlySet<Ipv4>;
  /** Rejects only when the back-end itself fails; the caller turns that into the denial `unavailable`. */
  verify<K extends AuthKind>(
    kind: K,
    request: AuthKinds[K]['request'],
    signal: CancelSignal,
    origin: ProofOrigin,
  ): Promise<BackEndAnswer<K>>;
}

export type AuthInput =
  | { readonly kind: 'start' }
  /** The information field of a PPP frame of one of the method's protocols; borrowed until return. */
  | { readonly kind: 'frame'; readonly protocol: number; readonly bytes: Uint8Array }
  | { readonly kind: 'verdict'; readonly verdict: AuthVerdict }
  | { readonly kind: 'computed'; readonly result: Computed }
  /** The other side has begun a network protocol: to it, authentication is over (RFC 3748 section 4.2). */
  | { readonly kind: 'network-started' };

/**
 * What became of a `compute` effect's task; `ok: false` when its promise was rejected, and with `denial` when it was not run
 * because a policy keeps this attempt from being made.
 */
export type Computed =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly denial?: 'locked' };

/**
 * Work that takes its time and is no question to a back-end, such as a step of a TLS handshake. The driver runs the task
 * and answers with the input `computed`; the signal fires when the session ends.
 */
export interface ComputeEffect {
  readonly kind: 'compute';
  /** `span`: of the work, for steps of it. */
  readonly task: (signal: CancelSignal, origin: ProofOrigin, span?: PhaseSpan) => Promise<unknown>;
  /** The work begins an attempt to log in that somebody else judges (EapRelay): policies say first whether it may be made. */
  readonly attempt?: { readonly userName: string };
}

/** One request to a back-end; the link answers it with the input `verdict`. */
export type VerifyEffect = {
  readonly [K in AuthKind]: { readonly kind: 'verify'; readonly method: K; readonly request: AuthKinds[K]['request'] };
}[AuthKind];

export type AuthEffect =
  | { readonly kind: 'send'; readonly protocol: number; readonly bytes: Uint8Array }
  | VerifyEffect
  | ComputeEffect
  /** One failed attempt, whether or not the peer may retry: logged once, on one line. */
  | {
      readonly kind: 'attempt-failed';
      readonly identity: string;
      readonly denial: AuthDenial;
      readonly retriesLeft: number;
    }
  | {
      readonly kind: 'accept';
      readonly identity: string;
      readonly profile: UserProfile;
      readonly keys?: MppeKeyMaterial;
      /** Role `peer`: the authenticator has taken `newPassword`; the old one is good for nothing any more. */
      readonly passwordChanged?: true;
    }
  | { readonly kind: 'reject'; readonly identity: string; readonly denial: AuthRefusal; readonly detail?: string };

/** Why an exchange failed; `detail` of the effect `reject` says more, for people. */
export type AuthRefusal = AuthDenial | 'timeout' | 'protocol' | 'no-common-method';

export type AuthRole = 'authenticator' | 'peer';

export interface AuthContext {
  readonly role: AuthRole;
  /** The name we give in challenges (authenticator) or responses (peer: the user name). */
  readonly localName: string;
  /** Role `peer` only. */
  readonly password?: string;
  /** Role `peer` only: what the password is changed to when the authenticator says that it has expired. */
  readonly newPassword?: string;
  readonly random: RandomSource;
  /** The largest information field we may send, in octets; 1400 when it is not said. */
  readonly mru?: number;
  /** Only a proof that yields keys is of any use on this link. */
  readonly keysRequired?: boolean;
}

/** Wire method: knows frames, not users. One object serves all sessions; `begin` makes the state of one. */
export interface AuthMethod {
  readonly name: string;
  /** Data of the LCP Authentication-Protocol option: protocol (2 octets), then the algorithm if any. */
  readonly lcpOption: Uint8Array;
  /** Higher is offered first. */
  readonly preference: number;
  /** True when an accepted exchange yields MPPE keys. */
  readonly yieldsKeys: boolean;
  /** PPP protocol numbers whose frames belong to the exchange. */
  readonly protocols: readonly number[];
  begin(context: AuthContext): Machine<AuthInput, AuthEffect>;
}
