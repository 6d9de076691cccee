import type { AuthDenial } from './auth.ts';
import type { CancelSignal } from './cancel.ts';

/** TLS without a socket, for EAP-TLS: octets in, octets out. */
export interface TlsEngine {
  open(role: 'server' | 'client'): TlsSession;
}

/** One handshake. Calls do not overlap: the next one waits for the answer to the last. */
export interface TlsSession {
  /** Takes what the other side sent (nothing makes a client begin) and resolves when TLS has no more to say to it. */
  exchange(input: Uint8Array, signal: CancelSignal): Promise<TlsProgress>;
  /** Sends application data; only on an established session. */
  write(data: Uint8Array, signal: CancelSignal): Promise<TlsProgress>;
}

export interface TlsCertificate {
  /** "CN=alice,O=Example", for the log. */
  readonly subject: string;
  /** SHA-256, hexadecimal. */
  readonly fingerprint: string;
  /** Names the certificate was given to: the common name first, then subject alternative names. */
  readonly names: readonly string[];
}

export type TlsProgress =
  | { readonly state: 'handshaking'; readonly output: Uint8Array }
  | {
      /** The handshake is over and the other side's certificate is one of ours (chain, time, purpose, revocation). */
      readonly state: 'established';
      readonly output: Uint8Array;
      readonly version: 'TLSv1.2' | 'TLSv1.3';
      readonly certificate: TlsCertificate;
      /** RFC 5705: `context` undefined is not the same as an empty one. */
      exportKeyingMaterial(length: number, label: string, context?: Uint8Array): Uint8Array;
      /** Application data received since the last call. */
      readonly received: Uint8Array;
    }
  | {
      readonly state: 'failed';
      /** An alert for the other side, or nothing. */
      readonly output: Uint8Array;
      readonly denial: AuthDenial;
      /** For people. */
      readonly reason: string;
    };
