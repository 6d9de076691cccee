import type { Ipv6 } from '../../../core/bytes/ipv6-address.ts';

/** RFC 3162 section 2.3: bits behind the prefix length are zero. */
export interface Ipv6PrefixValue {
  readonly prefix: Ipv6;
  /** 0 to 128. */
  readonly prefixLength: number;
}

/** One attribute as it is in a packet; `vendor` is 0 for the space of RFC 2865, otherwise the SMI number of a VSA. */
export interface Attribute {
  readonly vendor: number;
  readonly type: number;
  /** At most 253 octets, 247 of a vendor. */
  readonly value: Uint8Array;
}

/** How octets of a value are read and written. */
export interface ValueKind<T> {
  readonly name: string;
  /** Undefined: not of this kind. */
  read(value: Uint8Array): T | undefined;
  write(value: T): Uint8Array;
}

/** An entry of the dictionary. */
export interface AttributeType<T> {
  /** As in the RFCs: `Framed-IP-Address`. */
  readonly name: string;
  readonly vendor: number;
  readonly type: number;
  readonly kind: ValueKind<T>;
}

/** Octets of a value, at most. */
export const maxValueLength = (vendor: number): number => (vendor === 0 ? 253 : 247);

/** Octets of a User-Name, at most. */
export const MAX_NAME_LENGTH = maxValueLength(0);

/** Longer values are cut: who may have more splits before (EAP-Message) or refuses. */
export const attribute = <T>(type: AttributeType<T>, value: T): Attribute => octets(type, type.kind.write(value));

/** A value as octets, whatever its kind: names as a peer sent them. */
export const octets = ({ vendor, type }: AttributeType<unknown>, value: Uint8Array): Attribute => ({
  vendor,
  type,
  value: value.slice(0, maxValueLength(vendor)),
});

const isOf = ({ vendor, type }: AttributeType<unknown>, one: Attribute): boolean =>
  one.vendor === vendor && one.type === type;

/** Those of one type, in their order, as octets. */
export const octetsOf = (attributes: readonly Attribute[], type: AttributeType<unknown>): readonly Uint8Array[] =>
  attributes.filter((one) => isOf(type, one)).map(({ value }) => value);

export const has = (attributes: readonly Attribute[], type: AttributeType<unknown>): boolean =>
  attributes.some((one) => isOf(type, one));

/** Those of one type that are of its kind, in their order. */
export const valuesOf = <T>(attributes: readonly Attribute[], type: AttributeType<T>): readonly T[] =>
  octetsOf(attributes, type).flatMap((value) => type.kind.read(value) ?? []);

/** The first one, if it is of its kind. */
export const firstOf = <T>(attributes: readonly Attribute[], type: AttributeType<T>): T | undefined => {
  const [first] = octetsOf(attributes, type);
  return first === undefined ? undefined : type.kind.read(first);
};
