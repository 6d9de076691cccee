import { fromBase64, toBase64 } from '../../../core/bytes/base64.ts';
import { type Attribute, CODE, parsePacket, writePacket } from '../wire/index.ts';

const HEADER_LENGTH = 20;
const NO_AUTHENTICATOR = new Uint8Array(16);

/** Attributes as they are in a packet, in base64. Undefined: they have more than a packet can hold. */
export const writeBlock = (attributes: readonly Attribute[]): string | undefined => {
  const packet = { code: CODE.accountingRequest, identifier: 0, authenticator: NO_AUTHENTICATOR, attributes };
  const bytes = writePacket(packet);
  return bytes === undefined ? undefined : toBase64(bytes.subarray(HEADER_LENGTH));
};

/** Undefined: not what `writeBlock` writes. */
export const readBlock = (block: string): readonly Attribute[] | undefined => {
  const octets = fromBase64(block);
  if (octets === undefined) return undefined;
  const bytes = new Uint8Array(HEADER_LENGTH + octets.length);
  bytes[0] = CODE.accountingRequest;
  bytes[2] = bytes.length >>> 8;
  bytes[3] = bytes.length & 0xff;
  bytes.set(octets, HEADER_LENGTH);
  const packet = parsePacket(bytes);
  return typeof packet === 'string' ? undefined : packet.attributes;
};
