import type { AuthMethod } from '../../core/ports/auth.ts';
import { PPP } from '../../core/wire/ppp.ts';
import { PapAuthenticator } from './authenticator.ts';
import { PapPeer } from './peer.ts';

/** PAP (RFC 1334 section 2), both roles. The password crosses the line in the clear; no keys. Weak. */
export const papMethod = (): AuthMethod => ({
  name: 'pap',
  lcpOption: Uint8Array.of(0xc0, 0x23),
  preference: 10,
  yieldsKeys: false,
  protocols: [PPP.pap],
  begin: (context) => (context.role === 'peer' ? new PapPeer(context) : new PapAuthenticator()),
});
