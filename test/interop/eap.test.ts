import { beforeAll, describe, expect, test } from 'vitest';
import { tlsVector } from '../support/eap-tls-files.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { giveCertificates } from './support/certificates.ts';
import { describeWithLab } from './support/describe-lab.ts';
import type { DialOptions } from './support/dial.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import { ADDRESSES } from './support/topology.ts';
import { event } from './support/users.ts';

const alice = { user: 'alice', password: 'open sesame' } as const;

/** pppd's side of EAP-TLS; it proves itself with a certificate and wants one of the server. */
const withCertificate = (name: string, version: '1.2' | '1.3'): Pick<DialOptions, 'auth' | 'pppOptions'> => ({
  auth: 'eap',
  pppOptions: [
    'need-peer-eap',
    'ca /run/tls/ca.pem',
    `cert /run/tls/${name}.pem`,
    `key /run/tls/${name}.key`,
    `max-tls-version ${version}`,
  ],
});

/** The line that tells pppd which certificate is for whom. */
const useCertificate = (client: Guest, name: string): Promise<string> =>
  client.must(`echo '* * /run/tls/${name}.pem - /run/tls/ca.pem /run/tls/${name}.key *' >/etc/ppp/eaptls-client`);

const settings = (methods: string, more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({
  PPTP_AUTH_METHODS: 'eap',
  PPTP_EAP_METHODS: methods,
  ...more,
});

const certificates = {
  PPTP_EAP_TLS_CERT: tlsVector('server.pem'),
  PPTP_EAP_TLS_KEY: tlsVector('server.key'),
  PPTP_EAP_TLS_CA: tlsVector('ca.pem'),
  PPTP_EAP_TLS_CRL: tlsVector('crl.pem'),
} as const;

await describeWithLab('EAP with pppd', (lab) => {
  let client: Guest;
  let stateDirectory: string;

  beforeAll(async () => {
    stateDirectory = await lab().temporaryDirectory();
    // MD5 needs the password itself.
    const added = await lab().gatewayCommand(
      ['users', 'add', alice.user, '--store-password'],
      stateDirectory,
      `${alice.password}\n`,
    );
    expect(added).toMatchObject({ status: 0 });
    client = await lab().guest('c1');
    await giveCertificates(client, 'alice', 'revoked', 'stranger');
  }, 60_000);

  const withGateway = async (env: Readonly<Record<string, string>>, use: () => Promise<void>): Promise<void> => {
    const gateway = await lab().startGateway({ stateDirectory, env });
    try {
      await use();
    } finally {
      await gateway.stop();
    }
  };

  const reachesIntranet = async (): Promise<void> => {
    expect(await client.must(`ping -c 3 -i 0.2 -W 20 ${ADDRESSES.intranet}`)).toContain(' 0% packet loss');
  };

  test('MS-CHAPv2 inside EAP brings up MPPE-128', () =>
    withGateway(settings('ms-chap-v2'), async () => {
      const tunnel = await client.mustDial({ ...alice, auth: 'eap' });
      expect(tunnel).toMatchObject({ auth: 'eap', mppe: '128-bit stateless' });
      await reachesIntranet();
      await client.hangUp();
    }));

  test('MD5 proves a user where encryption is not required', () =>
    withGateway(settings('md5', { PPTP_MPPE: 'permitted' }), async () => {
      const tunnel = await client.mustDial({ ...alice, auth: 'eap', mppe: 'none' });
      expect(tunnel).toMatchObject({ auth: 'eap', mppe: 'none' });
      await reachesIntranet();
      await client.hangUp();
    }));

  // pppd up to 2.5.2 makes other keys with TLS 1.3 than RFC 9190 says, so there the proof goes without MPPE.
  test('TLS 1.3 proves a user to a pppd without encryption', () =>
    withGateway(settings('tls', { ...certificates, PPTP_MPPE: 'permitted' }), async () => {
      await useCertificate(client, 'alice');
      await client.mustDial({ ...alice, ...withCertificate('alice', '1.3'), mppe: 'none' });
      expect(await client.log()).toContain('EXPORTER_EAP_TLS_Key_Material');
      await reachesIntranet();
      await client.hangUp();
    }));

  describe('certificates', () => {
    let gateway: GatewayProcess;

    beforeAll(async () => {
      const env = settings('tls', { ...certificates, PPTP_EAP_TLS_MAX_VERSION: '1.2' });
      gateway = await lab().startGateway({ stateDirectory, env });
    }, 60_000);

    test('bring up MPPE-128', async () => {
      await useCertificate(client, 'alice');
      const tunnel = await client.mustDial({ ...alice, ...withCertificate('alice', '1.3') });
      expect(tunnel).toMatchObject({ auth: 'eap', mppe: '128-bit stateless' });
      await reachesIntranet();
      await client.hangUp();
    });

    test.each([
      ['revoked', 'the certificate has been revoked'],
      ['stranger', 'the certificate is not of an authority in PPTP_EAP_TLS_CA'],
    ] as const)('a %s certificate gets no tunnel, and the log says why', async (name, why) => {
      await useCertificate(client, name);
      const closed = gateway.waitForLog(event('session.closed'), PATIENCE_MS, gateway.lines.length);
      const result = await client.dial({ ...alice, ...withCertificate(name, '1.2'), waitSeconds: 12 });
      expect(result.up).toBe(false);
      // In `detail` when our side ends the call first, in `setupDetail` when the client hangs up before that.
      const { detail, setupDetail } = (await closed).fields;
      expect(`${String(detail)} ${String(setupDetail)}`).toContain(why);
    });
  });
});
