import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../../../core/bytes/ascii.ts';
import { toHex } from '../../../../core/bytes/hex.ts';
import type { EapRelay, EapRelayAnswer, EapRelayRequest } from '../../../../core/ports/eap-relay.ts';
import { writeEap } from '../../../../core/wire/eap.ts';
import { eapMsChapV2 } from '../../../../plugins/auth-eap/index.ts';
import { EapBench } from '../../../support/eap-bench.ts';

const keys = { send: new Uint8Array(16).fill(1), receive: new Uint8Array(16).fill(2) };
const challenge = (identifier: number, length = 10, patienceSeconds?: number): EapRelayAnswer => ({
  kind: 'challenge',
  message: writeEap({ kind: 'request', identifier, type: 25, data: new Uint8Array(length) }),
  state: `state ${identifier}`,
  ...(patienceSeconds === undefined ? {} : { patienceSeconds }),
});
const accept: EapRelayAnswer = { kind: 'accept', identity: 'alice', profile: { idleSeconds: 9 }, keys };
const identity = (identifier: number): Uint8Array =>
  writeEap({ kind: 'response', identifier, type: 1, data: asciiBytes('alice') });
const response = (identifier: number, type = 25): Uint8Array =>
  writeEap({ kind: 'response', identifier, type, data: Uint8Array.of(1) });

/** A relay that answers from a list, and keeps what it was asked. */
const relayed = (...answers: (EapRelayAnswer | Error)[]) => {
  const asked: EapRelayRequest[] = [];
  const relay: EapRelay = {
    name: 'listed',
    ask: async (request) => {
      asked.push(request);
      const answer = answers.shift() ?? expect.fail('nothing more to answer');
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  const bench = new EapBench('authenticator', [eapMsChapV2()], { mru: 500 }, { intervalMs: 1000, maxSends: 3 }, [
    relay,
  ]);
  return { bench, asked, relay };
};

/** Up to where the answer to the identity is. */
const begun = async (...answers: (EapRelayAnswer | Error)[]) => {
  const rig = relayed(...answers);
  rig.bench.start();
  rig.bench.frame(identity(1));
  const sent = await rig.bench.compute();
  return { ...rig, sent };
};

describe('EapRelayAuthenticator', () => {
  it('asks who is there itself, and takes the answer to the relay', async () => {
    const { bench, asked } = relayed(challenge(77));
    expect(bench.start()).toEqual(['0101000501']);
    expect(bench.frame(identity(1))).toEqual(['compute']);
    expect(bench.effects.at(-1)).toMatchObject({ attempt: { userName: 'alice' } });
    await bench.compute();
    expect(asked).toMatchObject([{ identity: 'alice', state: undefined, mtu: 500, message: identity(1) }]);
  });

  it('keeps the identifiers of the server, and gives its state back', async () => {
    const { bench, asked, sent } = await begun(challenge(77), challenge(200), accept);
    expect(sent).toEqual([toHex(writeEap({ kind: 'request', identifier: 77, type: 25, data: new Uint8Array(10) }))]);
    expect(bench.frame(response(76))).toEqual([]);
    expect(bench.frame(response(77))).toEqual(['compute']);
    expect(bench.effects.at(-1)).not.toHaveProperty('attempt');
    await bench.compute();
    bench.frame(response(200));
    expect(await bench.compute()).toEqual(['03c80004', 'accept']);
    expect(asked.map(({ state }) => state)).toEqual([undefined, 'state 77', 'state 200']);
    expect(bench.effects.at(-1)).toMatchObject({ identity: 'alice', profile: { idleSeconds: 9 }, keys });
  });

  it('a Nak is an answer like any other', async () => {
    const { bench, asked } = await begun(challenge(5), challenge(6));
    expect(bench.frame(response(5, 3))).toEqual(['compute']);
    await bench.compute();
    expect(asked[1]?.message).toEqual(response(5, 3));
  });

  it('sends copies to the peer, asks the relay nothing, and gives up', async () => {
    const { bench, asked, sent } = await begun(challenge(77));
    expect(bench.wait(2000)).toEqual([...sent, ...sent]);
    expect(bench.wait(1000)).toEqual(['reject']);
    expect(bench.effects.at(-1)).toMatchObject({ denial: 'timeout' });
    expect(asked).toHaveLength(1);
  });

  it('gives the user the time that the server says, within bounds', async () => {
    const long = await begun(challenge(77, 10, 30));
    expect(long.bench.wait(29_999)).toEqual([]);
    expect(long.bench.wait(1)).toHaveLength(1);
    const endless = await begun(challenge(77, 10, 1_000_000));
    expect(endless.bench.wait(120_000)).toHaveLength(1);
  });

  it('a Response that comes again is not asked about again', async () => {
    const { bench } = relayed(challenge(77), accept);
    bench.start();
    bench.frame(identity(1));
    expect(bench.frame(identity(1))).toEqual([]);
    await bench.compute();
    bench.frame(response(77));
    await bench.compute();
    // The Success got lost.
    expect(bench.frame(response(77))).toEqual(['034d0004']);
    expect(bench.frame(response(78))).toEqual([]);
  });

  it('a rejection is one failed attempt, told to the peer', async () => {
    const { bench, sent } = await begun({ kind: 'reject', denial: 'expired', detail: 'too old' });
    expect(sent).toEqual(['04010004', 'attempt-failed', 'reject']);
    expect(bench.effects.slice(-2)).toMatchObject([
      { identity: 'alice', denial: 'expired', retriesLeft: 0 },
      { denial: 'expired', detail: 'too old' },
    ]);
  });

  it.each<readonly [string, EapRelayAnswer | Error, string]>([
    ['a relay that fails', new Error('no'), 'unavailable'],
    [
      'a challenge that is no Request',
      { ...challenge(1), message: Uint8Array.of(3, 1, 0, 4) } as EapRelayAnswer,
      'unavailable',
    ],
    ['a Request that the link does not take', challenge(1, 600), 'unavailable'],
    [
      'an accept with a Failure in it',
      { ...accept, message: Uint8Array.of(4, 1, 0, 4) } as EapRelayAnswer,
      'unavailable',
    ],
    ['an answer that is none', {} as EapRelayAnswer, 'unavailable'],
  ])('%s ends the exchange', async (_what, answer, denial) => {
    const { bench, relay } = relayed(answer);
    bench.start();
    bench.frame(identity(1));
    const sent =
      answer instanceof Error ? bench.input({ kind: 'computed', result: { ok: false } }) : await bench.compute();
    expect(sent).toEqual(['04010004', 'attempt-failed', 'reject']);
    expect(bench.effects.at(-1)).toMatchObject({ denial });
    expect(relay.name).toBe('listed');
  });

  it('an attempt that a policy forbids is told as locked', () => {
    const { bench } = relayed();
    bench.start();
    bench.frame(identity(1));
    bench.input({ kind: 'computed', result: { ok: false, denial: 'locked' } });
    expect(bench.effects.at(-1)).toMatchObject({ kind: 'reject', denial: 'locked' });
  });

  it('whom no relay knows goes on with the methods of the gateway', async () => {
    const { sent } = await begun({ kind: 'not-mine' });
    expect(sent).toHaveLength(1);
    // Request 2 of type 26, with a challenge in it.
    expect(sent[0]).toMatch(/^0102....1a01/);
  });

  it('asks one relay after the other', async () => {
    const first: EapRelay = { name: 'first', ask: async () => ({ kind: 'not-mine' }) };
    const second: EapRelay = { name: 'second', ask: async () => challenge(9) };
    const bench = new EapBench('authenticator', [], {}, {}, [first, second]);
    bench.start();
    bench.frame(identity(1));
    expect(await bench.compute()).toEqual(['compute']);
    expect(await bench.compute()).toHaveLength(1);
  });

  it('nobody knows the peer: it is a wrong name', async () => {
    const nobody: EapRelay = { name: 'nobody', ask: async () => ({ kind: 'not-mine' }) };
    const bench = new EapBench('authenticator', [], {}, {}, [nobody]);
    bench.start();
    bench.frame(identity(1));
    await bench.compute();
    expect(bench.effects.at(-1)).toMatchObject({ kind: 'reject', denial: 'bad-credentials' });
  });

  it('an exchange has an end even where the server has none', async () => {
    const answers = Array.from({ length: 100 }, (_, i) => challenge((i + 2) & 0xff));
    const { bench } = await begun(...answers);
    for (let i = 0; i < 99; i += 1) {
      bench.frame(response((i + 2) & 0xff));
      await bench.compute();
    }
    expect(bench.effects.at(-1)).toMatchObject({ kind: 'reject', denial: 'protocol' });
  });
});
