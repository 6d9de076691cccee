import type { AuthMethod } from '../../core/ports/auth.ts';
import { CHAP_PROTOCOL } from '../../core/wire/chap.ts';
import { type AuthenticatorOptions, MsChapV2Authenticator } from './authenticator.ts';
import { MsChapV2Peer } from './peer.ts';

const DEFAULTS: AuthenticatorOptions = {
  challengeIntervalMs: 3000,
  maxChallenges: 10,
  maxAttempts: 3,
  retryWaitMs: 60_000,
};

/** MS-CHAPv2 (RFC 2759), both roles. It yields MPPE keys (RFC 3079 section 3). */
export const msChapV2Method = (options: Partial<AuthenticatorOptions> = {}): AuthMethod => {
  const settings = { ...DEFAULTS, ...options };
  return {
    name: 'ms-chap-v2',
    /** CHAP with algorithm 0x81 (RFC 2759 section 2). */
    lcpOption: Uint8Array.of(0xc2, 0x23, 0x81),
    preference: 200,
    yieldsKeys: true,
    protocols: [CHAP_PROTOCOL],
    begin: (context) =>
      context.role === 'peer' ? new MsChapV2Peer(context) : new MsChapV2Authenticator(context, settings),
  };
};
