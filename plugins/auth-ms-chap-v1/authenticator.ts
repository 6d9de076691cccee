import {
  ChapAuthenticator,
  type ChapAuthenticatorOptions,
  type ChapDialect,
} from '../../core/machine/chap-authenticator.ts';
import { greeting } from '../../core/machine/greeting.ts';
import { MS_CHAP_ANSWERS } from '../../core/machine/ms-chap-answers.ts';
import type { AuthContext, AuthKinds } from '../../core/ports/auth.ts';
import type { UserProfile } from '../../core/ports/profile.ts';
import { formatMsChapFailure } from '../../core/wire/chap.ts';
import {
  CHANGE_PASSWORD_CODE,
  MS_CHAP_V1_CHALLENGE_LENGTH,
  parseMsChapV1Change,
  parseMsChapV1Response,
} from '../../core/wire/ms-chap.ts';

const VERSION = 2;
/** Added to the first octet of the challenge for a retry (RFC 2433 section 8). */
const RETRY_STEP = 23;

type Grant = AuthKinds['ms-chap-v1']['grant'];
const success = (usual: string) => (grant: object, profile: UserProfile) =>
  isOurs(grant) ? { message: greeting(profile, usual), keys: grant.keys } : undefined;
const isOurs = (grant: object): grant is Grant => 'keys' in grant && !('authenticatorResponse' in grant);

const stepped = (challenge: Uint8Array): Uint8Array => {
  const next = challenge.slice();
  next[0] = ((next[0] ?? 0) + RETRY_STEP) & 0xff;
  return next;
};

/**
 * The authenticator's packets of MS-CHAPv1: RFC 2433 sections 5 to 10. Failures carry no challenge, as those of Windows NT:
 * which one a change of password answers is otherwise said in two ways (section 10 and section B.1). LAN Manager proofs
 * are refused.
 */
const dialect: ChapDialect = {
  challengeLength: MS_CHAP_V1_CHALLENGE_LENGTH,
  response(packet, { challenge }) {
    const response = parseMsChapV1Response(packet.value);
    if (response === undefined) return undefined;
    const userName = packet.name;
    const { ntResponse, useNt } = response;
    return {
      userName,
      question: useNt
        ? { kind: 'verify', method: 'ms-chap-v1', request: { userName, challenge, ntResponse } }
        : 'proof-refused',
      success: success('Welcome'),
    };
  },
  change(packet, { challenge, userName }) {
    // Version 1 sends hashes that a listener can use; section 9 deprecates it.
    if (packet.code === CHANGE_PASSWORD_CODE.version1) {
      return { userName, question: 'proof-refused', success: () => undefined };
    }
    const change = packet.code === CHANGE_PASSWORD_CODE.version2 ? parseMsChapV1Change(packet.data) : undefined;
    if (change === undefined) return undefined;
    const { useNt, ...proof } = change;
    return {
      userName,
      question: useNt
        ? { kind: 'verify', method: 'ms-chap-v1-change', request: { userName, challenge, ...proof } }
        : 'proof-refused',
      success: success('Password changed'),
    };
  },
  retriable: (denial) => MS_CHAP_ANSWERS[denial].retriable,
  failure(denial, retry, { challenge }) {
    const { error, text } = MS_CHAP_ANSWERS[denial];
    return {
      message: formatMsChapFailure({ error, retry, version: VERSION, text }),
      challenge: retry ? stepped(challenge) : challenge,
    };
  },
};

export const msChapV1Authenticator = (context: AuthContext, options: ChapAuthenticatorOptions): ChapAuthenticator =>
  new ChapAuthenticator(context, dialect, options);
