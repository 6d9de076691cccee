import { asciiText } from '../../core/bytes/ascii.ts';
import { chapMd5Response } from '../../core/crypto/chap-md5.ts';
import { challengeResponse, generateNtResponse, ntPasswordHash, withoutDomain } from '../../core/crypto/ms-chap-v2.ts';
import type { AuthKind, AuthKinds } from '../../core/ports/auth.ts';
import type { Dice } from './dice.ts';

/** A question to a back-end. */
export type Question = {
  readonly [K in AuthKind]: { readonly kind: K; readonly request: AuthKinds[K]['request'] };
}[AuthKind];

export interface Credentials {
  readonly userName: string;
  readonly password: string;
}

/** Kinds that a password proves. */
export const PASSWORD_KINDS = ['pap', 'chap-md5', 'ms-chap-v1', 'ms-chap-v2'] as const;
export type PasswordKind = (typeof PASSWORD_KINDS)[number];

/** The proof that a client with this password sends, of any of the built-in kinds. */
export const proofOf = (kind: PasswordKind, { userName, password }: Credentials, dice: Dice): Question => {
  const octets = new TextEncoder().encode(password);
  const name = asciiText(new TextEncoder().encode(userName));
  switch (kind) {
    case 'pap':
      return { kind, request: { userName: name, password: octets } };
    case 'chap-md5': {
      const identifier = dice.number(0, 255);
      const challenge = dice.bytes(16);
      const response = chapMd5Response(identifier, octets, challenge);
      return { kind, request: { userName: name, identifier, challenge, response } };
    }
    case 'ms-chap-v1': {
      const challenge = dice.bytes(8);
      const ntResponse = challengeResponse(challenge, ntPasswordHash(password));
      return { kind, request: { userName: name, challenge, ntResponse } };
    }
    case 'ms-chap-v2': {
      const authenticatorChallenge = dice.bytes(16);
      const peerChallenge = dice.bytes(16);
      const exchange = { userName: withoutDomain(name), authenticatorChallenge, peerChallenge };
      const ntResponse = generateNtResponse(exchange, ntPasswordHash(password));
      return { kind, request: { userName: name, authenticatorChallenge, peerChallenge, ntResponse } };
    }
  }
};

/** A question of one of the built-in kinds with nothing right in it. `wellFormed`: fields have the lengths of their RFC. */
export const randomQuestion = (kind: AuthKind, dice: Dice, wellFormed: boolean): Question | undefined => {
  const userName = `nobody-${dice.text()}`;
  const octets = (length: number): Uint8Array => dice.bytes(wellFormed ? length : dice.number(0, 2 * length));
  const change = () => ({ encryptedPassword: octets(516), encryptedHash: octets(16) });
  const exchange = () => ({
    userName,
    authenticatorChallenge: octets(16),
    peerChallenge: octets(16),
    ntResponse: octets(24),
  });
  switch (kind) {
    case 'pap':
      return { kind, request: { userName, password: dice.bytes(dice.number(0, 255)) } };
    case 'chap-md5':
      return {
        kind,
        request: { userName, identifier: dice.number(0, 255), challenge: octets(16), response: octets(16) },
      };
    case 'ms-chap-v1':
      return { kind, request: { userName, challenge: octets(8), ntResponse: octets(24) } };
    case 'ms-chap-v1-change':
      return { kind, request: { userName, challenge: octets(8), ntResponse: octets(24), ...change() } };
    case 'ms-chap-v2':
      return { kind, request: exchange() };
    case 'ms-chap-v2-change':
      return { kind, request: { ...exchange(), ...change() } };
    case 'certificate':
      return { kind, request: { userName, subject: `CN=${dice.text()}`, fingerprint: 'a'.repeat(64) } };
    default:
      return undefined;
  }
};

export const BUILT_IN_KINDS = [
  ...PASSWORD_KINDS,
  'ms-chap-v1-change',
  'ms-chap-v2-change',
  'certificate',
] as const satisfies readonly AuthKind[];
