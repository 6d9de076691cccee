import { fromHex } from '../../core/bytes/hex.ts';

/** The exchange of RFC 2759 section 9.2, used again by RFC 3079 section 3.5. */
export const RFC_EXCHANGE = {
  userName: 'User',
  password: 'clientPass',
  authenticatorChallenge: fromHex('5B5D7C7D7B3F2F3E3C2C602132262628'),
  peerChallenge: fromHex('21402324255E262A28295F2B3A337C7E'),
  ntResponse: fromHex('82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF'),
  authenticatorResponse: 'S=407A5589115FD0D6209F510FE9C04566932CDA56',
} as const;
