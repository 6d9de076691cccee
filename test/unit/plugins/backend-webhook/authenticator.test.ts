import { describe, expect, it } from 'vitest';
import { toHex } from '../../../../core/bytes/hex.ts';
import { ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import { ntPasswordHash } from '../../../../core/crypto/ms-chap-v2.ts';
import { Session } from '../../../../core/datapath/session.ts';
import type { JsonObject } from '../../../../core/json/read.ts';
import type { AuthKind } from '../../../../core/ports/auth.ts';
import { BoundedLog } from '../../../../core/ports/bounded-log.ts';
import { sessionId } from '../../../../core/ports/ids.ts';
import { instant } from '../../../../core/time.ts';
import { AnswerCache } from '../../../../plugins/backend-webhook/answer-cache.ts';
import { type CachedAnswer, WebhookAuthenticator } from '../../../../plugins/backend-webhook/authenticator.ts';
import { WebhookFault } from '../../../../plugins/backend-webhook/fault.ts';
import { Dice } from '../../../../testing/support/dice.ts';
import { type PasswordKind, proofOf } from '../../../../testing/support/proofs.ts';
import { testOrigin } from '../../../../testing/support/sessions.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

const ALICE = { userName: 'CORP\\alice', password: 'wonderland' };
const hash = (password: string): string => toHex(ntPasswordHash(password));
const never = new AbortController().signal;

/** The authenticator before a service that says what `say` says now. */
const rig = (
  options: { proofs?: readonly PasswordKind[]; cacheSeconds?: number; cacheRejectSeconds?: number } = {},
) => {
  const state = { now: 0, asked: 0, question: {} as JsonObject, say: {} as unknown };
  const log = new MemoryLog();
  const cache = new AnswerCache<CachedAnswer>(() => 10, {
    now: () => instant(state.now),
    schedule: () => () => undefined,
  });
  const service = {
    ask: async (question: JsonObject) => {
      state.asked += 1;
      state.question = question;
      return state.say;
    },
  };
  const usual = {
    proofs: ['ms-chap-v2'] as const,
    fixedAddresses: new Set<never>(),
    cacheSeconds: 0,
    cacheRejectSeconds: 0,
  };
  const one = new WebhookAuthenticator(service, cache, new BoundedLog(log, () => state.now), { ...usual, ...options });
  const dice = new Dice(1);
  const verify = (kind: PasswordKind = 'ms-chap-v2', who = ALICE, origin = testOrigin()) => {
    const question = proofOf(kind, who, dice);
    return one.verify(question.kind, question.request, never, origin);
  };
  return { state, log, one, verify };
};

describe('the webhook', () => {
  it('tells the service who asks, with what, from where', async () => {
    const { state, verify } = rig();
    state.say = { version: 1, result: 'unknown-user' };
    expect(await verify()).toEqual({ ok: false, denial: 'unknown-user' });
    expect(state.question).toMatchObject({
      version: 1,
      type: 'verify',
      user: 'alice',
      userName: 'CORP\\alice',
      proof: { kind: 'ms-chap-v2' },
      origin: { peer: '203.0.113.9:40001', peerAddress: '203.0.113.9', session: 'test-1', callId: 1 },
    });
  });

  it('supports the kinds that it was told, and judges by a hash', async () => {
    const { state, one, verify } = rig({ proofs: ['ms-chap-v2', 'pap'] });
    expect((['pap', 'chap-md5', 'ms-chap-v2'] as AuthKind[]).map((kind) => one.supports(kind))).toEqual([
      true,
      false,
      true,
    ]);
    state.say = { version: 1, result: 'secret', ntHash: hash('wonderland'), profile: { address: '10.0.0.9' } };
    const profile = { address: ipv4(0x0a000009) };
    expect(await verify()).toMatchObject({ ok: true, identity: 'alice', profile, grant: { keys: {} } });
    expect(await verify('pap')).toEqual({ ok: true, identity: 'alice', profile, grant: {} });
    expect(await verify('chap-md5')).toEqual({ ok: false, denial: 'unavailable' });
    expect(state.asked).toBe(2);
  });

  it('lets the service judge', async () => {
    const { state, verify } = rig();
    const keys = { send: 'AAECAwQFBgcICQoLDA0ODw==', receive: 'Dw4NDAsKCQgHBgUEAwIBAA==' };
    const grant = { authenticatorResponse: `S=${'0A'.repeat(20)}`, keys };
    state.say = { version: 1, result: 'accept', identity: 'Alice Liddell', grant };
    expect(await verify()).toEqual({
      ok: true,
      identity: 'Alice Liddell',
      profile: {},
      grant: {
        authenticatorResponse: grant.authenticatorResponse,
        keys: {
          send: Uint8Array.from({ length: 16 }, (_, i) => i),
          receive: Uint8Array.from({ length: 16 }, (_, i) => 15 - i),
        },
      },
    });
    state.say = { version: 1, result: 'reject', denial: 'locked' };
    expect(await verify()).toEqual({ ok: false, denial: 'locked' });
  });

  it('fails on an answer that it cannot use, and logs why without a value', async () => {
    const { state, log, verify } = rig();
    state.say = { version: 1, result: 'secret', ntHash: 'wonderland' };
    const failed = await verify().catch((cause: unknown) => cause);
    expect(failed).toBeInstanceOf(WebhookFault);
    expect(failed).toMatchObject({ code: 'WEBHOOK_ANSWER' });
    expect(log.lines).toMatchObject([{ level: 'warn', event: 'webhook.answer-refused' }]);
    expect(JSON.stringify([log.lines, String(failed)])).not.toContain('wonderland');
  });

  it('fails on a hash where CHAP-MD5 needs the password', async () => {
    const { state, verify } = rig({ proofs: ['chap-md5'] });
    state.say = { version: 1, result: 'secret', ntHash: hash('wonderland') };
    await expect(verify('chap-md5')).rejects.toThrow('cannot judge a proof of the kind chap-md5');
    state.say = { version: 1, result: 'secret', password: 'wonderland' };
    expect(await verify('chap-md5')).toMatchObject({ ok: true });
  });
});

describe('the cache of the webhook', () => {
  const known = { version: 1, result: 'secret', ntHash: hash('wonderland') };

  it('spares questions about a user whose secret was told a moment ago', async () => {
    const { state, verify } = rig({ cacheSeconds: 10 });
    state.say = known;
    for (let time = 0; time < 3; time += 1) expect(await verify()).toMatchObject({ ok: true });
    expect(state.asked).toBe(1);
    state.now = 10_000;
    expect(await verify()).toMatchObject({ ok: true });
    expect(state.asked).toBe(2);
    expect(await verify('ms-chap-v2', { ...ALICE, userName: 'OTHER\\alice' })).toMatchObject({ ok: true });
    expect(state.asked).toBe(3);
  });

  it('asks again about a proof that does not fit, and forgets', async () => {
    const { state, verify } = rig({ cacheSeconds: 10 });
    state.say = known;
    await verify();
    // The password was changed meanwhile.
    state.say = { ...known, ntHash: hash('looking-glass') };
    expect(await verify('ms-chap-v2', { ...ALICE, password: 'looking-glass' })).toMatchObject({ ok: true });
    expect(state.asked).toBe(2);
    for (let time = 0; time < 3; time += 1) expect(await verify()).toEqual({ ok: false, denial: 'bad-credentials' });
    expect(state.asked).toBe(5);
  });

  it('keeps nothing that depends on the proof, and nobody who was turned away', async () => {
    const { state, verify } = rig({ cacheSeconds: 10 });
    const grant = {
      authenticatorResponse: `S=${'0A'.repeat(20)}`,
      keys: { send: `${'A'.repeat(22)}==`, receive: `${'A'.repeat(22)}==` },
    };
    for (const say of [
      { version: 1, result: 'accept', grant },
      { version: 1, result: 'reject', denial: 'bad-credentials' },
      { version: 1, result: 'reject', denial: 'locked' },
      { version: 1, result: 'unknown-user' },
      { ...known, denial: 'expired' },
    ]) {
      state.say = say;
      const before = state.asked;
      await verify();
      await verify();
      expect(state.asked - before).toBe(2);
    }
  });

  it('is good for the address that asked alone: the service may have rules about it', async () => {
    const { state, verify } = rig({ cacheSeconds: 10, cacheRejectSeconds: 5 });
    const { call } = testOrigin().session;
    const session = new Session(sessionId('elsewhere'), { ...call, peer: ipv4(0xc000_0201) });
    const elsewhere = { session, peerName: '192.0.2.1:40001' };
    state.say = known;
    expect(await verify()).toMatchObject({ ok: true });
    state.say = { version: 1, result: 'reject', denial: 'locked' };
    expect(await verify('ms-chap-v2', ALICE, elsewhere)).toEqual({ ok: false, denial: 'locked' });
    expect(await verify()).toMatchObject({ ok: true });
    expect(state.asked).toBe(2);
  });

  it('may keep for a while who is not there, or locked', async () => {
    const { state, verify } = rig({ cacheRejectSeconds: 5 });
    for (const [say, denial] of [
      [{ version: 1, result: 'unknown-user' }, 'unknown-user'],
      [{ version: 1, result: 'reject', denial: 'locked' }, 'locked'],
    ] as const) {
      state.say = say;
      state.asked = 0;
      for (let time = 0; time < 2; time += 1) expect(await verify()).toEqual({ ok: false, denial });
      expect(state.asked).toBe(1);
      state.now += 5_000;
    }
    state.say = { version: 1, result: 'reject', denial: 'bad-credentials' };
    state.asked = 0;
    for (let time = 0; time < 2; time += 1) await verify();
    expect(state.asked).toBe(2);
  });
});
