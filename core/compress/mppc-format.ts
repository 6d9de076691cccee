/**
 * MPPC (RFC 2118): LZ77 over a history of 8192 octets, bits packed from the most significant one.
 *
 *   literal below 0x80   0 + 7 bits            length 3          0
 *   literal above        10 + 7 bits           length 4..7       10 + 2 bits
 *   offset 0..63         1111 + 6 bits         length 8..15      110 + 3 bits
 *   offset 64..319       1110 + 8 bits         ...
 *   offset 320..8191     110 + 13 bits         length 4096..8191 111111111110 + 12 bits
 */
export const MPPC_HISTORY = 8192;
/** The most octets that one packet may become: a protocol field and the 1500 octets that PPP must take anyway. */
export const MPPC_MOST = 1502;
export const NEAR = 64;
export const MIDDLE = 320;
export const SHORTEST_MATCH = 3;
