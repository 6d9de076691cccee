import { afterEach, beforeAll, expect, test } from 'vitest';
import { tlsVector } from '../support/eap-tls-files.ts';
import { giveCertificates } from './support/certificates.ts';
import { describeWithLab } from './support/describe-lab.ts';
import type { GatewayProcess } from './support/gateway-process.ts';
import type { Guest } from './support/guest.ts';
import type { Account } from './support/lab.ts';
import { ADDRESSES } from './support/topology.ts';
import { waitFor } from './support/wait.ts';

const account: Account = { server: ADDRESSES.poptop, user: 'alice', password: 'open sesame' };
const asked = ['ca /run/tls/ca.pem', 'cert /run/tls/server.pem', 'key /run/tls/server.key'];
const ours = [
  `eap.tlsCert=${tlsVector('alice.pem')}`,
  `eap.tlsKey=${tlsVector('alice.key')}`,
  `eap.tlsCa=${tlsVector('ca.pem')}`,
];

await describeWithLab('our client dials poptop with a certificate', (lab) => {
  let server: Guest;
  const clients: GatewayProcess[] = [];

  beforeAll(async () => {
    server = await lab().poptop(account.user, account.password);
    await giveCertificates(server, 'server');
    // No password for anybody: only the certificate is left to prove a user.
    await server.must(': >/etc/ppp/chap-secrets');
    const line = '* * - /run/tls/server.pem /run/tls/ca.pem /run/tls/server.key *';
    await server.must(`echo '${line}' >/etc/ppp/eaptls-server`);
    await server.must(`/lab/pptpd-options eap 128 ${asked.map((option) => `'${option}'`).join(' ')}`);
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.stop('SIGKILL');
  });

  const dial = async (...settings: readonly string[]): Promise<GatewayProcess> => {
    const flags = [...ours, ...settings].flatMap((setting) => ['--set', setting]);
    const route = ['--route', ADDRESSES.intranetNet];
    const client = await lab().startClient(account, '--once', '--auth', 'eap-tls', ...route, ...flags);
    clients.push(client);
    return client;
  };

  test('TLS 1.2 brings up MPPE-128', async () => {
    const client = await dial('eap.tlsServerName=gateway.example');
    expect(client.lines.map(({ text }) => text).join('\n')).toContain('MPPE 128-bit stateless');
    await waitFor('poptop to forward', async () =>
      (await lab().inClient(`ping -c 1 -W 1 ${ADDRESSES.intranet}`)).status === 0 ? true : undefined,
    );
  });

  test('a server of another name is refused', async () => {
    const client = await dial('eap.tlsServerName=other.example');
    expect(client.tail()).toMatch(/DIAL_AUTH.*the server's certificate is not for other\.example/);
  });
});
