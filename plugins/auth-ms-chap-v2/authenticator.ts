import {
  ChapAuthenticator,
  type ChapAuthenticatorOptions,
  type ChapDialect,
} from '../../core/machine/chap-authenticator.ts';
import { greeting } from '../../core/machine/greeting.ts';
import { MS_CHAP_ANSWERS } from '../../core/machine/ms-chap-answers.ts';
import type { AuthContext, AuthKinds } from '../../core/ports/auth.ts';
import {
  formatMsChapFailure,
  formatMsChapV2Success,
  MS_CHAP_V2_CHALLENGE_LENGTH,
  parseMsChapV2Response,
} from '../../core/wire/chap.ts';
import { CHANGE_PASSWORD_CODE, parseMsChapV2Change } from '../../core/wire/ms-chap.ts';

/** Windows 98 sets this flag and cannot read a Success with a message. */
const FLAG_NO_MESSAGE = 0x04;
const VERSION = 3;

type Grant = AuthKinds['ms-chap-v2']['grant'];
const isOurs = (grant: object): grant is Grant => 'authenticatorResponse' in grant && 'keys' in grant;

const success = (grant: object, text: string | undefined) =>
  isOurs(grant) ? { message: formatMsChapV2Success(grant.authenticatorResponse, text), keys: grant.keys } : undefined;

/** The authenticator's packets of MS-CHAPv2: RFC 2759 sections 3 to 7. Every Failure carries a new challenge. */
const dialect: ChapDialect = {
  challengeLength: MS_CHAP_V2_CHALLENGE_LENGTH,
  response(packet, { challenge }) {
    const response = parseMsChapV2Response(packet.value);
    if (response === undefined) return undefined;
    const { peerChallenge, ntResponse, flags } = response;
    const userName = packet.name;
    return {
      userName,
      question: {
        kind: 'verify',
        method: 'ms-chap-v2',
        request: { userName, authenticatorChallenge: challenge, peerChallenge, ntResponse },
      },
      success: (grant, profile) => success(grant, (flags & FLAG_NO_MESSAGE) === 0 ? greeting(profile) : undefined),
    };
  },
  change(packet, { challenge, userName }) {
    const change = packet.code === CHANGE_PASSWORD_CODE.version3 ? parseMsChapV2Change(packet.data) : undefined;
    if (change === undefined) return undefined;
    return {
      userName,
      question: {
        kind: 'verify',
        method: 'ms-chap-v2-change',
        request: { userName, authenticatorChallenge: challenge, ...change },
      },
      success: (grant, profile) => success(grant, greeting(profile, 'Password changed')),
    };
  },
  retriable: (denial) => MS_CHAP_ANSWERS[denial].retriable,
  failure(denial, retry, _asked, fresh) {
    const { error, text } = MS_CHAP_ANSWERS[denial];
    const challenge = fresh();
    return { message: formatMsChapFailure({ error, retry, challenge, version: VERSION, text }), challenge };
  },
};

export const msChapV2Authenticator = (context: AuthContext, options: ChapAuthenticatorOptions): ChapAuthenticator =>
  new ChapAuthenticator(context, dialect, options);
