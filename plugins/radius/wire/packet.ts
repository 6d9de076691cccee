import { readU16, readU32, writeU16, writeU32 } from '../../../core/bytes/bytes.ts';
import { type Attribute, maxValueLength } from './attribute.ts';

/** RFC 2865 section 4, RFC 2866 section 4, RFC 5176 section 2.3, RFC 5997 section 3. */
export const CODE = {
  accessRequest: 1,
  accessAccept: 2,
  accessReject: 3,
  accountingRequest: 4,
  accountingResponse: 5,
  accessChallenge: 11,
  statusServer: 12,
  disconnectRequest: 40,
  disconnectAck: 41,
  disconnectNak: 42,
  coaRequest: 43,
  coaAck: 44,
  coaNak: 45,
} as const;

export interface RadiusPacket {
  readonly code: number;
  readonly identifier: number;
  /** 16 octets. */
  readonly authenticator: Uint8Array;
  readonly attributes: readonly Attribute[];
}

/** Why octets are no packet. */
export type PacketFault =
  /** Fewer octets than a header, or than the Length field says. */
  | 'short'
  /** A Length field out of 20 to 4096. */
  | 'bad-length'
  /** An attribute that is shorter than its header or reaches behind the end. */
  | 'bad-attribute';

export const HEADER_LENGTH = 20;
export const AUTHENTICATOR_LENGTH = 16;
export const MAX_PACKET_LENGTH = 4096;
export const AUTHENTICATOR_AT = 4;
const VENDOR_SPECIFIC = 26;
const VENDOR_HEADER = 4;

/** Total. Octets behind Length are padding and left out. All values are copies. */
export const parsePacket = (bytes: Uint8Array): RadiusPacket | PacketFault => {
  if (bytes.length < HEADER_LENGTH) return 'short';
  const length = readU16(bytes, 2);
  if (length < HEADER_LENGTH || length > MAX_PACKET_LENGTH) return 'bad-length';
  if (length > bytes.length) return 'short';
  // A copy at once: slices of Node's Buffers would share memory with the caller.
  const own = new Uint8Array(bytes.subarray(0, length));
  const attributes = parseAttributes(own.subarray(HEADER_LENGTH));
  if (attributes === undefined) return 'bad-attribute';
  return {
    code: own[0] ?? 0,
    identifier: own[1] ?? 0,
    authenticator: own.slice(AUTHENTICATOR_AT, HEADER_LENGTH),
    attributes,
  };
};

const parseAttributes = (bytes: Uint8Array): readonly Attribute[] | undefined => {
  const found: Attribute[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes[at + 1] ?? 0;
    if (length < 2 || at + length > bytes.length) return undefined;
    const type = bytes[at] ?? 0;
    const value = bytes.slice(at + 2, at + length);
    if (type === VENDOR_SPECIFIC) found.push(...vendorAttributes(value));
    else found.push({ vendor: 0, type, value });
    at += length;
  }
  return found;
};

/** RFC 2865 section 5.26: the format there is a SHOULD; what has another is kept whole, as attribute 26. */
const vendorAttributes = (value: Uint8Array): readonly Attribute[] => {
  const whole: readonly Attribute[] = [{ vendor: 0, type: VENDOR_SPECIFIC, value }];
  const vendor = readU32(value, 0);
  if (value.length <= VENDOR_HEADER || vendor === 0) return whole;
  const found: Attribute[] = [];
  for (let at = VENDOR_HEADER; at < value.length; ) {
    const length = value[at + 1] ?? 0;
    if (length < 2 || at + length > value.length) return whole;
    found.push({ vendor, type: value[at] ?? 0, value: value.slice(at + 2, at + length) });
    at += length;
  }
  return found;
};

/** Undefined: it would be larger than 4096 octets. Each vendor attribute is in a Vendor-Specific of its own. */
export const writePacket = (packet: RadiusPacket): Uint8Array | undefined => {
  const { code, identifier, authenticator, attributes } = packet;
  const length = attributes.reduce((sum, one) => sum + lengthOf(one), HEADER_LENGTH);
  if (length > MAX_PACKET_LENGTH) return undefined;
  const out = new Uint8Array(length);
  out[0] = code;
  out[1] = identifier;
  writeU16(out, 2, length);
  out.set(authenticator.subarray(0, AUTHENTICATOR_LENGTH), AUTHENTICATOR_AT);
  let at = HEADER_LENGTH;
  for (const one of attributes) at = writeAttribute(out, at, one);
  return out;
};

const octetsIn = ({ vendor, value }: Attribute): number => Math.min(value.length, maxValueLength(vendor));

const lengthOf = (one: Attribute): number => octetsIn(one) + (one.vendor === 0 ? 2 : 2 + VENDOR_HEADER + 2);

const writeAttribute = (out: Uint8Array, at: number, one: Attribute): number => {
  const { vendor, type, value } = one;
  const length = lengthOf(one);
  let inner = at;
  if (vendor !== 0) {
    out[at] = VENDOR_SPECIFIC;
    out[at + 1] = length;
    writeU32(out, at + 2, vendor);
    inner += 2 + VENDOR_HEADER;
  }
  out[inner] = type;
  out[inner + 1] = at + length - inner;
  out.set(value.subarray(0, octetsIn(one)), inner + 2);
  return at + length;
};
