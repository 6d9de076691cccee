import { readU16, readU32, writeU16, writeU32 } from '../bytes/bytes.ts';
import { type Ipv6, writeIpv6 } from '../bytes/ipv6-address.ts';

/** IPv6 header (RFC 8200 section 3), read in place. Accessors are safe on any octets after `checkIpv6` said `ok`. */
export const IPV6_HEADER_LENGTH = 40;
/** RFC 8200 section 5: every link that carries IPv6 carries this much. */
export const IPV6_LEAST_MTU = 1280;
export const NEXT_HEADER = { tcp: 6, udp: 17, icmpv6: 58, hopByHop: 0, fragment: 44 } as const;

const PAYLOAD_LENGTH = 4;
const NEXT = 6;
export const IPV6_SOURCE = 8;
export const IPV6_DESTINATION = 24;

export type Ipv6Check = 'ok' | 'malformed' | 'truncated';

/** Whether a whole IPv6 packet lies in `length` octets at `at`; octets behind its payload (padding) are allowed. */
export const checkIpv6 = (b: Uint8Array, at: number, length: number): Ipv6Check => {
  if (length < 1) return 'truncated';
  if ((b[at] ?? 0) >> 4 !== 6) return 'malformed';
  if (length < IPV6_HEADER_LENGTH) return 'truncated';
  return IPV6_HEADER_LENGTH + ipv6PayloadLength(b, at) > length ? 'truncated' : 'ok';
};

export const ipv6PayloadLength = (b: Uint8Array, at: number): number => readU16(b, at + PAYLOAD_LENGTH);
export const ipv6NextHeader = (b: Uint8Array, at: number): number => b[at + NEXT] ?? 0;

/** Of the 16 octets at `at`: fe80::/10. */
export const isLinkLocal = (b: Uint8Array, at: number): boolean => readU16(b, at) >>> 6 === 0xfe80 >>> 6;
export const isMulticast = (b: Uint8Array, at: number): boolean => b[at] === 0xff;
export const isUnspecified = (b: Uint8Array, at: number): boolean =>
  readU32(b, at) === 0 && readU32(b, at + 4) === 0 && readU32(b, at + 8) === 0 && readU32(b, at + 12) === 0;

export const writeIpv6Header = (
  b: Uint8Array,
  at: number,
  fields: {
    readonly payloadLength: number;
    readonly nextHeader: number;
    readonly hopLimit: number;
    readonly source: Ipv6;
    readonly destination: Ipv6;
  },
): void => {
  writeU32(b, at, 0x60000000);
  writeU16(b, at + PAYLOAD_LENGTH, fields.payloadLength);
  b[at + NEXT] = fields.nextHeader;
  b[at + 7] = fields.hopLimit;
  writeIpv6(b, at + IPV6_SOURCE, fields.source);
  writeIpv6(b, at + IPV6_DESTINATION, fields.destination);
};
