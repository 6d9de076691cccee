import type { Ipv4 } from '../bytes/ipv4-address.ts';
import type { Bits64 } from '../bytes/ipv6-address.ts';

/** An inner IPv4 network; the host bits of `network` are zero, `prefixLength` is 0 to 32. */
export interface InnerNetwork {
  readonly network: Ipv4;
  readonly prefixLength: number;
}

/** A token bucket of one direction. */
export interface RateLimit {
  /** Inner IP packets, in bits a second; more than 0. */
  readonly bitsPerSecond: number;
  /** Depth of the bucket in octets; absent: what passes in a tenth of a second, and at least ten large packets. */
  readonly burstOctets?: number;
}

/** `up` is from the peer to the intranet, `down` to the peer. A direction that is absent is not limited. */
export interface RateLimits {
  readonly up?: RateLimit;
  readonly down?: RateLimit;
}

/** Encryption that a back-end asks for one user; the gateway's own policy is never weakened by it. */
export interface ProfileEncryption {
  /** Without MPPE the session ends. */
  readonly required: boolean;
  /** Key lengths that are allowed, of those that the gateway allows. */
  readonly strengths?: readonly (40 | 56 | 128)[];
}

/**
 * What a back-end, or a policy, says of a user beyond the proof. What the gateway cannot do for a session ends the session
 * with a line that names it; nothing is passed over in silence.
 */
export interface UserProfile {
  /** Fixed inner address, if the user has one. */
  readonly address?: Ipv4;
  /** Names the pool that the address comes from; absent: the default one. Passed over where `address` is given. */
  readonly pool?: string;
  /** End the session after so many seconds without user data, or in all; 0: never. Absent: as configured. */
  readonly idleSeconds?: number;
  readonly sessionSeconds?: number;
  /** Networks behind the peer: routed into its tunnel, and allowed as inner sources. At most 16. */
  readonly routes?: readonly InnerNetwork[];
  readonly rate?: RateLimits;
  /** Octets of inner packets, both directions together, after which the session ends. */
  readonly quotaOctets?: number;
  /** Seconds between interim accounting records; 0: none. Absent: as configured. */
  readonly interimSeconds?: number;
  /** Opaque to the gateway; given back in accounting (RFC 2865 section 5.25). At most 8 of 253 octets. */
  readonly classes?: readonly Uint8Array[];
  /** Names a packet filter of the gateway's configuration. */
  readonly filter?: string;
  /** Pushed by IPCP instead of the configured ones; at most two each. */
  readonly dns?: readonly Ipv4[];
  readonly wins?: readonly Ipv4[];
  /** Largest inner packet to the peer, in octets; the smaller one of this and the peer's MRU counts. */
  readonly mtu?: number;
  readonly encryption?: ProfileEncryption;
  /** A /64 of the user's own, instead of one of PPTP_IPV6_POOL. */
  readonly ipv6Prefix?: Bits64;
  /** For the person at the other end, where the method can carry it (CHAP Success, MS-CHAP "M="). Printable. */
  readonly message?: string;
}

/**
 * What may change while a session is up. A key that is absent stays as it is; `undefined` puts back what the
 * configuration says.
 */
export interface ProfileChange {
  readonly rate?: RateLimits | undefined;
  readonly filter?: string | undefined;
  readonly idleSeconds?: number | undefined;
  /** Counted from when the session came up, as at first. */
  readonly sessionSeconds?: number | undefined;
  readonly quotaOctets?: number | undefined;
  readonly interimSeconds?: number | undefined;
  readonly classes?: readonly Uint8Array[] | undefined;
}
