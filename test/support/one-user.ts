import { equalBytes } from '../../core/bytes/bytes.ts';
import { checkChapMd5Response } from '../../core/crypto/chap-md5.ts';
import { msChapV1MasterKeys, msChapV2MasterKeys } from '../../core/crypto/mppe-keys.ts';
import {
  challengeResponse,
  checkNtResponse,
  generateAuthenticatorResponse,
  ntPasswordHash,
} from '../../core/crypto/ms-chap-v2.ts';
import { openPasswordChange } from '../../core/crypto/nt-password-change.ts';
import type { AuthVerdict, VerifyEffect } from '../../core/ports/auth.ts';

const DENIED: AuthVerdict = { ok: false, denial: 'bad-credentials' };

/** A back-end with one password for everybody, as a function that fits every method. */
export class OneUser {
  password: string;
  expired: boolean;

  constructor(password: string, expired = false) {
    this.password = password;
    this.expired = expired;
  }

  readonly verify = (effect: VerifyEffect): AuthVerdict => {
    const hash = ntPasswordHash(this.password);
    const octets = new TextEncoder().encode(this.password);
    switch (effect.method) {
      case 'pap':
        return this.judge(effect, equalBytes(octets, effect.request.password), {});
      case 'chap-md5': {
        const { identifier, challenge, response } = effect.request;
        return this.judge(effect, checkChapMd5Response(identifier, octets, challenge, response), {});
      }
      case 'ms-chap-v1': {
        const { challenge, ntResponse } = effect.request;
        const keys = msChapV1MasterKeys(hash, challenge);
        return this.judge(effect, equalBytes(challengeResponse(challenge, hash), ntResponse), { keys });
      }
      case 'ms-chap-v2': {
        const { request } = effect;
        const grant = {
          authenticatorResponse: generateAuthenticatorResponse(request, hash, request.ntResponse),
          keys: msChapV2MasterKeys(hash, request.ntResponse, 'authenticator'),
        };
        return this.judge(effect, checkNtResponse(request, hash, request.ntResponse), grant);
      }
      case 'ms-chap-v1-change':
        return this.change(effect.request, hash) ? this.verify({ ...effect, method: 'ms-chap-v1' }) : DENIED;
      case 'ms-chap-v2-change':
        return this.change(effect.request, hash) ? this.verify({ ...effect, method: 'ms-chap-v2' }) : DENIED;
      default:
        return { ok: false, denial: 'unavailable' };
    }
  };

  private judge(
    { request: { userName: identity } }: VerifyEffect,
    proven: boolean,
    grant: Extract<AuthVerdict, { readonly ok: true }>['grant'],
  ): AuthVerdict {
    if (!proven) return DENIED;
    return this.expired ? { ok: false, denial: 'expired' } : { ok: true, identity, profile: {}, grant };
  }

  private change(change: Parameters<typeof openPasswordChange>[0], hash: Uint8Array): boolean {
    const password = openPasswordChange(change, hash);
    if (password === undefined) return false;
    this.password = password;
    this.expired = false;
    return true;
  }
}
