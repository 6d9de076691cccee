import { concatBytes, equalBytes, readU16 } from '../../../core/bytes/bytes.ts';
import { md5 } from '../../../core/crypto/md5.ts';
import { type Attribute, has, octetsOf } from './attribute.ts';
import { ATTRIBUTE } from './dictionary.ts';
import { hmacMd5 } from './hash.ts';
import {
  AUTHENTICATOR_AT,
  AUTHENTICATOR_LENGTH,
  CODE,
  HEADER_LENGTH,
  type PacketFault,
  parsePacket,
  type RadiusPacket,
  writePacket,
} from './packet.ts';

/** Packets with their authenticators: made, and checked before anything in them counts. */

const ZEROES = new Uint8Array(AUTHENTICATOR_LENGTH);
const MESSAGE_AUTHENTICATOR = 80;

/** Room for the Message-Authenticator, before all other attributes: what came later could be forged (BlastRADIUS). */
const UNSIGNED: Attribute = { vendor: 0, type: MESSAGE_AUTHENTICATOR, value: ZEROES };

const unsigned = (attributes: readonly Attribute[]): readonly Attribute[] =>
  attributes.filter(({ vendor, type }) => vendor !== 0 || type !== MESSAGE_AUTHENTICATOR);

/** Where the value of the first Message-Authenticator begins; undefined without one of 16 octets. */
const signatureAt = (bytes: Uint8Array): number | undefined => {
  for (let at = HEADER_LENGTH; at + 2 <= bytes.length; at += Math.max(2, bytes[at + 1] ?? 0)) {
    if (bytes[at] === MESSAGE_AUTHENTICATOR) {
      return bytes[at + 1] === 2 + AUTHENTICATOR_LENGTH ? at + 2 : undefined;
    }
  }
  return undefined;
};

/** HMAC over the packet with its own field zeroed, and with `authenticator` in the header (RFC 3579 section 3.2). */
const signatureOf = (bytes: Uint8Array, at: number, authenticator: Uint8Array, secret: Uint8Array): Uint8Array => {
  const copy = bytes.slice();
  copy.set(authenticator, AUTHENTICATOR_AT);
  copy.set(ZEROES, at);
  return hmacMd5(secret, copy);
};

const sign = (bytes: Uint8Array, authenticator: Uint8Array, secret: Uint8Array): void => {
  const at = signatureAt(bytes);
  if (at !== undefined) bytes.set(signatureOf(bytes, at, authenticator, secret), at);
};

/** MD5 over the packet with `authenticator` in the header, and the secret behind it. */
const digest = (bytes: Uint8Array, authenticator: Uint8Array, secret: Uint8Array): Uint8Array =>
  md5(bytes.subarray(0, AUTHENTICATOR_AT), authenticator, bytes.subarray(HEADER_LENGTH), secret);

/** These have 16 random octets as their authenticator; those of all other requests are made of the packet. */
const hasRandomAuthenticator = (code: number): boolean => code === CODE.accessRequest || code === CODE.statusServer;

/** One without a Message-Authenticator would be ignored, or could be forged. */
export const isAlwaysSigned = hasRandomAuthenticator;

export interface RequestToSeal {
  readonly code: number;
  readonly identifier: number;
  /** 16 octets, hard to guess: for Access-Request and Status-Server, and what hides passwords; else not looked at. */
  readonly authenticator: Uint8Array;
  /** Without Message-Authenticator: it is put in front. */
  readonly attributes: readonly Attribute[];
}

/**
 * A request, ready to be sent. `signed`: with a Message-Authenticator, which an Access-Request and a Status-Server always
 * have. Undefined: too large.
 */
export const sealRequest = (request: RequestToSeal, secret: Uint8Array, signed = true): Uint8Array | undefined => {
  const random = hasRandomAuthenticator(request.code);
  const authenticator = random ? request.authenticator : ZEROES;
  const attributes = unsigned(request.attributes);
  const bytes = writePacket({
    ...request,
    authenticator,
    attributes: signed || random ? [UNSIGNED, ...attributes] : attributes,
  });
  if (bytes === undefined) return undefined;
  sign(bytes, authenticator, secret);
  if (!random) bytes.set(digest(bytes, ZEROES, secret), AUTHENTICATOR_AT);
  return bytes;
};

/** The authenticator of a request that was sealed. */
export const authenticatorOf = (request: Uint8Array): Uint8Array =>
  new Uint8Array(request.subarray(AUTHENTICATOR_AT, HEADER_LENGTH));

/** A reply; `requestAuthenticator` is that of the request which it answers. Undefined: too large. */
export const sealReply = (
  reply: Omit<RadiusPacket, 'authenticator'>,
  requestAuthenticator: Uint8Array,
  secret: Uint8Array,
  signed = true,
): Uint8Array | undefined => {
  const attributes = unsigned(reply.attributes);
  const bytes = writePacket({
    ...reply,
    authenticator: requestAuthenticator,
    attributes: signed ? [UNSIGNED, ...attributes] : attributes,
  });
  if (bytes === undefined) return undefined;
  sign(bytes, requestAuthenticator, secret);
  bytes.set(digest(bytes, requestAuthenticator, secret), AUTHENTICATOR_AT);
  return bytes;
};

/** Why a packet is not to be believed. */
export type SealFault =
  | PacketFault
  /** It was not made with this secret, for this request. */
  | 'bad-authenticator'
  | 'bad-message-authenticator'
  | 'no-message-authenticator';

/** A copy without padding. */
const trimmed = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.subarray(0, readU16(bytes, 2)));

const checked = (
  packet: RadiusPacket,
  bytes: Uint8Array,
  authenticator: Uint8Array,
  secret: Uint8Array,
  required: boolean,
): RadiusPacket | SealFault => {
  if (!has(packet.attributes, ATTRIBUTE.messageAuthenticator)) return required ? 'no-message-authenticator' : packet;
  const at = signatureAt(bytes);
  const alone = octetsOf(packet.attributes, ATTRIBUTE.messageAuthenticator).length === 1;
  const right = at !== undefined && alone;
  if (!right) return 'bad-message-authenticator';
  const given = bytes.subarray(at, at + AUTHENTICATOR_LENGTH);
  return equalBytes(given, signatureOf(bytes, at, authenticator, secret)) ? packet : 'bad-message-authenticator';
};

/**
 * The reply in `bytes`, if it was made for this request by somebody who knows the secret. `required`: one without
 * Message-Authenticator is refused, too. Total.
 */
export const openReply = (
  bytes: Uint8Array,
  requestAuthenticator: Uint8Array,
  secret: Uint8Array,
  required: boolean,
): RadiusPacket | SealFault => {
  const packet = parsePacket(bytes);
  if (typeof packet === 'string') return packet;
  const whole = trimmed(bytes);
  if (!equalBytes(digest(whole, requestAuthenticator, secret), packet.authenticator)) return 'bad-authenticator';
  return checked(packet, whole, requestAuthenticator, secret, required);
};

/**
 * The request in `bytes`, if somebody made it who knows the secret. An Access-Request proves that by its
 * Message-Authenticator alone. Total.
 */
export const openRequest = (bytes: Uint8Array, secret: Uint8Array, required: boolean): RadiusPacket | SealFault => {
  const packet = parsePacket(bytes);
  if (typeof packet === 'string') return packet;
  const whole = trimmed(bytes);
  if (hasRandomAuthenticator(packet.code)) return checked(packet, whole, packet.authenticator, secret, required);
  if (!equalBytes(digest(whole, ZEROES, secret), packet.authenticator)) return 'bad-authenticator';
  return checked(packet, whole, ZEROES, secret, required);
};

const EAP_ROOM = 253;

/** RFC 3579 section 3.1: one EAP packet in as many attributes as it needs. */
export const splitEap = (packet: Uint8Array): readonly Attribute[] => {
  const { vendor, type } = ATTRIBUTE.eapMessage;
  const parts = Math.max(1, Math.ceil(packet.length / EAP_ROOM));
  return Array.from({ length: parts }, (_, i) => ({
    vendor,
    type,
    value: packet.slice(i * EAP_ROOM, (i + 1) * EAP_ROOM),
  }));
};

/** The EAP packet of a RADIUS packet; undefined without EAP-Message. */
export const joinEap = (attributes: readonly Attribute[]): Uint8Array | undefined => {
  const parts = octetsOf(attributes, ATTRIBUTE.eapMessage);
  return parts.length === 0 ? undefined : concatBytes(...parts);
};
