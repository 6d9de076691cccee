import { CHAP_AUTHENTICATOR_DEFAULTS, type ChapAuthenticatorOptions } from '../../core/machine/chap-authenticator.ts';
import type { AuthMethod } from '../../core/ports/auth.ts';
import { CHAP_PROTOCOL } from '../../core/wire/chap.ts';
import { msChapV1Authenticator } from './authenticator.ts';
import { msChapV1Peer } from './peer.ts';

/** MS-CHAPv1 (RFC 2433), both roles, with change of an expired password. Its MPPE keys serve 128 bits only. Weak. */
export const msChapV1Method = (options: Partial<ChapAuthenticatorOptions> = {}): AuthMethod => {
  const settings = { ...CHAP_AUTHENTICATOR_DEFAULTS, ...options };
  return {
    name: 'ms-chap-v1',
    /** CHAP with algorithm 0x80 (RFC 2433 section 3). */
    lcpOption: Uint8Array.of(0xc2, 0x23, 0x80),
    preference: 100,
    yieldsKeys: true,
    protocols: [CHAP_PROTOCOL],
    begin: (context) => (context.role === 'peer' ? msChapV1Peer(context) : msChapV1Authenticator(context, settings)),
  };
};
