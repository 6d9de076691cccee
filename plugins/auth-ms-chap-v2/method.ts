import { CHAP_AUTHENTICATOR_DEFAULTS, type ChapAuthenticatorOptions } from '../../core/machine/chap-authenticator.ts';
import type { AuthMethod } from '../../core/ports/auth.ts';
import { CHAP_PROTOCOL } from '../../core/wire/chap.ts';
import { msChapV2Authenticator } from './authenticator.ts';
import { msChapV2Peer } from './peer.ts';

/** MS-CHAPv2 (RFC 2759), both roles, with change of an expired password. It yields MPPE keys (RFC 3079 section 3). */
export const msChapV2Method = (options: Partial<ChapAuthenticatorOptions> = {}): AuthMethod => {
  const settings = { ...CHAP_AUTHENTICATOR_DEFAULTS, ...options };
  return {
    name: 'ms-chap-v2',
    /** CHAP with algorithm 0x81 (RFC 2759 section 2). */
    lcpOption: Uint8Array.of(0xc2, 0x23, 0x81),
    preference: 200,
    yieldsKeys: true,
    protocols: [CHAP_PROTOCOL],
    begin: (context) => (context.role === 'peer' ? msChapV2Peer(context) : msChapV2Authenticator(context, settings)),
  };
};
