import { checkChapMd5Response } from '../../core/crypto/chap-md5.ts';
import { msChapV2MasterKeys } from '../../core/crypto/mppe-keys.ts';
import { checkNtResponse, generateAuthenticatorResponse, ntPasswordHash } from '../../core/crypto/ms-chap-v2.ts';
import type { AuthVerdict, VerifyEffect } from '../../core/ports/auth.ts';

const PASSWORD = 'secret';
const HASH = ntPasswordHash(PASSWORD);

/** A back-end that knows alice and her password, for all that EAP asks. */
export const verifyAlice = (effect: VerifyEffect): AuthVerdict => {
  const accepted = { ok: true, identity: 'alice', profile: {} } as const;
  const refused = { ok: false, denial: 'bad-credentials' } as const;
  switch (effect.method) {
    case 'chap-md5': {
      const { identifier, challenge, response, userName } = effect.request;
      const secret = new TextEncoder().encode(PASSWORD);
      const proven = userName === 'alice' && checkChapMd5Response(identifier, secret, challenge, response);
      return proven ? { ...accepted, grant: {} } : refused;
    }
    case 'ms-chap-v2': {
      const { request } = effect;
      if (!checkNtResponse(request, HASH, request.ntResponse)) return refused;
      const authenticatorResponse = generateAuthenticatorResponse(request, HASH, request.ntResponse);
      return {
        ...accepted,
        grant: { authenticatorResponse, keys: msChapV2MasterKeys(HASH, request.ntResponse, 'authenticator') },
      };
    }
    case 'certificate':
      return effect.request.userName === 'alice' ? { ...accepted, grant: {} } : refused;
    default:
      return { ok: false, denial: 'unavailable' };
  }
};
