import { describe, expect, it } from 'vitest';
import type { EapMethod } from '../../core/ports/eap.ts';
import { EAP_PROTOCOL, EAP_TYPE, parseEap } from '../../core/wire/eap.ts';
import { parseEapTls } from '../../core/wire/eap-tls.ts';
import { eapMd5, eapMethod, eapMsChapV2 } from '../../plugins/auth-eap/index.ts';
import { type EapTlsOptions, eapTls } from '../../plugins/auth-eap-tls/index.ts';
import { type TestCertificate, tlsEngine, tlsVector } from '../support/eap-tls-files.ts';
import { verifyAlice } from '../support/eap-verify.ts';
import { LinkPair, type PairOptions } from '../support/link-pair.ts';

interface Ends {
  readonly server: readonly EapMethod[];
  readonly client: readonly EapMethod[];
}

const pair = ({ server, client }: Ends, options: PairOptions = {}): LinkPair =>
  new LinkPair({
    verify: verifyAlice,
    ...options,
    server: { authMethods: [eapMethod(server)], ...options.server },
    client: { authMethods: [eapMethod(client)], ...options.client },
  }).open();

const tls = (
  certificate: TestCertificate,
  client: Partial<EapTlsOptions> = {},
  server: Partial<EapTlsOptions> = {},
): Ends => ({
  server: [eapTls(tlsEngine('server', server))],
  client: [eapTls(tlsEngine(certificate, client))],
});

const same = (methods: readonly EapMethod[]): Ends => ({ server: methods, client: methods });

const expectUp = ({ server, client }: LinkPair): void => {
  expect(server.closed ?? client.closed).toBeUndefined();
  expect(server.last('authenticated')).toMatchObject({ method: 'eap', identity: 'alice' });
  expect(client.network?.localAddress).toBe(server.network?.peerAddress);
};

const expectKeys = ({ server, client }: LinkPair): void => {
  expect(server.encryption).toMatchObject({ strength: 128 });
  const [ours, theirs] = [server.encryption?.keys, client.encryption?.keys];
  expect(ours?.send).toHaveLength(16);
  expect(ours?.send).toEqual(theirs?.receive);
  expect(ours?.receive).toEqual(theirs?.send);
  expect(ours?.send).not.toEqual(ours?.receive);
};

describe('EAP on a link', () => {
  it('comes up with MD5 where encryption is not needed', () => {
    const link = pair(same([eapMd5()]), { server: { encryption: 'disabled' }, client: { encryption: 'disabled' } });
    expectUp(link.run(1000));
  });

  it('comes up encrypted with MS-CHAPv2', () => {
    const link = pair(same([eapMsChapV2()])).run(1000);
    expectUp(link);
    expectKeys(link);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('comes up encrypted with certificates and %s', async (maxVersion) => {
    const link = await pair(tls('alice', {}, { maxVersion })).runComputing(1000);
    expectUp(link);
    expectKeys(link);
  });

  it('takes the first method that both know, in the order of the server', () => {
    const methods = [eapMsChapV2(), eapMd5()];
    const encryption = 'disabled';
    const offered: number[] = [];
    const link = pair(
      { server: methods, client: [eapMd5()] },
      {
        server: { encryption },
        client: { encryption },
        filter: (from, protocol, bytes) => {
          const packet = protocol === EAP_PROTOCOL ? parseEap(bytes) : undefined;
          if (from === 'server' && packet?.kind === 'request') offered.push(packet.type);
          return true;
        },
      },
    ).run(1000);
    expectUp(link);
    expect(offered).toEqual([EAP_TYPE.identity, EAP_TYPE.msChapV2, EAP_TYPE.md5Challenge]);
  });

  it('never offers a method without keys where encryption is required', () => {
    const link = pair(
      { server: [eapMd5(), eapMsChapV2()], client: [eapMd5()] },
      { client: { encryption: 'permitted' } },
    );
    const { server } = link.run(60_000);
    expect(server.closed).toMatchObject({
      reason: 'authentication-failed',
      detail: 'eap: no common EAP method: we allow ms-chap-v2; the peer wants md5',
    });
  });

  it.each([
    ['md5', eapMd5()],
    ['ms-chap-v2', eapMsChapV2({ maxAttempts: 1 })],
  ] as const)('refuses a wrong password with %s', (_name, method) => {
    const encryption = 'permitted';
    const link = pair(same([method]), { server: { encryption }, client: { encryption, password: 'guess' } });
    const { server, client } = link.run(60_000);
    expect(server.closed).toMatchObject({
      reason: 'authentication-failed',
      detail: 'eap: wrong user name or password',
    });
    expect(server.all('attempt-failed')).toHaveLength(1);
    expect(client.closed?.reason).toBe('authentication-failed');
    expect([server.all('network'), client.all('network')]).toEqual([[], []]);
  });
});

describe('EAP on a path that loses, doubles and reorders', () => {
  const path = { loss: 0.15, duplication: 0.1, jitterMs: 50 };

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    '%s in small fragments comes up, or ends with a reason',
    async (maxVersion) => {
      let up = 0;
      for (let seed = 1; seed <= 8; seed += 1) {
        const options = { mru: 600, authTimeoutMs: 300_000 };
        const link = pair(tls('alice', {}, { maxVersion }), { path, seed, server: options, client: options });
        await link.runComputing(300_000);
        const { server, client } = link;
        if (server.network === undefined || client.network === undefined) {
          expect((server.closed ?? client.closed)?.detail).toBeTruthy();
          continue;
        }
        up += 1;
        expectKeys(link);
      }
      expect(up).toBeGreaterThan(4);
    },
  );

  it('MS-CHAPv2 comes up, or ends with a reason', () => {
    const links = Array.from({ length: 20 }, (_, seed) => pair(same([eapMsChapV2()]), { path, seed }).run(90_000));
    const up = links.filter(({ server, client }) => server.network !== undefined && client.network !== undefined);
    expect(up.length).toBeGreaterThan(12);
    for (const link of up) expectKeys(link);
  });

  it('comes up though the Success is lost: the first packet of CCP says the same', () => {
    let lost = 0;
    const link = pair(same([eapMsChapV2()]), {
      filter: (_from, protocol, bytes) => {
        const success = protocol === EAP_PROTOCOL && parseEap(bytes)?.kind === 'success';
        if (success) lost += 1;
        return !success;
      },
    }).run(20_000);
    expect(lost).toBe(1);
    expectUp(link);
    expectKeys(link);
  });
});

describe('EAP-TLS fragments', () => {
  it('fit the MRU of the link in both directions, and each waits for its acknowledgment', async () => {
    const sizes = { server: new Set<number>(), client: new Set<number>() };
    const more = { server: 0, client: 0 };
    const link = pair(tls('alice'), {
      server: { mru: 500 },
      client: { mru: 700 },
      filter: (from, protocol, bytes) => {
        if (protocol !== EAP_PROTOCOL) return true;
        sizes[from].add(bytes.length);
        const packet = parseEap(bytes);
        const typed = packet?.kind === 'request' || packet?.kind === 'response' ? packet : undefined;
        if (typed?.type === EAP_TYPE.tls && parseEapTls(typed.data)?.more === true) more[from] += 1;
        return true;
      },
    });
    expectUp(await link.runComputing(2000));
    expect(Math.max(...sizes.server)).toBe(500);
    expect(Math.max(...sizes.client)).toBe(500);
    expect(more.server).toBeGreaterThan(2);
    expect(more.client).toBeGreaterThan(2);
  });
});

describe('EAP-TLS certificates', () => {
  const refused = async (ends: Ends): Promise<string | undefined> => {
    const { server, client } = await pair(ends).runComputing(60_000);
    expect([server.all('network'), client.all('network')]).toEqual([[], []]);
    expect(server.all('authenticated')).toEqual([]);
    expect(server.closed?.reason).toBe('authentication-failed');
    return server.closed?.detail;
  };

  it.each(['1.2', '1.3'] as const)('TLS %s: one of another authority is refused', async (version) => {
    const maxVersion = `TLSv${version}` as const;
    expect(await refused(tls('stranger', {}, { maxVersion }))).toMatch(/eap: the certificate is not of an authority/);
  });

  it.each(['1.2', '1.3'] as const)('TLS %s: one that has expired is refused', async (version) => {
    const maxVersion = `TLSv${version}` as const;
    expect(await refused(tls('expired', {}, { maxVersion }))).toBe('eap: the certificate has expired');
  });

  it.each(['1.2', '1.3'] as const)('TLS %s: one that was revoked is refused', async (version) => {
    const maxVersion = `TLSv${version}` as const;
    const crl = tlsVector('crl.pem');
    expect(await refused(tls('revoked', {}, { maxVersion, crl }))).toBe('eap: the certificate has been revoked');
  });

  it('one that nobody revoked is taken with a revocation list', async () => {
    expectUp(await pair(tls('alice', {}, { crl: tlsVector('crl.pem') })).runComputing(1000));
  });

  it('a right one of somebody who is no user is refused', async () => {
    expect(await refused(tls('revoked'))).toBe('eap: the certificate is right, but there is no such user');
  });

  it('a server certificate does not do for a client', async () => {
    expect(await refused(tls('server'))).toBe('eap: the certificate is for another purpose');
  });

  it('the client refuses a server of another authority, and one with another name', async () => {
    const strange = await pair(tls('alice', { ca: tlsVector('stranger-ca.pem') })).runComputing(60_000);
    expect(strange.client.closed?.detail).toMatch(/^eap: the certificate is not of an authority/);
    const named = await pair(tls('alice', { serverName: 'other.example' })).runComputing(60_000);
    expect(named.client.closed?.detail).toBe("eap: the server's certificate is not for other.example");
    expectUp(await pair(tls('alice', { serverName: 'gateway.example' })).runComputing(1000));
  });

  describe.each(['TLSv1.2', 'TLSv1.3'] as const)('without the name of the server, %s', (maxVersion) => {
    const served = (by: TestCertificate, client: Partial<EapTlsOptions> = {}): Promise<LinkPair> =>
      pair({
        server: [eapTls(tlsEngine(by, { maxVersion }))],
        client: [eapTls(tlsEngine('alice', client))],
      }).runComputing(60_000);

    it('the client refuses one that no authority calls a server', async () => {
      const { client, server } = await served('bare');
      expect(client.closed?.detail).toBe(
        "eap: the server's certificate is not marked as a server's (extended key usage serverAuth): " +
          'set PPTP_EAP_TLS_SERVER_NAME to the name in it',
      );
      expect([server.all('network'), client.all('network')]).toEqual([[], []]);
    });

    it('the client refuses one of a client', async () => {
      const { client } = await served('revoked');
      expect(client.closed?.detail).toBe('eap: the certificate is for another purpose');
    });

    it('the name lets one without a purpose in', async () => {
      expectUp(await served('bare', { serverName: 'gateway.example' }));
    });
  });
});
