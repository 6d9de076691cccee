import { concatBytes } from '../../../core/bytes/bytes.ts';
import type { AuthKinds } from '../../../core/ports/auth.ts';
import type { Seal } from '../client/index.ts';
import { ATTRIBUTE, type Attribute, attribute, hidePassword, maxValueLength, VENDOR } from '../wire/index.ts';

/** Proofs that a RADIUS server can judge. */
export const RADIUS_KINDS = [
  'ms-chap-v2',
  'ms-chap-v1',
  'chap-md5',
  'pap',
  'ms-chap-v2-change',
  'ms-chap-v1-change',
] as const;
export type RadiusKind = (typeof RADIUS_KINDS)[number];

type Request<K extends RadiusKind> = AuthKinds[K]['request'];

/** RFC 2548: "Identical to the PPP identifier", which servers only give back; one serves as well as another. */
const IDENT = 1;
const CHANGE_CODE = { version1: 6, version2: 7 } as const;
const USE_NT = Uint8Array.of(0, 1);
const NO_LM = new Uint8Array(24);
const RESERVED = new Uint8Array(8);

/** RFC 2548 section 2.2: Code (6 in both versions), Ident, Sequence-Number from 1, and a part of the 516 octets. */
const encryptedPassword = (encrypted: Uint8Array): readonly Attribute[] => {
  const room = maxValueLength(VENDOR.microsoft) - 4;
  const parts = Math.ceil(encrypted.length / room);
  return Array.from({ length: parts }, (_, i) => {
    const head = Uint8Array.of(CHANGE_CODE.version1, IDENT, 0, i + 1);
    return attribute(ATTRIBUTE.msChapNtEncPw, concatBytes(head, encrypted.slice(i * room, (i + 1) * room)));
  });
};

/** What proves it, hidden where it must be. */
export const PROOFS: { readonly [K in RadiusKind]: (request: Request<K>, seal: Seal) => readonly Attribute[] } = {
  pap: ({ password }, { secret, authenticator }) => {
    const hidden = hidePassword(password, secret, authenticator);
    return hidden === undefined ? [] : [attribute(ATTRIBUTE.userPassword, hidden)];
  },
  'chap-md5': ({ identifier, challenge, response }) => [
    attribute(ATTRIBUTE.chapPassword, concatBytes(Uint8Array.of(identifier), response)),
    attribute(ATTRIBUTE.chapChallenge, challenge),
  ],
  'ms-chap-v1': ({ challenge, ntResponse }) => [
    attribute(ATTRIBUTE.msChapChallenge, challenge),
    attribute(ATTRIBUTE.msChapResponse, concatBytes(Uint8Array.of(IDENT, 1), NO_LM, ntResponse)),
  ],
  'ms-chap-v2': ({ authenticatorChallenge, peerChallenge, ntResponse }) => [
    attribute(ATTRIBUTE.msChapChallenge, authenticatorChallenge),
    attribute(ATTRIBUTE.msChap2Response, concatBytes(Uint8Array.of(IDENT, 0), peerChallenge, RESERVED, ntResponse)),
  ],
  'ms-chap-v1-change': ({ challenge, encryptedPassword: password, encryptedHash, ntResponse }) => [
    attribute(ATTRIBUTE.msChapChallenge, challenge),
    ...encryptedPassword(password),
    attribute(
      ATTRIBUTE.msChapCpw2,
      concatBytes(
        Uint8Array.of(CHANGE_CODE.version1, IDENT),
        encryptedHash,
        new Uint8Array(16),
        NO_LM,
        ntResponse,
        USE_NT,
      ),
    ),
  ],
  'ms-chap-v2-change': (request) => [
    attribute(ATTRIBUTE.msChapChallenge, request.authenticatorChallenge),
    ...encryptedPassword(request.encryptedPassword),
    attribute(
      ATTRIBUTE.msChap2Cpw,
      concatBytes(
        Uint8Array.of(CHANGE_CODE.version2, IDENT),
        request.encryptedHash,
        request.peerChallenge,
        RESERVED,
        request.ntResponse,
        new Uint8Array(2),
      ),
    ),
  ],
};
