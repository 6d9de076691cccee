import { msChapV2MasterKeys } from '../../core/crypto/mppe-keys.ts';
import {
  checkAuthenticatorResponse,
  generateNtResponse,
  type MsChapV2Exchange,
  ntPasswordHash,
} from '../../core/crypto/ms-chap-v2.ts';
import { PW_BLOCK_LENGTH, sealPasswordChange } from '../../core/crypto/nt-password-change.ts';
import {
  type ChapChange,
  type ChapConfirmation,
  ChapPeer,
  type ChapPeerDialect,
} from '../../core/machine/chap-peer.ts';
import { msChapDenial } from '../../core/machine/ms-chap-answers.ts';
import type { AuthContext } from '../../core/ports/auth.ts';
import {
  MS_CHAP_ERROR,
  MS_CHAP_V2_CHALLENGE_LENGTH,
  parseMsChapFailure,
  parseMsChapV2Success,
  writeMsChapV2Response,
} from '../../core/wire/chap.ts';
import { CHANGE_PASSWORD_CODE, writeMsChapV2Change } from '../../core/wire/ms-chap.ts';

/** One password's proof, and what it expects of the Success. */
const prove = (context: AuthContext, hash: Uint8Array, authenticatorChallenge: Uint8Array) => {
  const peerChallenge = context.random.bytes(MS_CHAP_V2_CHALLENGE_LENGTH);
  const exchange: MsChapV2Exchange = { authenticatorChallenge, peerChallenge, userName: context.localName };
  const ntResponse = generateNtResponse(exchange, hash);
  const confirm = (message: string): ChapConfirmation | undefined => {
    const received = parseMsChapV2Success(message)?.authenticatorResponse ?? '';
    // Section 5: without a right answer the other side does not know the password, and the session must end.
    if (!checkAuthenticatorResponse(exchange, hash, ntResponse, received)) return undefined;
    return { keys: msChapV2MasterKeys(hash, ntResponse, 'peer') };
  };
  return { peerChallenge, ntResponse, confirm };
};

/** The peer's packets of MS-CHAPv2: RFC 2759 sections 4, 6 and 7. There is one password, so an offered retry is not taken. */
const dialect = (context: AuthContext): ChapPeerDialect => {
  const { newPassword, random } = context;
  let hash = ntPasswordHash(context.password ?? '');
  const change = (challenge: Uint8Array, password: string): ChapChange => {
    const newHash = ntPasswordHash(password);
    const { peerChallenge, ntResponse, confirm } = prove(context, newHash, challenge);
    const sealed = sealPasswordChange(password, hash, random.bytes(PW_BLOCK_LENGTH));
    return {
      code: CHANGE_PASSWORD_CODE.version3,
      data: writeMsChapV2Change({ ...sealed, peerChallenge, ntResponse }),
      confirm(message) {
        const confirmation = confirm(message);
        if (confirmation !== undefined) hash = newHash;
        return confirmation;
      },
      refused: (message) => msChapDenial(parseMsChapFailure(message)),
    };
  };
  return {
    answer(_identifier, challenge) {
      if (challenge.length !== MS_CHAP_V2_CHALLENGE_LENGTH) return undefined;
      const { peerChallenge, ntResponse, confirm } = prove(context, hash, challenge);
      return {
        value: writeMsChapV2Response({ peerChallenge, ntResponse, flags: 0 }),
        confirm,
        refused(message) {
          const failure = parseMsChapFailure(message);
          const expired = failure?.error === MS_CHAP_ERROR.passwordExpired;
          if (!expired || newPassword === undefined) return msChapDenial(failure);
          // Some authenticators leave the challenge out though section 6 demands it; then theirs of before is meant.
          return change(failure.challenge ?? challenge, newPassword);
        },
      };
    },
  };
};

export const msChapV2Peer = (context: AuthContext): ChapPeer => new ChapPeer(context, dialect(context));
