import { asciiBytes } from '../bytes/ascii.ts';
import { equalBytes } from '../bytes/bytes.ts';
import { toHex } from '../bytes/hex.ts';
import { desEncrypt, desKeyWithParity } from './des.ts';
import { md4 } from './md4.ts';
import { sha1 } from './sha1.ts';
import { utf16le } from './utf16le.ts';

/** The functions of RFC 2759 section 8, under their names there. Strings of names hold one octet a character. */

const MAGIC_1 = asciiBytes('Magic server to client signing constant');
const MAGIC_2 = asciiBytes('Pad to make it do more than one iteration');

/** The user name as it goes into hashes: without a domain in front (RFC 2759 section 4). "CORP\\alice" is "alice". */
export const withoutDomain = (userName: string): string => userName.slice(userName.lastIndexOf('\\') + 1);

/** NtPasswordHash, section 8.3: 16 octets. As good as the password itself, so it is a secret. */
export const ntPasswordHash = (password: string): Uint8Array => md4(utf16le(password));

/** HashNtPasswordHash, section 8.4. */
export const hashNtPasswordHash = (passwordHash: Uint8Array): Uint8Array => md4(passwordHash);

/** ChallengeHash, section 8.2: 8 octets. A domain in `userName` is left out. */
export const challengeHash = (
  peerChallenge: Uint8Array,
  authenticatorChallenge: Uint8Array,
  userName: string,
): Uint8Array => sha1(peerChallenge, authenticatorChallenge, asciiBytes(withoutDomain(userName))).slice(0, 8);

/** ChallengeResponse, section 8.5 (and RFC 2433 section A.5): 24 octets. */
export const challengeResponse = (challenge: Uint8Array, passwordHash: Uint8Array): Uint8Array => {
  const keys = new Uint8Array(21);
  keys.set(passwordHash.subarray(0, 16));
  const response = new Uint8Array(24);
  for (let block = 0; block < 3; block += 1) {
    const key = desKeyWithParity(keys.subarray(7 * block, 7 * block + 7));
    response.set(desEncrypt(challenge, key), 8 * block);
  }
  return response;
};

/** What one MS-CHAPv2 exchange proves something about. */
export interface MsChapV2Exchange {
  /** 16 octets each. */
  readonly authenticatorChallenge: Uint8Array;
  readonly peerChallenge: Uint8Array;
  /** As sent, domain included. */
  readonly userName: string;
}

/** GenerateNTResponse, section 8.1, from NtPasswordHash: 24 octets. */
export const generateNtResponse = (exchange: MsChapV2Exchange, passwordHash: Uint8Array): Uint8Array =>
  challengeResponse(
    challengeHash(exchange.peerChallenge, exchange.authenticatorChallenge, exchange.userName),
    passwordHash,
  );

/** Compares in a time that does not depend on where the two differ. */
export const checkNtResponse = (
  exchange: MsChapV2Exchange,
  passwordHash: Uint8Array,
  ntResponse: Uint8Array,
): boolean => equalBytes(generateNtResponse(exchange, passwordHash), ntResponse);

/** GenerateAuthenticatorResponse, section 8.7: "S=" and 40 upper-case hexadecimal digits. */
export const generateAuthenticatorResponse = (
  exchange: MsChapV2Exchange,
  passwordHash: Uint8Array,
  ntResponse: Uint8Array,
): string => {
  const signed = sha1(hashNtPasswordHash(passwordHash), ntResponse, MAGIC_1);
  const challenge = challengeHash(exchange.peerChallenge, exchange.authenticatorChallenge, exchange.userName);
  return `S=${toHex(sha1(signed, challenge, MAGIC_2)).toUpperCase()}`;
};

/** CheckAuthenticatorResponse, section 8.8, in constant time; small letters in the digits are let pass. */
export const checkAuthenticatorResponse = (
  exchange: MsChapV2Exchange,
  passwordHash: Uint8Array,
  ntResponse: Uint8Array,
  received: string,
): boolean =>
  equalBytes(
    asciiBytes(generateAuthenticatorResponse(exchange, passwordHash, ntResponse)),
    asciiBytes(received.toUpperCase()),
  );
