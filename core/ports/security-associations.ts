import type { IpNetwork } from '../bytes/ip-network.ts';
import type { Ipv4 } from '../bytes/ipv4-address.ts';

/** Algorithms of ESP. Keys are secrets: they are copied by `add` and never given back. */
export type EspAlgorithm =
  | {
      /** RFC 4106, ICV of 16 octets. */
      readonly name: 'aes-gcm-16';
      /** AES key of 16, 24 or 32 octets, then the salt of 4. */
      readonly key: Uint8Array;
    }
  | {
      /** RFC 3602 with RFC 4868. */
      readonly name: 'aes-cbc-hmac-sha2-256-128';
      /** 16, 24 or 32 octets. */
      readonly key: Uint8Array;
      /** 32 octets. */
      readonly integrityKey: Uint8Array;
    };

export interface SaLimits {
  /** ESP payload, in octets. */
  readonly octets?: number;
  readonly packets?: number;
  readonly seconds?: number;
}

/** Whose it is: sessions of this user, with this inner address, or both. No other session sees it. */
export interface SaOwner {
  readonly identity?: string;
  readonly address?: Ipv4;
}

/** One direction between a peer and a host behind the gateway, for which the gateway does ESP. IPv4. */
export interface SecurityAssociation {
  /** Unique in its direction. */
  readonly name: string;
  /** `in` is from the peer. */
  readonly direction: 'in' | 'out';
  /** 256 to 2^32 - 1; of the associations of one peer, unique in its direction. */
  readonly spi: number;
  readonly owner: SaOwner;
  readonly mode: 'transport' | 'tunnel';
  /** The address that the peer's ESP packets go to and come from. */
  readonly host: Ipv4;
  /** Tunnel mode: what may stand on our side of inner packets; absent: the host alone. */
  readonly networks?: readonly IpNetwork[];
  /** Tunnel mode: what may stand on the peer's side; absent: the address of its session. */
  readonly peerNetworks?: readonly IpNetwork[];
  readonly algorithm: EspAlgorithm;
  /** Extended sequence numbers. */
  readonly esn: boolean;
  /** Inbound: anti-replay window, a multiple of 32 up to 4096; 0: none (not with `esn`). Absent: 64. */
  readonly replayWindow?: number;
  /** Outbound: the last number that was used elsewhere already; absent: 0. */
  readonly sequence?: number;
  /** Past `soft` it goes on and its key manager is told; past `hard` no packet uses it any more. */
  readonly lifetime?: { readonly soft?: SaLimits; readonly hard?: SaLimits };
}

/** What became of an association. `overflow`: all sequence numbers are used. */
export interface SaEvent {
  readonly kind: 'soft' | 'hard' | 'overflow';
  readonly name: string;
  readonly direction: 'in' | 'out';
  readonly spi: number;
}

/** Numbers of one association; no keys. */
export interface SaStatus {
  readonly name: string;
  readonly direction: 'in' | 'out';
  readonly spi: number;
  readonly state: 'usable' | 'expired';
  readonly octets: number;
  readonly packets: number;
  /** Outbound the last number used, inbound the highest one accepted. */
  readonly sequence: number;
}

/**
 * The security associations of a gateway that does ESP, for a key manager: bound by the plug-in `ipsec-esp`. An expired
 * one stays until it is removed, so that what it protected is dropped and does not go in the clear.
 */
export interface SecurityAssociations {
  /** Undefined, or a sentence that says why it cannot be. Of outbound ones that fit a packet the newest is used. */
  add(association: SecurityAssociation): string | undefined;
  /** Puts `association` in the place of the one with this name and its direction, with nothing in between. */
  replace(name: string, association: SecurityAssociation): string | undefined;
  /** False when there is none. */
  remove(name: string, direction: 'in' | 'out'): boolean;
  list(): readonly SaStatus[];
  /** Told after the packet that caused it; the result ends it. */
  subscribe(listener: (event: SaEvent) => void): () => void;
}
