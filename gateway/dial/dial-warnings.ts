import type { GatewayConfig } from '../../config/types.ts';

/** What is allowed and yet better set otherwise, when this configuration dials. One sentence each. */
export const dialWarnings = ({ auth, eap }: Pick<GatewayConfig, 'auth' | 'eap'>): readonly string[] => {
  const certificates = auth.methods.includes('eap') && eap.methods.includes('tls');
  if (!certificates || eap.tlsServerName !== 'none') return [];
  return [
    'PPTP_EAP_TLS_SERVER_NAME is not set: every server certificate of the authorities in PPTP_EAP_TLS_CA is trusted. ' +
      'Set it to the name in the certificate of the server.',
  ];
};
