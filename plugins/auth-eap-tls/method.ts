import type { EapMethod } from '../../core/ports/eap.ts';
import type { TlsEngine } from '../../core/ports/tls-engine.ts';
import { EAP_TYPE } from '../../core/wire/eap.ts';
import { EapTlsAuthenticator } from './authenticator.ts';
import { EapTlsPeer } from './peer.ts';

/** EAP-TLS (RFC 2716, RFC 5216; RFC 9190 with TLS 1.3), both roles: certificates on both sides, and MPPE keys. */
export const eapTls = (engine: TlsEngine): EapMethod => ({
  name: 'tls',
  type: EAP_TYPE.tls,
  yieldsKeys: true,
  begin: (context) =>
    context.role === 'peer' ? new EapTlsPeer(context, engine) : new EapTlsAuthenticator(context, engine),
});
