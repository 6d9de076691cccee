/** The two octets between the PPP protocol field 0x00FD and the data (RFC 3078 section 3.1, RFC 2118). */
export const MPPE_HEADER_LENGTH = 2;

/** What MPPE and MPPC take from the MRU: that header, and the protocol field of the packet inside it. */
export const MPPE_OVERHEAD = 4;

export const MPPE_BIT = {
  /** A: the RC4 tables were initialised, and the history emptied, before this packet. */
  flushed: 0x8000,
  /** B: this packet stands at the front of the history. */
  atFront: 0x4000,
  /** C: the packet is compressed. */
  compressed: 0x2000,
  /** D: the packet is encrypted. */
  encrypted: 0x1000,
} as const;

/** The coherency count, 12 bits. */
export const MPPE_COUNT_MASK = 0x0fff;

/** The low octet of the coherency count that makes a "flag" packet (RFC 3078 section 7.2). */
export const MPPE_FLAG = 0xff;

/** Only these protocols go through MPPE (RFC 3078 section 3) and MPPC; all others are always sent as they are. */
export const isMppeProtocol = (protocol: number): boolean => protocol >= 0x0021 && protocol <= 0x00fa;
