import { readU16, readU32, writeU32 } from './bytes.ts';

/** Half of an IPv6 address, as two unsigned 32-bit numbers: a /64 prefix or an interface identifier. */
export interface Bits64 {
  readonly high: number;
  readonly low: number;
}

export interface Ipv6 {
  readonly prefix: Bits64;
  readonly interfaceId: Bits64;
}

/** An IPv6 network of at most 64 prefix bits, its other bits zero. */
export interface Ipv6Network {
  readonly prefix: Bits64;
  readonly prefixLength: number;
  /** As written: "fd00:1234::/48". */
  readonly text: string;
}

export const bits64 = (high: number, low: number): Bits64 => ({ high: high >>> 0, low: low >>> 0 });
export const ZERO_BITS64 = bits64(0, 0);
export const LINK_LOCAL_PREFIX = bits64(0xfe800000, 0);

export const equalBits64 = (a: Bits64, b: Bits64): boolean => a.high === b.high && a.low === b.low;
export const isZeroBits64 = (a: Bits64): boolean => a.high === 0 && a.low === 0;

export const readBits64 = (b: Uint8Array, at: number): Bits64 => ({ high: readU32(b, at), low: readU32(b, at + 4) });
export const writeBits64 = (b: Uint8Array, at: number, value: Bits64): void => {
  writeU32(b, at, value.high);
  writeU32(b, at + 4, value.low);
};
/** The eight octets at `at` are `value`; without an object per packet. */
export const holdsBits64 = (b: Uint8Array, at: number, value: Bits64): boolean =>
  readU32(b, at) === value.high && readU32(b, at + 4) === value.low;

export const readIpv6 = (b: Uint8Array, at: number): Ipv6 => ({
  prefix: readBits64(b, at),
  interfaceId: readBits64(b, at + 8),
});
export const writeIpv6 = (b: Uint8Array, at: number, address: Ipv6): void => {
  writeBits64(b, at, address.prefix);
  writeBits64(b, at + 8, address.interfaceId);
};

export const linkLocal = (interfaceId: Bits64): Ipv6 => ({ prefix: LINK_LOCAL_PREFIX, interfaceId });
export const UNSPECIFIED: Ipv6 = { prefix: ZERO_BITS64, interfaceId: ZERO_BITS64 };

const parseGroups = (text: string): number[] | undefined => {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [at, part] of parts.entries()) {
    const quad = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(part);
    if (quad !== null && at === parts.length - 1) {
      const octets = quad.slice(1).map(Number);
      if (octets.some((octet) => octet > 255)) return undefined;
      const [a = 0, b = 0, c = 0, d = 0] = octets;
      groups.push(a * 256 + b, c * 256 + d);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
};

/** The text forms of RFC 4291 section 2.2, without a zone; undefined for anything else. */
export const parseIpv6 = (text: string): Ipv6 | undefined => {
  const [front = '', back, more] = text.split('::');
  if (more !== undefined) return undefined;
  // A dotted quad may only be the very end.
  if (back !== undefined && front.includes('.')) return undefined;
  const head = parseGroups(front);
  const tail = back === undefined ? [] : parseGroups(back);
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (back === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const word = (at: number): number => (((groups[at] ?? 0) << 16) | (groups[at + 1] ?? 0)) >>> 0;
  return { prefix: bits64(word(0), word(2)), interfaceId: bits64(word(4), word(6)) };
};

/** RFC 5952: lower case, the first longest run of two or more zero groups as "::". */
export const formatIpv6 = (address: Ipv6): string => {
  const bytes = new Uint8Array(16);
  writeIpv6(bytes, 0, address);
  const groups = Array.from({ length: 8 }, (_, i) => readU16(bytes, 2 * i));
  let start = 0;
  let run = 0;
  for (let i = 0; i < 8; i += 1) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === 0) length += 1;
    if (length > run) [start, run] = [i, length];
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (run < 2) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + run))}`;
};

/** "fd00:0:0:1::/64" of a /64 prefix. */
export const formatPrefix64 = (prefix: Bits64): string => `${formatIpv6({ prefix, interfaceId: ZERO_BITS64 })}/64`;

/** The bits of a prefix of `length` (0..64) as a mask. */
export const maskBits64 = (length: number): Bits64 => ({
  high: length >= 32 ? 0xffffffff : (~(0xffffffff >>> length) >>> 0) * Number(length > 0),
  low: length <= 32 ? 0 : length >= 64 ? 0xffffffff : ~(0xffffffff >>> (length - 32)) >>> 0,
});

/** "fd00:1234::/48" with every bit behind the prefix zero; at most /64. */
export const parseIpv6Network = (text: string): Ipv6Network | undefined => {
  const match = /^([0-9a-f:.]+)\/(\d{1,2})$/i.exec(text);
  const address = match?.[1] === undefined ? undefined : parseIpv6(match[1]);
  const prefixLength = Number(match?.[2]);
  if (address === undefined || prefixLength > 64) return undefined;
  const mask = maskBits64(prefixLength);
  const { prefix, interfaceId } = address;
  const clean = (prefix.high & ~mask.high) === 0 && (prefix.low & ~mask.low) === 0 && isZeroBits64(interfaceId);
  return clean ? { prefix, prefixLength, text } : undefined;
};
