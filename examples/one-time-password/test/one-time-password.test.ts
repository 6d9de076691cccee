import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ipv4 } from 'pptp-gateway/core';
import {
  authenticatorContract,
  eapMethodContract,
  INTRANET_HOST,
  ipv4Packet,
  runContract,
  stageContract,
  type TestDial,
  TestGateway,
} from 'pptp-gateway/testing';
import plugin from '../src/index.ts';
import { onlyTo } from '../src/only-to.ts';
import { tokenCard } from '../src/token-card.ts';
import { TokenUsers } from '../src/token-users.ts';
import { fromBase32, stepAt, totp } from '../src/totp.ts';

const runner = { describe, it };
const BASE32 = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const SECRET = new TextEncoder().encode('12345678901234567890');
const NOW = 1_700_000_000_000;

describe('codes', () => {
  it('are those of RFC 6238 appendix B', () => {
    const codes = [59, 1_111_111_109, 1_234_567_890, 20_000_000_000].map((second) =>
      totp(SECRET, stepAt(second * 1000)),
    );
    assert.deepEqual(codes, ['287082', '081804', '005924', '353130']);
  });

  it('come of secrets in Base32', () => {
    assert.deepEqual(fromBase32(BASE32), SECRET);
    assert.equal(fromBase32('GEZD1'), undefined);
    assert.equal(fromBase32('GEZDGNBV'), undefined);
  });
});

const users = (now = () => NOW): TokenUsers => new TokenUsers(new Map([['dora', SECRET]]), { now });

runContract(
  authenticatorContract('token users', async () => {
    // Each question has a code of its own: the clock goes on by a step.
    let now = NOW;
    return {
      authenticator: users(() => {
        now += 30_000;
        return now;
      }),
      refused: [{ kind: 'totp', request: { userName: 'dora', code: '000000' } }],
    };
  }),
  runner,
);

runContract(
  eapMethodContract('token-card', () => ({
    method: tokenCard,
    user: { userName: 'dora', password: totp(SECRET, stepAt(NOW)) },
    // One that has forgotten which codes were used, for exchanges side by side.
    backEnd: {
      name: 'forgetful',
      supports: (kind) => kind === 'totp',
      verify: (kind, request) => users().verify(kind, request),
    },
  })),
  runner,
);

runContract(
  stageContract('token-hosts', () => ({ stage: onlyTo([INTRANET_HOST], (identity) => identity === 'user-1') })),
  runner,
);

describe('one-time passwords in a gateway', () => {
  const env = {
    PPTP_AUTH_METHODS: 'eap,ms-chap-v2',
    PPTP_EAP_METHODS: 'token-card',
    PPTP_MPPE: 'permitted',
    PPTP_ONE_TIME_PASSWORD_TOKENS: `dora:${BASE32}`,
    PPTP_ONE_TIME_PASSWORD_HOSTS: '10.0.0.80',
  };
  const start = (): Promise<TestGateway> => TestGateway.start({ plugins: [plugin], env });
  const dial = (gateway: TestGateway): TestDial => ({
    user: 'dora',
    // The gateway's time of day begins there.
    password: totp(SECRET, stepAt(NOW + gateway.clock.now())),
    method: 'eap',
    eap: [tokenCard],
    encryption: 'none',
  });

  it('let a user in once', async () => {
    const gateway = await start();
    const order = dial(gateway);
    const client = await gateway.connect(order);
    assert.equal(await client.ping(), true);
    assert.equal(await gateway.ping(client), true);
    const again = await gateway.dial(order);
    assert.equal(again.address, undefined);
    assert.match(again.failure ?? '', /^Authentication with .* failed/);
    await gateway.clock.advance(60_000);
    assert.notEqual((await gateway.dial(dial(gateway))).address, undefined);
    await gateway.stop();
  });

  it('show nothing of the code in the log', async () => {
    const gateway = await start();
    const { password = '' } = dial(gateway);
    await gateway.connect(dial(gateway));
    await gateway.dial(dial(gateway));
    assert.equal(JSON.stringify(gateway.log.lines).includes(password), false);
    await gateway.stop();
  });

  it('reach the hosts that were named, and users with passwords all', async () => {
    const gateway = await start();
    const dora = await gateway.connect(dial(gateway));
    const alice = await gateway.connect();
    const other = ipv4(INTRANET_HOST + 1);
    for (const client of [dora, alice]) await client.send(ipv4Packet({ source: client.address, destination: other }));
    assert.deepEqual(gateway.hostReceives(), [ipv4Packet({ source: alice.address, destination: other })]);
    assert.equal(gateway.telemetry.drops.get('token-hosts in policy'), 1);
    assert.equal(await dora.ping(), true);
    await gateway.stop();
  });
});
