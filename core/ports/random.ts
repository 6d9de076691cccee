export interface RandomSource {
  /** Cryptographically strong octets. */
  bytes(length: number): Uint8Array;
}
