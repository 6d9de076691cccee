import { asciiText } from '../bytes/ascii.ts';
import { equalBytes } from '../bytes/bytes.ts';
import { utf8Bytes, utf8Text } from '../bytes/utf8.ts';
import { checkChapMd5Response } from '../crypto/chap-md5.ts';
import { msChapV1MasterKeys, msChapV2MasterKeys } from '../crypto/mppe-keys.ts';
import {
  challengeResponse,
  checkNtResponse,
  generateAuthenticatorResponse,
  ntPasswordHash,
} from '../crypto/ms-chap-v2.ts';
import { openPasswordChange, type PasswordChange } from '../crypto/nt-password-change.ts';
import type { AuthKinds } from '../ports/auth.ts';

/** What a user is measured by. */
export interface Secrets {
  /** NtPasswordHash of the password. */
  readonly ntHash: Uint8Array;
  /** The password itself, where it is stored. */
  readonly password?: string;
}

type Request<K extends keyof AuthKinds> = AuthKinds[K]['request'];
type Grant<K extends keyof AuthKinds> = AuthKinds[K]['grant'];
type Check<K extends keyof AuthKinds> = (request: Request<K>, secrets: Secrets) => boolean;

/** Each check takes the same time whether or not, and where, the proof is wrong. */
export const provenByPap: Check<'pap'> = ({ password }, { ntHash }) =>
  equalBytes(ntPasswordHash(textOf(password)), ntHash);

/** False without a stored password. */
export const provenByChapMd5: Check<'chap-md5'> = ({ identifier, challenge, response }, { password }) =>
  checkChapMd5Response(identifier, utf8Bytes(password ?? ''), challenge, response) && password !== undefined;

export const provenByMsChapV1: Check<'ms-chap-v1'> = ({ challenge, ntResponse }, { ntHash }) =>
  equalBytes(challengeResponse(challenge, ntHash), ntResponse);

export const provenByMsChapV2: Check<'ms-chap-v2'> = (request, { ntHash }) =>
  checkNtResponse(request, ntHash, request.ntResponse);

export const msChapV1Grant = ({ challenge }: Request<'ms-chap-v1'>, ntHash: Uint8Array): Grant<'ms-chap-v1'> => ({
  keys: msChapV1MasterKeys(ntHash, challenge),
});

export const msChapV2Grant = (request: Request<'ms-chap-v2'>, ntHash: Uint8Array): Grant<'ms-chap-v2'> => ({
  authenticatorResponse: generateAuthenticatorResponse(request, ntHash, request.ntResponse),
  keys: msChapV2MasterKeys(ntHash, request.ntResponse, 'authenticator'),
});

/** A proven change of password: what it is changed to, and what is granted for it. */
export interface ProvenChange<K extends 'ms-chap-v1' | 'ms-chap-v2'> {
  readonly newPassword: string;
  readonly grant: Grant<K>;
}

/**
 * The new password of a change, if who asks knows the old one and proves the new one too; `prove` is the method's own
 * check and grant, made with the new password.
 */
const change = <K extends 'ms-chap-v1' | 'ms-chap-v2', R extends PasswordChange & Request<K>>(
  request: R,
  oldHash: Uint8Array,
  check: Check<K>,
  grant: (request: R, ntHash: Uint8Array) => Grant<K>,
): ProvenChange<K> | undefined => {
  const newPassword = openPasswordChange(request, oldHash);
  if (newPassword === undefined) return undefined;
  const ntHash = ntPasswordHash(newPassword);
  return check(request, { ntHash }) ? { newPassword, grant: grant(request, ntHash) } : undefined;
};

export const msChapV1Change = (
  request: Request<'ms-chap-v1-change'>,
  oldHash: Uint8Array,
): ProvenChange<'ms-chap-v1'> | undefined => change(request, oldHash, provenByMsChapV1, msChapV1Grant);

export const msChapV2Change = (
  request: Request<'ms-chap-v2-change'>,
  oldHash: Uint8Array,
): ProvenChange<'ms-chap-v2'> | undefined => change(request, oldHash, provenByMsChapV2, msChapV2Grant);

/** Passwords in PAP are octets; most peers send UTF-8, old ones ISO 8859-1. */
const textOf = (octets: Uint8Array): string => utf8Text(octets) ?? asciiText(octets);
