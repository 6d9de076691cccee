import { asciiBytes, asciiText } from '../../core/bytes/ascii.ts';
import { withoutDomain } from '../../core/crypto/ms-chap-v2.ts';
import type { AuthRole, MppeKeyMaterial } from '../../core/ports/auth.ts';
import type { TlsCertificate, TlsProgress } from '../../core/ports/tls-engine.ts';
import { EAP_TYPE } from '../../core/wire/eap.ts';

export type Established = Extract<TlsProgress, { readonly state: 'established' }>;

/** MSK and EMSK together: TLS 1.3 puts the length into the derivation (RFC 9190 section 2.3, RFC 5216 section 2.3). */
const KEY_MATERIAL = 128;
const MASTER_KEY = 16;

/**
 * Master session keys: octets 0 to 31 of the MSK are the key from peer to authenticator, 32 to 63 the other way, and
 * MPPE takes the first 16 of each (RFC 2716 section 3.5, RFC 3079 section 4.3). May throw.
 */
export const masterKeys = (session: Established, role: AuthRole): MppeKeyMaterial => {
  const msk =
    session.version === 'TLSv1.3'
      ? session.exportKeyingMaterial(KEY_MATERIAL, 'EXPORTER_EAP_TLS_Key_Material', Uint8Array.of(EAP_TYPE.tls))
      : session.exportKeyingMaterial(KEY_MATERIAL, 'client EAP encryption');
  const fromPeer = msk.slice(0, MASTER_KEY);
  const toPeer = msk.slice(32, 32 + MASTER_KEY);
  return role === 'authenticator' ? { send: toPeer, receive: fromPeer } : { send: fromPeer, receive: toPeer };
};

/**
 * The user a certificate stands for, as octets: never a name it does not hold. Of several, the one that the peer gave as
 * its Identity counts; otherwise the common name.
 */
export const userNameOf = ({ names }: TlsCertificate, identity: string): string | undefined => {
  const claimed = fold(withoutDomain(identity));
  const wire = names.map((name) => asciiText(new TextEncoder().encode(name)));
  return wire.find((name) => fold(name) === claimed) ?? wire[0];
};

const fold = (name: string): string => new TextDecoder().decode(asciiBytes(name)).toLowerCase();
