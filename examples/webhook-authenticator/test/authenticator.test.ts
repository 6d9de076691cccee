import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { authenticatorContract, Dice, FakeClock, proofOf, runContract } from 'pptp-gateway/testing';
import { AcmeAuthenticator } from '../src/authenticator.ts';
import { ALICE, ALICE_HASH, SECRET, TestService } from './service.ts';

const OPTIONS = { secret: SECRET, timeoutSeconds: 3, cacheSeconds: 30 };

/** Everything that the gateway expects of any back-end. */
runContract(
  authenticatorContract('acme-webhook', async () => {
    const service = await TestService.start();
    return {
      authenticator: new AcmeAuthenticator({ ...OPTIONS, url: service.url }, new FakeClock()),
      users: [ALICE],
      secrets: [SECRET, ALICE_HASH],
      silence: () => {
        service.mode = 'silent';
      },
      breakDown: () => {
        service.mode = 'broken';
      },
      teardown: () => service.stop(),
    };
  }),
  { describe, it },
);

describe('what this one adds', () => {
  let service: TestService;
  const dice = new Dice(1);
  const clock = new FakeClock();
  const verify = (backEnd: AcmeAuthenticator, who = ALICE) => {
    const { kind, request } = proofOf('ms-chap-v2', who, dice);
    return backEnd.verify(kind, request, new AbortController().signal);
  };
  const backEnd = () => new AcmeAuthenticator({ ...OPTIONS, url: service.url }, clock);
  before(async () => {
    service = await TestService.start();
  });
  after(() => service.stop());

  it('gives the address that the directory names', async () => {
    const answer = await verify(backEnd());
    assert(answer.ok);
    assert.deepEqual([answer.identity, answer.profile.address], ['alice', 0x0a630007]);
  });

  it('asks once in half a minute, and again about a proof that does not fit', async () => {
    const one = backEnd();
    service.asked = 0;
    for (let time = 0; time < 3; time += 1) assert((await verify(one)).ok);
    assert.equal(service.asked, 1);
    assert.deepEqual(await verify(one, { ...ALICE, password: 'guess' }), { ok: false, denial: 'bad-credentials' });
    assert.equal(service.asked, 2);
    assert((await verify(one)).ok);
    await clock.advance(30_000);
    assert((await verify(one)).ok);
    assert.equal(service.asked, 4);
  });

  it('passes on who is not in the directory', async () => {
    assert.deepEqual(await verify(backEnd(), { ...ALICE, userName: 'bob' }), { ok: false, denial: 'unknown-user' });
  });

  it('believes nobody without the secret', async () => {
    service.mode = 'forged';
    await assert.rejects(verify(backEnd()), /without a signature that fits/);
    service.mode = 'works';
  });

  it('waits three seconds and no longer', async () => {
    service.mode = 'silent';
    const waiting = assert.rejects(verify(backEnd()), /more than 3 s/);
    await clock.advance(3_000);
    await waiting;
    service.mode = 'works';
  });
});
