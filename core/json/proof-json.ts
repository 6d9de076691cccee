import { asciiBytes, asciiText } from '../bytes/ascii.ts';
import { toBase64 } from '../bytes/base64.ts';
import { formatIpv4 } from '../bytes/ipv4-address.ts';
import { utf8Text } from '../bytes/utf8.ts';
import { withoutDomain } from '../crypto/ms-chap-v2.ts';
import type { AuthKind, AuthKinds, ProofOrigin } from '../ports/auth.ts';
import type { JsonObject } from './read.ts';

/** The version of the questions and answers of this folder: a service that knows another one must refuse. */
export const JSON_PROTOCOL = 1;

/** Kinds of proof that have a form in JSON. */
export const JSON_KINDS = [
  'pap',
  'chap-md5',
  'ms-chap-v1',
  'ms-chap-v2',
  'ms-chap-v1-change',
  'ms-chap-v2-change',
  'certificate',
] as const satisfies readonly AuthKind[];
export type JsonKind = (typeof JSON_KINDS)[number];
export const isJsonKind = (kind: AuthKind): kind is JsonKind => JSON_KINDS.some((known) => known === kind);

type Request<K extends AuthKind> = AuthKinds[K]['request'];

/** Octets of a proof, by name, in base64. */
const octets = (fields: Readonly<Record<string, Uint8Array>>): JsonObject =>
  Object.fromEntries(Object.entries(fields).map(([name, bytes]) => [name, toBase64(bytes)]));

const PROOFS: { readonly [K in JsonKind]: (request: Request<K>) => JsonObject } = {
  pap: ({ password }) => octets({ password }),
  'chap-md5': ({ identifier, challenge, response }) => ({ identifier, ...octets({ challenge, response }) }),
  'ms-chap-v1': ({ challenge, ntResponse }) => octets({ challenge, ntResponse }),
  'ms-chap-v2': ({ authenticatorChallenge, peerChallenge, ntResponse }) =>
    octets({ authenticatorChallenge, peerChallenge, ntResponse }),
  'ms-chap-v1-change': ({ challenge, encryptedPassword, encryptedHash, ntResponse }) =>
    octets({ challenge, encryptedPassword, encryptedHash, ntResponse }),
  'ms-chap-v2-change': (request) => {
    const { authenticatorChallenge, peerChallenge, ntResponse, encryptedPassword, encryptedHash } = request;
    return octets({ authenticatorChallenge, peerChallenge, ntResponse, encryptedPassword, encryptedHash });
  },
  certificate: ({ subject, fingerprint }) => ({ subject, fingerprint }),
};

/** A name of the wire, one octet a character, as text: UTF-8 where it is, else ISO 8859-1. */
export const nameText = (wireName: string): string => {
  const bytes = asciiBytes(wireName);
  return utf8Text(bytes) ?? asciiText(bytes);
};

/** The name that a service looks up: without a domain in front. */
export const userOf = (wireName: string): string => nameText(withoutDomain(wireName));

/** The origin of a question, as the peer's addresses are; nothing of it is proven. */
export const originJson = ({ session: { id, call }, peerName }: ProofOrigin): JsonObject => ({
  peer: peerName,
  peerAddress: formatIpv4(call.peer),
  localAddress: formatIpv4(call.local),
  session: id,
  callId: call.localCallId,
  peerCallId: call.peerCallId,
});

/**
 * One question to a service, without what its transport adds (an id, a signature). It holds a proof: never log it.
 */
export const questionJson = <K extends JsonKind>(kind: K, request: Request<K>, origin: ProofOrigin): JsonObject => {
  const write: (typeof PROOFS)[K] = PROOFS[kind];
  return {
    version: JSON_PROTOCOL,
    type: 'verify',
    user: userOf(request.userName),
    userName: nameText(request.userName),
    userNameOctets: toBase64(asciiBytes(request.userName)),
    proof: { kind, ...write(request) },
    origin: originJson(origin),
  };
};
