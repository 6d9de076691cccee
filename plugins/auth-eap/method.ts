import { EapAuthenticator, type EapAuthenticatorOptions } from '../../core/machine/eap-authenticator.ts';
import { eapMethodsFor } from '../../core/machine/eap-methods.ts';
import { EapPeer } from '../../core/machine/eap-peer.ts';
import { EapRelayAuthenticator } from '../../core/machine/eap-relay-authenticator.ts';
import type { AuthMethod } from '../../core/ports/auth.ts';
import type { EapMethod } from '../../core/ports/eap.ts';
import type { EapRelay } from '../../core/ports/eap-relay.ts';
import { EAP_PROTOCOL } from '../../core/wire/eap.ts';

export type EapOptions = Partial<EapAuthenticatorOptions>;

const DEFAULTS: EapAuthenticatorOptions = { intervalMs: 3000, maxSends: 10, maxRequests: 100 };

/**
 * EAP (RFC 3748) as an authentication method, both roles, with the EAP methods given, best first. Below MS-CHAPv2 in
 * preference: where both are configured, a peer that knows both takes the one with fewer round trips, and one that can
 * only do EAP asks for it with a Configure-Nak. With `relays`, a peer's identity goes to them first, and the methods are
 * for those whom they do not know; what a server elsewhere proves may well yield keys.
 */
export const eapMethod = (
  methods: readonly EapMethod[],
  options: EapOptions = {},
  relays: readonly EapRelay[] = [],
): AuthMethod => {
  const settings = { ...DEFAULTS, ...options };
  return {
    name: 'eap',
    lcpOption: Uint8Array.of(EAP_PROTOCOL >> 8, EAP_PROTOCOL & 0xff),
    preference: 150,
    yieldsKeys: relays.length > 0 || methods.some(({ yieldsKeys }) => yieldsKeys),
    protocols: [EAP_PROTOCOL],
    begin: (context) => {
      const usable = eapMethodsFor(methods, context);
      if (context.role === 'peer') return new EapPeer(context, usable);
      const own = (): EapAuthenticator => new EapAuthenticator(context, usable, settings);
      if (relays.length === 0) return own();
      return new EapRelayAuthenticator(context, { ...settings, relays, own: usable.length === 0 ? undefined : own });
    },
  };
};
