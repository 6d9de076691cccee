import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../../config/load.ts';
import { dialWarnings } from '../../../../gateway/dial/dial-warnings.ts';

const FILES = ['eap.tlsCert=/a.pem', 'eap.tlsKey=/a.key', 'eap.tlsCa=/ca.pem'];
const warnings = (...set: string[]): readonly string[] => dialWarnings(loadConfig({ env: {}, set }).config);

describe('warnings of a dial', () => {
  it('name the setting when certificates are used and no server is named', () => {
    expect(warnings('auth.methods=eap', 'eap.methods=tls', ...FILES)).toEqual([
      expect.stringMatching(/^PPTP_EAP_TLS_SERVER_NAME is not set: .* Set it to the name in the certificate/),
    ]);
  });

  it('say nothing when it is named, or when no certificate is asked for', () => {
    expect(warnings('auth.methods=eap', 'eap.methods=tls', 'eap.tlsServerName=gateway.example', ...FILES)).toEqual([]);
    expect(warnings('auth.methods=eap', 'eap.methods=ms-chap-v2')).toEqual([]);
    expect(warnings()).toEqual([]);
  });
});
