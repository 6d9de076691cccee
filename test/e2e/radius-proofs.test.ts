import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateNtResponse, ntPasswordHash } from '../../core/crypto/ms-chap-v2.ts';
import { sealPasswordChange } from '../../core/crypto/nt-password-change.ts';
import type { AuthKind } from '../../core/ports/auth.ts';
import { judgeProof } from '../../core/proofs/judge-proof.ts';
import { systemClock, systemRandom } from '../../gateway/system-clock.ts';
import { Judgement, RADIUS_KINDS, RadiusAuthenticator } from '../../plugins/radius/auth/index.ts';
import { RadiusClient } from '../../plugins/radius/client/index.ts';
import { Dice, MemoryLog, proofOf } from '../../testing/index.ts';
import { PASSWORD_KINDS } from '../../testing/support/proofs.ts';
import { Freeradius, freeradiusUnavailable } from '../support/freeradius.ts';
import { ORIGIN } from '../support/proof-origin.ts';

const SECRET = 'a secret of the host';
const [PORT, ACCOUNTING_PORT] = [22_812, 22_813];
const alice = { userName: 'alice', password: 'wonderland' };

const missing = freeradiusUnavailable();
if (missing !== undefined) console.warn(`skipped: FreeRADIUS, ${missing}`);

describe.skipIf(missing !== undefined)('FreeRADIUS judges proofs', () => {
  let server: Freeradius;
  let client: RadiusClient;
  const log = new MemoryLog();

  beforeAll(async () => {
    server = await Freeradius.start({
      address: '127.0.0.1',
      port: PORT,
      accountingPort: ACCOUNTING_PORT,
      secret: SECRET,
      users: [
        {
          name: alice.userName,
          password: alice.password,
          reply: ['Session-Timeout = 600', 'Filter-Id = "rate=1M/2M"', 'Framed-Route = "192.168.5.0/24 0.0.0.0 1"'],
        },
      ],
    });
    client = new RadiusClient(
      {
        purpose: 'authentication',
        servers: [{ host: '127.0.0.1', port: PORT, weight: 1 }],
        secret: SECRET,
        timeoutMs: 500,
        tries: 10,
        deadTimeMs: 0,
        maxOutstanding: 512,
        maxWaiting: 1024,
        requireMessageAuthenticator: true,
      },
      { clock: systemClock, random: systemRandom, log, telemetry: { event: () => undefined } },
    );
  });

  afterAll(async () => {
    client?.close();
    await server?.stop();
  });

  const ask = (kind: AuthKind, request: Parameters<RadiusAuthenticator['verify']>[1]) =>
    new RadiusAuthenticator(
      {
        nas: { identifier: 'gw', address: undefined, portType: 5 },
        kinds: RADIUS_KINDS,
        stripDomain: false,
        passRejected: false,
      },
      { client, judgement: new Judgement(log) },
    ).verify(kind, request, new AbortController().signal, ORIGIN);

  it.each(PASSWORD_KINDS)('%s: with the profile and the keys that the password makes', async (kind) => {
    const { request } = proofOf(kind, alice, new Dice(11));
    const grant = judgeProof<AuthKind>(kind, request, {
      ntHash: ntPasswordHash(alice.password),
      password: alice.password,
    });
    const answer = await ask(kind, request);
    expect(answer).toMatchObject({
      ok: true,
      identity: 'alice',
      profile: {
        sessionSeconds: 600,
        rate: { up: { bitsPerSecond: 1e6 }, down: { bitsPerSecond: 2e6 } },
        routes: [{ prefixLength: 24 }],
      },
    });
    expect(answer).toMatchObject({ grant });
    const wrong = proofOf(kind, { ...alice, password: 'guess' }, new Dice(12));
    expect(await ask(kind, wrong.request)).toEqual({ ok: false, denial: 'bad-credentials' });
  });

  it('answers three hundred at a time, which takes two sockets', async () => {
    const { request } = proofOf('pap', alice, new Dice(13));
    const answers = await Promise.all(Array.from({ length: 300 }, () => ask('pap', request)));
    expect(answers.every(({ ok }) => ok)).toBe(true);
  });

  it('reads our change of a password (and is not told how to make it)', async () => {
    const [oldHash, newHash] = [ntPasswordHash(alice.password), ntPasswordHash('looking-glass')];
    const exchange = {
      userName: 'alice',
      authenticatorChallenge: new Uint8Array(16).fill(1),
      peerChallenge: new Uint8Array(16).fill(2),
    };
    const ntResponse = generateNtResponse(exchange, newHash);
    const change = sealPasswordChange('looking-glass', oldHash, new Uint8Array(516));
    const answer = await ask('ms-chap-v2-change', { ...exchange, ...change, ntResponse });
    // 709; release 3.2.1 ends with a fault where it is told how (`local_cpw`).
    expect(answer).toEqual({ ok: false, denial: 'change-refused' });
  });
});
