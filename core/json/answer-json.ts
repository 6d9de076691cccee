import { toBase64 } from '../bytes/base64.ts';
import { fromHex, toHex } from '../bytes/hex.ts';
import { ntPasswordHash } from '../crypto/ms-chap-v2.ts';
import {
  AUTH_DENIALS,
  type AuthDenial,
  type AuthKind,
  type AuthKinds,
  type BackEndAnswer,
  type MppeKeyMaterial,
  type NoGrant,
} from '../ports/auth.ts';
import type { UserProfile } from '../ports/profile.ts';
import { judgeProof, judgesProof } from '../proofs/judge-proof.ts';
import type { Secrets } from '../proofs/proofs.ts';
import { profileJson, readProfile } from './profile-json.ts';
import { JSON_PROTOCOL, type JsonKind, userOf } from './proof-json.ts';
import { base64, type JsonObject, line, list, object, oneOf, parsed, type Read, type Reader } from './read.ts';

/** Told only to those who have proven that they know the password. */
const AFTER_PROOF = ['expired', 'locked'] as const;
export type DenialAfterProof = (typeof AFTER_PROOF)[number];

/** What a service says. `secret`: it does not judge, but says what the proof is to be judged by. */
export type ServiceAnswer<K extends AuthKind = AuthKind> =
  | {
      readonly result: 'accept';
      readonly identity?: string;
      readonly profile: UserProfile;
      readonly grant: AuthKinds[K]['grant'];
    }
  | {
      readonly result: 'secret';
      readonly identity?: string;
      readonly profile: UserProfile;
      readonly secrets: Secrets;
      readonly denial?: DenialAfterProof;
    }
  | { readonly result: 'reject'; readonly denial: AuthDenial }
  | { readonly result: 'unknown-user' };

const keys = object<MppeKeyMaterial>(
  { send: base64(16), receive: base64(16), strengths: list(oneOf(40, 56, 128), 3, 1) },
  ['send', 'receive'],
);
const authenticatorResponse = parsed('"S=" and 40 hexadecimal digits', (text) =>
  /^S=[0-9A-Fa-f]{40}$/.test(text) ? text.toUpperCase() : undefined,
);
const none: Reader<NoGrant> = object<NoGrant>({});
const v1 = object<AuthKinds['ms-chap-v1']['grant']>({ keys }, ['keys']);
const v2 = object<AuthKinds['ms-chap-v2']['grant']>({ authenticatorResponse, keys }, ['authenticatorResponse', 'keys']);

const GRANTS: { readonly [K in JsonKind]: Reader<AuthKinds[K]['grant']> } = {
  pap: none,
  'chap-md5': none,
  'ms-chap-v1': v1,
  'ms-chap-v2': v2,
  'ms-chap-v1-change': v1,
  'ms-chap-v2-change': v2,
  certificate: none,
};

const anything: Reader<unknown> = (value) => ({ ok: true, value });
const version = oneOf(JSON_PROTOCOL);

interface Head {
  readonly version: number;
  readonly result: string;
}
interface Accept extends Head {
  readonly identity?: string;
  readonly profile?: UserProfile;
  readonly grant?: unknown;
}
interface Secret extends Head {
  readonly identity?: string;
  readonly profile?: UserProfile;
  readonly denial?: DenialAfterProof;
  readonly ntHash?: Uint8Array;
  readonly password?: string;
}
interface Reject extends Head {
  readonly denial: AuthDenial;
}

const identity = line(255);
// What a column that was never filled in gives: no account is meant to be open to everybody.
const NO_PASSWORD = toHex(ntPasswordHash(''));
const ntHash = parsed('32 hexadecimal digits, and not those of an empty password', (text) =>
  /^[0-9a-f]{32}$/i.test(text) && text.toLowerCase() !== NO_PASSWORD ? fromHex(text) : undefined,
);
// Octets that are no UTF-8 have been read as U+FFFD: a password that nobody can type.
const password = parsed('text of 1 to 256 characters, in UTF-8', (text) =>
  text.length > 0 && text.length <= 256 && !text.includes('\ufffd') ? text : undefined,
);

const accept = object<Accept>({ version, result: oneOf('accept'), identity, profile: readProfile, grant: anything }, [
  'version',
]);
const secret = object<Secret>(
  { version, result: oneOf('secret'), identity, profile: readProfile, denial: oneOf(...AFTER_PROOF), ntHash, password },
  ['version'],
);
const reject = object<Reject>({ version, result: oneOf('reject'), denial: oneOf(...AUTH_DENIALS) }, [
  'version',
  'denial',
]);
const unknownUser = object<Head>({ version, result: oneOf('unknown-user') }, ['version']);
const RESULTS = oneOf('accept', 'secret', 'reject', 'unknown-user');

/** Reads what a service answered to a question about a proof of this kind. Total. */
export const readAnswer = <K extends JsonKind>(kind: K, value: unknown): Read<ServiceAnswer<K>> => {
  if (typeof value !== 'object' || value === null) return { ok: false, complaint: 'answer must be an object' };
  const result = RESULTS('result' in value ? value.result : undefined, 'answer.result');
  if (!result.ok) return result;
  switch (result.value) {
    case 'accept':
      return acceptance(kind, accept(value, 'answer'));
    case 'secret':
      return secrecy(secret(value, 'answer'));
    case 'reject': {
      const read = reject(value, 'answer');
      return read.ok ? { ok: true, value: { result: 'reject', denial: read.value.denial } } : read;
    }
    case 'unknown-user': {
      const read = unknownUser(value, 'answer');
      return read.ok ? { ok: true, value: { result: 'unknown-user' } } : read;
    }
  }
};

const acceptance = <K extends JsonKind>(kind: K, read: Read<Accept>): Read<ServiceAnswer<K>> => {
  if (!read.ok) return read;
  const { profile = {}, identity: name, grant: given = {} } = read.value;
  const readGrant: (typeof GRANTS)[K] = GRANTS[kind];
  const grant = readGrant(given, 'answer.grant');
  if (!grant.ok) return grant;
  const answer = { result: 'accept', profile, grant: grant.value } as const;
  return { ok: true, value: name === undefined ? answer : { ...answer, identity: name } };
};

const secrecy = (read: Read<Secret>): Read<Extract<ServiceAnswer, { readonly result: 'secret' }>> => {
  if (!read.ok) return read;
  const { profile = {}, identity: name, ntHash: hash, password: plain, denial } = read.value;
  const named = hash === undefined ? undefined : { ntHash: hash };
  const secrets = plain === undefined ? named : named === undefined ? secretsOf(plain) : undefined;
  if (secrets === undefined) return { ok: false, complaint: 'answer must have either ntHash or password' };
  const rest = { ...(name === undefined ? {} : { identity: name }), ...(denial === undefined ? {} : { denial }) };
  return { ok: true, value: { result: 'secret', profile, secrets, ...rest } };
};

const secretsOf = (plain: string): Secrets => ({ ntHash: ntPasswordHash(plain), password: plain });

/** Writes an answer, for services in TypeScript and for tests. */
export const answerJson = (answer: ServiceAnswer): JsonObject => {
  switch (answer.result) {
    case 'accept': {
      const { identity: name, profile, grant } = answer;
      const head = { version: JSON_PROTOCOL, result: 'accept', identity: name, profile: profileJson(profile) };
      return { ...head, grant: grantJson(grant) };
    }
    case 'secret': {
      const { identity: name, profile, denial, secrets } = answer;
      const known = secrets.password === undefined ? { ntHash: toHex(secrets.ntHash) } : { password: secrets.password };
      const head = { version: JSON_PROTOCOL, result: 'secret', identity: name, profile: profileJson(profile) };
      return { ...head, denial, ...known };
    }
    case 'reject':
      return { version: JSON_PROTOCOL, result: 'reject', denial: answer.denial };
    case 'unknown-user':
      return { version: JSON_PROTOCOL, result: 'unknown-user' };
  }
};

const grantJson = (grant: AuthKinds[AuthKind]['grant']): JsonObject => ({
  ...('authenticatorResponse' in grant ? { authenticatorResponse: grant.authenticatorResponse } : {}),
  ...('keys' in grant
    ? {
        keys: {
          send: toBase64(grant.keys.send),
          receive: toBase64(grant.keys.receive),
          strengths: grant.keys.strengths,
        },
      }
    : {}),
});

/**
 * What the gateway is told: an answer with a secret is judged here. `undefined`: the service gave a secret for a kind of
 * proof that is not judged by one (a change of password, a certificate).
 */
export const settleAnswer = <K extends JsonKind>(
  kind: K,
  request: AuthKinds[K]['request'],
  answer: ServiceAnswer<K>,
): BackEndAnswer<K> | undefined => {
  if (answer.result === 'reject') return { ok: false, denial: answer.denial };
  if (answer.result === 'unknown-user') return { ok: false, denial: 'unknown-user' };
  const { profile, identity: name = userOf(request.userName) } = answer;
  if (answer.result === 'accept') return { ok: true, identity: name, profile, grant: answer.grant };
  if (!judgesProof(kind) || (kind === 'chap-md5' && answer.secrets.password === undefined)) return undefined;
  const grant = judgeProof(kind, request, answer.secrets);
  if (grant === undefined) return { ok: false, denial: 'bad-credentials' };
  return answer.denial === undefined
    ? { ok: true, identity: name, profile, grant }
    : { ok: false, denial: answer.denial };
};
