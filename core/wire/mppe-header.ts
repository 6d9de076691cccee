/** The two octets between the PPP protocol field 0x00FD and the encrypted data (RFC 3078 section 3.1). */
export const MPPE_HEADER_LENGTH = 2;

export const MPPE_BIT = {
  /** A: the RC4 tables were initialised before this packet. */
  flushed: 0x8000,
  /** D: the packet is encrypted. */
  encrypted: 0x1000,
} as const;

/** The coherency count, 12 bits. */
export const MPPE_COUNT_MASK = 0x0fff;

/** Only these protocols go through MPPE (RFC 3078 section 3); all others are always sent as they are. */
export const isMppeProtocol = (protocol: number): boolean => protocol >= 0x0021 && protocol <= 0x00fa;
