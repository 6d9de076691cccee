import { equalBytes } from '../bytes/bytes.ts';
import { md5 } from './md5.ts';

/** The Response Value of RFC 1994 section 4.1: MD5 of identifier, secret and challenge, 16 octets. */
export const chapMd5Response = (identifier: number, secret: Uint8Array, challenge: Uint8Array): Uint8Array =>
  md5(Uint8Array.of(identifier), secret, challenge);

/** Compares in a time that does not depend on where the two differ. */
export const checkChapMd5Response = (
  identifier: number,
  secret: Uint8Array,
  challenge: Uint8Array,
  response: Uint8Array,
): boolean => equalBytes(chapMd5Response(identifier, secret, challenge), response);
