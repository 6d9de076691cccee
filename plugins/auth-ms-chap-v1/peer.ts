import { msChapV1MasterKeys } from '../../core/crypto/mppe-keys.ts';
import { challengeResponse, ntPasswordHash } from '../../core/crypto/ms-chap-v2.ts';
import { PW_BLOCK_LENGTH, sealPasswordChange } from '../../core/crypto/nt-password-change.ts';
import { type ChapChange, ChapPeer, type ChapPeerDialect } from '../../core/machine/chap-peer.ts';
import { msChapDenial } from '../../core/machine/ms-chap-answers.ts';
import type { AuthContext } from '../../core/ports/auth.ts';
import { MS_CHAP_ERROR, parseMsChapFailure } from '../../core/wire/chap.ts';
import {
  CHANGE_PASSWORD_CODE,
  MS_CHAP_V1_CHALLENGE_LENGTH,
  writeMsChapV1Change,
  writeMsChapV1Response,
} from '../../core/wire/ms-chap.ts';

/** The first version that knows code 6 (RFC 2433 section 8). */
const CHANGE_SINCE_VERSION = 2;

/**
 * The peer's packets of MS-CHAPv1: RFC 2433 sections 6, 8 and 10. It gives no LAN Manager proof, and as there is one
 * password an offered retry is not taken. A Success proves nothing about the authenticator.
 */
const dialect = (context: AuthContext): ChapPeerDialect => {
  const { newPassword, random } = context;
  let hash = ntPasswordHash(context.password ?? '');
  const change = (challenge: Uint8Array, password: string): ChapChange => {
    const newHash = ntPasswordHash(password);
    const ntResponse = challengeResponse(challenge, newHash);
    return {
      code: CHANGE_PASSWORD_CODE.version2,
      data: writeMsChapV1Change({
        ...sealPasswordChange(password, hash, random.bytes(PW_BLOCK_LENGTH)),
        ntResponse,
      }),
      confirm() {
        hash = newHash;
        return { keys: msChapV1MasterKeys(newHash, challenge) };
      },
      refused: (message) => msChapDenial(parseMsChapFailure(message)),
    };
  };
  return {
    answer(_identifier, challenge) {
      if (challenge.length !== MS_CHAP_V1_CHALLENGE_LENGTH) return undefined;
      return {
        value: writeMsChapV1Response(challengeResponse(challenge, hash)),
        confirm: () => ({ keys: msChapV1MasterKeys(hash, challenge) }),
        refused(message) {
          const failure = parseMsChapFailure(message);
          const mayChange = failure?.error === MS_CHAP_ERROR.passwordExpired && failure.version >= CHANGE_SINCE_VERSION;
          return mayChange && newPassword !== undefined ? change(challenge, newPassword) : msChapDenial(failure);
        },
      };
    },
  };
};

export const msChapV1Peer = (context: AuthContext): ChapPeer => new ChapPeer(context, dialect(context));
