import { describe, expect, it } from 'vitest';
import { msChapV2MasterKeys } from '../../core/crypto/mppe-keys.ts';
import { checkNtResponse, generateAuthenticatorResponse, ntPasswordHash } from '../../core/crypto/ms-chap-v2.ts';
import type { AuthVerdict, VerifyEffect } from '../../core/ports/auth.ts';
import { msChapV2Method } from '../../plugins/auth-ms-chap-v2/index.ts';
import { LinkPair, type PairOptions } from '../support/link-pair.ts';

const HASH = ntPasswordHash('secret');

/** A back-end that knows one password. */
const verify = (effect: VerifyEffect): AuthVerdict => {
  if (effect.method !== 'ms-chap-v2') return { ok: false, denial: 'unavailable' };
  const { request } = effect;
  if (!checkNtResponse(request, HASH, request.ntResponse)) return { ok: false, denial: 'bad-credentials' };
  return {
    ok: true,
    identity: request.userName,
    profile: {},
    grant: {
      authenticatorResponse: generateAuthenticatorResponse(request, HASH, request.ntResponse),
      keys: msChapV2MasterKeys(HASH, request.ntResponse, 'authenticator'),
    },
  };
};

const pair = (options: PairOptions = {}): LinkPair => {
  const authMethods = [msChapV2Method()];
  return new LinkPair({
    verify,
    ...options,
    server: { authMethods, ...options.server },
    client: { authMethods, localName: 'CORP\\alice', ...options.client },
  }).open();
};

describe('MS-CHAPv2 on a link', () => {
  it('comes up encrypted with the keys of RFC 3079, crosswise the same on both sides', () => {
    const { server, client } = pair().run(1000);
    expect(server.last('authenticated')).toMatchObject({ method: 'ms-chap-v2', identity: 'CORP\\alice' });
    expect(server.encryption).toMatchObject({ strength: 128, stateless: true });
    expect(server.encryption?.keys.send).toEqual(client.encryption?.keys.receive);
    expect(server.encryption?.keys.receive).toEqual(client.encryption?.keys.send);
    expect(client.network?.localAddress).toBe(server.network?.peerAddress);
  });

  it('ends on both sides with the reason when the password is wrong', () => {
    const { server, client } = pair({ client: { password: 'guess' } }).run(120_000);
    // The client hangs up instead of trying again; the reason is still the password.
    expect(server.closed?.reason).toBe('authentication-failed');
    expect(server.closed?.detail).toMatch(/^ms-chap-v2: wrong user name or password; the peer terminated the link/);
    expect(server.all('attempt-failed').length).toBeGreaterThan(0);
    expect(client.closed).toBeDefined();
    expect([server.all('network'), client.all('network')]).toEqual([[], []]);
  });

  it('comes up over a path that loses, doubles and delays', () => {
    const path = { loss: 0.1, jitterMs: 50 };
    const outcomes = Array.from({ length: 20 }, (_, seed) => pair({ path, seed: seed + 1 }).run(90_000));
    const up = outcomes.filter(({ server, client }) => server.network !== undefined && client.network !== undefined);
    expect(up.length).toBeGreaterThan(15);
    for (const { server, client } of up) expect(server.encryption?.keys.send).toEqual(client.encryption?.keys.receive);
    for (const { server } of outcomes.filter((one) => !up.includes(one))) expect(server.closed?.detail).toBeTruthy();
  });
});
