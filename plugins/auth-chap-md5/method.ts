import { chapMd5Response } from '../../core/crypto/chap-md5.ts';
import {
  CHAP_AUTHENTICATOR_DEFAULTS,
  ChapAuthenticator,
  type ChapAuthenticatorOptions,
  type ChapDialect,
} from '../../core/machine/chap-authenticator.ts';
import { ChapPeer, type ChapPeerDialect } from '../../core/machine/chap-peer.ts';
import { denialIn, greeting, refusalText } from '../../core/machine/greeting.ts';
import type { AuthContext, AuthMethod } from '../../core/ports/auth.ts';
import { CHAP_PROTOCOL } from '../../core/wire/chap.ts';

const HASH_LENGTH = 16;

/** The authenticator's packets: RFC 1994 section 4. A Failure is the end; there is no retry and no change of password. */
const authenticator: ChapDialect = {
  challengeLength: HASH_LENGTH,
  response({ identifier, name: userName, value: response }, { challenge }) {
    if (response.length !== HASH_LENGTH) return undefined;
    return {
      userName,
      question: { kind: 'verify', method: 'chap-md5', request: { userName, identifier, challenge, response } },
      success: (_grant, profile) => ({ message: greeting(profile) }),
    };
  },
  retriable: () => false,
  failure: (denial, _retry, { challenge }) => ({ message: refusalText[denial], challenge }),
};

/** The peer's: any challenge of at least one octet is answered. A Success proves nothing about the authenticator. */
const peer = ({ password = '' }: AuthContext): ChapPeerDialect => {
  const secret = new TextEncoder().encode(password);
  return {
    answer: (identifier, challenge) =>
      challenge.length === 0
        ? undefined
        : {
            value: chapMd5Response(identifier, secret, challenge),
            confirm: () => ({}),
            refused: denialIn,
          },
  };
};

/** CHAP with MD5 (RFC 1994), both roles. No keys, and the back-end has to know the password itself. Weak. */
export const chapMd5Method = (options: Partial<ChapAuthenticatorOptions> = {}): AuthMethod => {
  const settings = { ...CHAP_AUTHENTICATOR_DEFAULTS, ...options };
  return {
    name: 'chap-md5',
    /** CHAP with algorithm 5 (RFC 1994 section 3). */
    lcpOption: Uint8Array.of(0xc2, 0x23, 0x05),
    preference: 50,
    yieldsKeys: false,
    protocols: [CHAP_PROTOCOL],
    begin: (context) =>
      context.role === 'peer'
        ? new ChapPeer(context, peer(context))
        : new ChapAuthenticator(context, authenticator, settings),
  };
};
