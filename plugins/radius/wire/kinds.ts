import { concatBytes, readU32, writeU32 } from '../../../core/bytes/bytes.ts';
import { type Ipv4, ipv4 as toIpv4 } from '../../../core/bytes/ipv4-address.ts';
import {
  type Bits64,
  type Ipv6,
  readBits64,
  readIpv6,
  writeBits64,
  writeIpv6,
} from '../../../core/bytes/ipv6-address.ts';
import type { Ipv6PrefixValue, ValueKind } from './attribute.ts';

/** RFC 2868 section 3.1: which tunnel an attribute belongs to; 0: of no particular one. */
export interface Tagged<T> {
  /** 0 to 31. */
  readonly tag: number;
  readonly value: T;
}

const MAX_TAG = 0x1f;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** UTF-8 (RFC 2865 section 5); what is none reads with replacement characters. */
export const text: ValueKind<string> = {
  name: 'text',
  read: (value) => decoder.decode(value),
  write: (value) => encoder.encode(value),
};

export const string: ValueKind<Uint8Array> = {
  name: 'string',
  read: (value) => value.slice(),
  write: (value) => value.slice(),
};

const fixed = <T>(
  name: string,
  length: number,
  read: (value: Uint8Array) => T,
  write: (out: Uint8Array, value: T) => void,
): ValueKind<T> => ({
  name,
  read: (value) => (value.length === length ? read(value) : undefined),
  write: (value) => {
    const out = new Uint8Array(length);
    write(out, value);
    return out;
  },
});

/** 32 bits, unsigned; also `time` (RFC 2865 section 5). */
export const integer: ValueKind<number> = fixed(
  'integer',
  4,
  (value) => readU32(value, 0),
  (out, value) => writeU32(out, 0, value),
);

export const ipv4: ValueKind<Ipv4> = fixed(
  'IPv4 address',
  4,
  (value) => toIpv4(readU32(value, 0)),
  (out, value) => writeU32(out, 0, value),
);

export const ipv6: ValueKind<Ipv6> = fixed(
  'IPv6 address',
  16,
  (value) => readIpv6(value, 0),
  (out, value) => writeIpv6(out, 0, value),
);

export const interfaceId: ValueKind<Bits64> = fixed(
  'interface id',
  8,
  (value) => readBits64(value, 0),
  (out, value) => writeBits64(out, 0, value),
);

const bitsBeyond = (address: Uint8Array, length: number): boolean =>
  address.some((octet, at) => {
    const kept = Math.min(8, Math.max(0, length - 8 * at));
    return (octet & (0xff >> kept)) !== 0;
  });

/** RFC 3162 section 2.3: reserved octet, prefix length, as many octets of the prefix as matter (or all). */
export const ipv6Prefix: ValueKind<Ipv6PrefixValue> = {
  name: 'IPv6 prefix',
  read: (value) => {
    const prefixLength = value[1] ?? 0;
    const given = value.subarray(2);
    if (value.length < 2 || given.length > 16 || prefixLength > 128 || 8 * given.length < prefixLength)
      return undefined;
    const address = new Uint8Array(16);
    address.set(given);
    return bitsBeyond(address, prefixLength) ? undefined : { prefix: readIpv6(address, 0), prefixLength };
  },
  write: ({ prefix, prefixLength }) => {
    const address = new Uint8Array(16);
    writeIpv6(address, 0, prefix);
    return concatBytes(Uint8Array.of(0, prefixLength), address.subarray(0, Math.ceil(prefixLength / 8)));
  },
};

/** RFC 2868 section 3.1: a tag, then 24 bits. */
export const taggedInteger: ValueKind<Tagged<number>> = fixed(
  'tagged integer',
  4,
  (value) => {
    const tag = value[0] ?? 0;
    return { tag: tag > MAX_TAG ? 0 : tag, value: readU32(value, 0) & 0xffffff };
  },
  (out, { tag, value }) => writeU32(out, 0, ((tag & MAX_TAG) << 24) | (value & 0xffffff)),
);

/** RFC 2868 section 3.3: a first octet above 31 is text already, with no tag before it. */
export const taggedText: ValueKind<Tagged<string>> = {
  name: 'tagged text',
  read: (value) => {
    const [tag] = value;
    if (tag === undefined || tag > MAX_TAG) return { tag: 0, value: decoder.decode(value) };
    return { tag, value: decoder.decode(value.subarray(1)) };
  },
  write: ({ tag, value }) => concatBytes(Uint8Array.of(tag & MAX_TAG), encoder.encode(value)),
};
